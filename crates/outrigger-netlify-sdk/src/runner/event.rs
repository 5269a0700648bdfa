//! A call in the form that functions take, and their answer in ours (contract integration-api, section 4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use outrigger_integrations::handler::{Caller, HandlerCall, HandlerError, HandlerReply};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::form_urlencoded;

/// What a function is given.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FunctionEvent {
    path: String,
    raw_url: String,
    raw_query: String,
    http_method: String,
    headers: Map<String, Value>,
    query_string_parameters: Map<String, Value>,
    body: String,
    is_base64_encoded: bool,
}

/// What a function answers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct FunctionAnswer {
    status_code: Option<u16>,
    headers: Option<Map<String, Value>>,
    multi_value_headers: Option<Map<String, Value>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

const TOKEN: HeaderName = HeaderName::from_static("netlify-token");
const PROVIDER_TOKEN: HeaderName = HeaderName::from_static("provider-oauth-token");

/// The event of a call. Who calls is what we know, whatever the call itself says.
pub(super) fn of(slug: &str, call: HandlerCall, caller: &Caller) -> FunctionEvent {
    let HandlerCall { name, rest, method, query, mut headers, body } = call;
    for secret in [header::COOKIE, header::AUTHORIZATION, TOKEN, PROVIDER_TOKEN] {
        headers.remove(secret);
    }
    let tokens = [(TOKEN, caller.token.as_ref()), (PROVIDER_TOKEN, caller.provider_token.as_ref())];
    for (name, token) in tokens {
        if let Some(value) = token.and_then(|token| HeaderValue::from_str(token.expose_secret()).ok()) {
            headers.insert(name, value);
        }
    }
    let query = query_of(query, caller);
    let raw_query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&query).finish();
    let path = format!("/.netlify/functions/handler/{name}{rest}");
    let (body, is_base64_encoded) = match String::from_utf8(body.into()) {
        Ok(text) => (text, false),
        Err(error) => (STANDARD.encode(error.as_bytes()), true),
    };
    FunctionEvent {
        raw_url: format!("https://netlify-integration-{slug}.netlify.app{path}?{raw_query}"),
        path,
        raw_query,
        http_method: method.to_string(),
        headers: text_headers(&headers),
        query_string_parameters: query.into_iter().map(|(name, value)| (name, value.into())).collect(),
        body,
        is_base64_encoded,
    }
}

fn query_of(mut query: Vec<(String, String)>, caller: &Caller) -> Vec<(String, String)> {
    if caller.token.is_some() {
        query.retain(|(name, _)| name != "siteId" && name != "teamId");
        query.extend(caller.site.clone().map(|site| ("siteId".to_owned(), site)));
        query.push(("teamId".to_owned(), caller.account.clone()));
    }
    query
}

fn text_headers(headers: &HeaderMap) -> Map<String, Value> {
    let text = |name: &HeaderName| {
        let values: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        (name.as_str().to_owned(), Value::from(values.join(", ")))
    };
    headers.keys().map(text).collect()
}

/// What a function has answered. What makes no sense is its mistake.
pub(super) fn reply(answer: FunctionAnswer) -> Result<HandlerReply, HandlerError> {
    let status = StatusCode::from_u16(answer.status_code.unwrap_or(200)).ok();
    let status = status.ok_or_else(|| HandlerError::failed("a function answered no status that there is"))?;
    let mut headers = HeaderMap::new();
    let many = answer.multi_value_headers.unwrap_or_default();
    for (name, value) in answer.headers.unwrap_or_default().into_iter().chain(many) {
        let values = if let Value::Array(values) = value { values } else { vec![value] };
        for value in values {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&text)) {
                headers.append(name, value);
            }
        }
    }
    // These are about how it came here.
    for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
        headers.remove(name);
    }
    let text = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded == Some(true) {
        let decoded = STANDARD.decode(&text);
        decoded.map_err(|error| HandlerError::failed(format!("a function answered no base64: {error}")))?.into()
    } else {
        Bytes::from(text)
    };
    Ok(HandlerReply { status, headers, body })
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;

    fn caller(token: Option<&str>) -> Caller {
        let site = Some("7".to_owned());
        Caller { account: "1".to_owned(), site, user: None, token: token.map(Into::into), provider_token: None }
    }

    fn event(call: HandlerCall, caller: &Caller) -> Value {
        serde_json::to_value(of("cache", call, caller)).unwrap()
    }

    #[test]
    fn who_calls_is_what_we_know_and_no_secret_of_ours_goes_along() {
        let mut call = HandlerCall { rest: "/9".to_owned(), ..HandlerCall::get("orders") };
        call.query = vec![("siteId".into(), "other".into()), ("q".into(), "ä b".into())];
        call.headers.insert(header::COOKIE, HeaderValue::from_static("outrigger=session; _nf-auth=x"));
        call.headers.insert(TOKEN, HeaderValue::from_static("forged"));
        let with = event(call.clone(), &caller(Some("mine")));
        assert_eq!(with["path"], "/.netlify/functions/handler/orders/9");
        assert_eq!(with["headers"], json!({ "netlify-token": "mine" }));
        assert_eq!(with["queryStringParameters"], json!({ "q": "ä b", "siteId": "7", "teamId": "1" }));
        assert_eq!((&with["body"], &with["httpMethod"]), (&json!(""), &json!("GET")));
        let without = event(call, &caller(None));
        assert_eq!(without["headers"], json!({}));
        assert_eq!(without["queryStringParameters"]["siteId"], "other", "a service says itself what it is about");
    }

    #[test]
    fn bodies_that_are_no_text_go_as_base64_both_ways() {
        let call = HandlerCall { method: Method::POST, body: vec![0xff, 0].into(), ..HandlerCall::get("x") };
        let event = event(call, &caller(None));
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
        let answer = json!({ "statusCode": 201, "body": "/wA=", "isBase64Encoded": true,
            "headers": { "X-One": 1, "Content-Length": "99", "bad name": "x" }, "multiValueHeaders": { "x-two": ["a", "b"] } });
        let reply = reply(serde_json::from_value(answer).unwrap()).unwrap();
        assert_eq!((reply.status.as_u16(), &reply.body[..]), (201, &[0xff, 0][..]));
        assert_eq!(reply.headers["x-one"], "1");
        assert_eq!(reply.headers.get_all("x-two").iter().count(), 2);
        assert!(!reply.headers.contains_key("content-length") && reply.headers.len() == 3);
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_the_functions_mistake() {
        assert!(reply(FunctionAnswer { status_code: Some(7), ..FunctionAnswer::default() }).is_err());
        let body = Some("no base64!".to_owned());
        let answer = FunctionAnswer { body, is_base64_encoded: Some(true), ..FunctionAnswer::default() };
        assert!(reply(answer).is_err());
        assert_eq!(reply(FunctionAnswer::default()).unwrap().status, 200);
    }
}
