//! Sites that are a folder of files.

use std::path::Path;

use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use tower::ServiceExt as _;
use tower_http::services::{ServeDir, ServeFile};

use crate::body::Body;
use crate::fault::Fault;

/// The file at the path of the request, which was normalised, or the folder's `404.html`.
pub(crate) async fn serve(folder: &Path, request: http::request::Parts) -> Result<Response<Body>, Fault> {
    if is_hidden(request.uri.path()) {
        return Err(Fault::downstream(StatusCode::NOT_FOUND, "no_such_page", "The site has no such page."));
    }
    let not_found = ServeFile::new(folder.join("404.html"));
    let request = Request::from_parts(request, Empty::<bytes::Bytes>::new());
    let served = ServeDir::new(folder).not_found_service(not_found).oneshot(request).await;
    let response = served.map_err(|never| match never {})?;
    Ok(response.map(Body::File))
}

/// Names that begin with a dot are no pages: `.env`, `.git`. What RFC 8615 puts there is.
fn is_hidden(path: &str) -> bool {
    path.split('/').any(|segment| segment.starts_with('.') && segment != ".well-known")
}
