//! Errors for people in a browser; programs get the JSON as it is.

use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::layout::Layout;
use super::protection::add_headers;
use crate::error::ErrorText;
use crate::router::REQUEST_ID;
use crate::urls::Page;

#[derive(Template)]
#[template(path = "error.html")]
pub(super) struct ErrorPage<'a> {
    pub(super) layout: Layout,
    pub(super) status: StatusCode,
    pub(super) message: &'a str,
    pub(super) request_id: Option<&'a str>,
}

/// Turns an error's answer into a page where a browser asked for one.
pub(crate) async fn show_errors(request: Request, next: Next) -> Response {
    let for_person = !request.uri().path().starts_with("/api/") && wants_page(request.headers());
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
    let response = next.run(request).await;
    if !for_person {
        return response;
    }
    let Some(ErrorText(message)) = response.extensions().get() else { return response };
    match error_page(response.status(), message, id.as_deref()) {
        Ok(html) => as_page(response, html),
        Err(fault) => {
            tracing::error!(%fault, "the page of an error cannot be shown");
            response
        }
    }
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn error_page(status: StatusCode, message: &str, request_id: Option<&str>) -> askama::Result<String> {
    let title = match status {
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::FORBIDDEN => "This is not allowed",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        status if status.is_server_error() => "Something failed on our side",
        _ => "This did not work",
    };
    // What was looked for is in the address bar; whether it is somebody else's is not said.
    let message = match status {
        StatusCode::NOT_FOUND => "there is no such page, or it is for members of another account",
        _ => message,
    };
    let request_id = request_id.filter(|_| status.is_server_error());
    ErrorPage { layout: Layout::for_anybody(title), status, message, request_id }.render()
}

/// The same answer with another body; `Retry-After` and the like stay.
fn as_page(response: Response, html: String) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_TYPE);
    let mut shown = (parts.status, Html(html)).into_response();
    let of_page = shown.headers().clone();
    *shown.headers_mut() = parts.headers;
    shown.headers_mut().extend(of_page);
    add_headers(&mut shown);
    shown
}
