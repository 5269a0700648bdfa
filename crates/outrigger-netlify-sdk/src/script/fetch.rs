//! What a surface's script reaches: the handlers of its own integration, by name or by their address, and nothing else.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use outrigger_integrations::handler::{HandlerCall, HandlerReply};
use outrigger_integrations::surface::SurfaceState;
use serde_json::{Value, json};
use url::Url;

use super::engine::Fetch;

/// The two addresses that the SDK's function answers to.
const HANDLERS: [&str; 2] = ["/.netlify/functions/handler/", "/api/"];

/// Calls a handler, and gives its answer in the form that the script's side takes.
pub(super) async fn fetch(wanted: Fetch, state: &SurfaceState, limit: usize) -> Value {
    let Some(call) = handler_call(&wanted, &state.context.server_url) else {
        return json!({ "error": "Only the handlers of this integration can be reached from here" });
    };
    let HandlerReply { status, headers, body } = state.fetch(call).await;
    if body.len() > limit {
        return json!({ "error": format!("The answer has more than {limit} bytes") });
    }
    let headers: Vec<_> =
        headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    json!({ "status": status.as_u16(), "headers": headers, "body": String::from_utf8_lossy(&body) })
}

fn handler_call(wanted: &Fetch, server: &Url) -> Option<HandlerCall> {
    let origin = server.as_str().trim_end_matches('/');
    let url = match wanted.url.strip_prefix(origin) {
        Some(_) => Url::parse(&wanted.url).ok()?,
        None if wanted.url.contains("://") || wanted.url.starts_with("//") => return None,
        None => Url::parse(&format!("{origin}{}{}", HANDLERS[0], wanted.url.trim_start_matches('/'))).ok()?,
    };
    // The address as it is after `..` has been followed.
    let path = url.as_str().strip_prefix(origin)?.split(['?', '#']).next()?;
    let handler = HANDLERS.iter().find_map(|prefix| path.strip_prefix(prefix))?;
    let (name, rest) = handler.find('/').map_or((handler, ""), |at| handler.split_at(at));
    let headers = wanted
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?)));
    Some(HandlerCall {
        name: name.to_owned(),
        rest: rest.to_owned(),
        method: Method::from_bytes(wanted.method.as_bytes()).ok()?,
        query: url.query_pairs().into_owned().collect(),
        headers: HeaderMap::from_iter(headers),
        body: wanted.body.clone().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, rest and query.
    type Called = (String, String, Vec<(String, String)>);

    fn called(url: &str) -> Option<Called> {
        let (method, headers, body) = ("GET".to_owned(), Vec::new(), String::new());
        let wanted = Fetch { url: url.to_owned(), method, headers, body };
        let call = handler_call(&wanted, &"https://host.example/surfaces/cache".parse().unwrap())?;
        Some((call.name, call.rest, call.query))
    }

    #[test]
    fn handlers_are_reached_by_name_and_by_address_and_nothing_else_is() {
        let plain = |name: &str, rest: &str| Some((name.to_owned(), rest.to_owned(), Vec::new()));
        assert_eq!(called("status"), plain("status", ""));
        assert_eq!(called("orders/7"), plain("orders", "/7"));
        assert_eq!(
            called("https://host.example/surfaces/cache/.netlify/functions/handler/status"),
            plain("status", "")
        );
        assert_eq!(called("https://host.example/surfaces/cache/api/status"), plain("status", ""));
        assert_eq!(called("status?a=b%20c").unwrap().2, [("a".to_owned(), "b c".to_owned())]);
        for other in [
            "https://host.example/surfaces/other/api/status",
            "https://host.example/surfaces/cache-2/api/status",
            "https://host.example/surfaces/cache/../other/api/status",
            "https://host.example/api/v1/user",
            "http://127.0.0.1/",
            "//evil.example/x",
            "../../../../api/v1/user",
        ] {
            assert_eq!(called(other), None, "{other}");
        }
    }
}
