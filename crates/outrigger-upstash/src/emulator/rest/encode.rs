//! From replies of Redis to bodies: values in, values out.

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, body::Bytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use redis_protocol::resp2::encode::extend_encode;
use redis_protocol::resp2::types::BytesFrame;
use serde_json::{Value, json};

/// How a caller wants its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// JSON with texts as they are; bytes that are no text are lost.
    Text,
    /// JSON with all texts, at any depth, in base64. The client of Upstash decodes all of them but a lone OK.
    Base64,
    /// As Redis sent it.
    Raw,
}

impl Format {
    pub(super) fn of(headers: &HeaderMap) -> Result<Format, String> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default().to_ascii_lowercase());
        match (text("upstash-encoding").as_deref(), text("upstash-response-format").as_deref()) {
            (None | Some(""), None) => Ok(Format::Text),
            (Some("base64"), None) => Ok(Format::Base64),
            (None, Some("resp2")) => Ok(Format::Raw),
            (Some(_), Some("resp2")) => Err("ERR the resp2 format and an encoding exclude each other".to_owned()),
            (_, Some(_)) => Err("ERR unknown response format".to_owned()),
            (Some(_), None) => Err("ERR unknown encoding".to_owned()),
        }
    }

    pub(super) fn one(self, frame: &BytesFrame) -> Response {
        match self {
            Format::Raw => raw(std::slice::from_ref(frame)),
            _ => Json(self.reply(frame)).into_response(),
        }
    }

    pub(super) fn list(self, frames: &[BytesFrame]) -> Response {
        match self {
            Format::Raw => raw(frames),
            _ => Json(frames.iter().map(|frame| self.reply(frame)).collect::<Value>()).into_response(),
        }
    }

    fn reply(self, frame: &BytesFrame) -> Value {
        match frame {
            BytesFrame::Error(text) => json!({ "error": &**text }),
            _ => json!({ "result": self.value(frame) }),
        }
    }

    fn value(self, frame: &BytesFrame) -> Value {
        match frame {
            BytesFrame::Null => Value::Null,
            BytesFrame::Integer(number) => json!(number),
            BytesFrame::SimpleString(text) | BytesFrame::BulkString(text) => json!(self.text(text)),
            BytesFrame::Error(text) => json!(self.text(text.as_bytes())),
            BytesFrame::Array(frames) => frames.iter().map(|frame| self.value(frame)).collect(),
        }
    }

    fn text(self, bytes: &[u8]) -> String {
        match self {
            Format::Base64 => STANDARD.encode(bytes),
            _ => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

fn raw(frames: &[BytesFrame]) -> Response {
    let mut encoded = bytes::BytesMut::new();
    for frame in frames {
        if let Err(fault) = extend_encode(&mut encoded, frame, false) {
            tracing::warn!(%fault, "a reply of Redis cannot be written again");
        }
    }
    ([(header::CONTENT_TYPE, "application/octet-stream")], Bytes::from(encoded)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_encoded_at_any_depth_and_errors_never() {
        let ok = || BytesFrame::SimpleString("OK".into());
        let nested = BytesFrame::Array(vec![ok(), BytesFrame::Null, BytesFrame::Array(vec![BytesFrame::Integer(7)])]);
        assert_eq!(Format::Base64.reply(&nested), json!({ "result": ["T0s=", null, [7]] }));
        assert_eq!(Format::Text.reply(&ok()), json!({ "result": "OK" }));
        let binary = BytesFrame::BulkString(Bytes::from_static(b"\xff\x00"));
        assert_eq!(Format::Base64.reply(&binary), json!({ "result": "/wA=" }));
        assert_eq!(Format::Text.reply(&binary), json!({ "result": "\u{fffd}\0" }));
        let failed = BytesFrame::Error("ERR no".into());
        assert_eq!(Format::Base64.reply(&failed), json!({ "error": "ERR no" }));
    }
}
