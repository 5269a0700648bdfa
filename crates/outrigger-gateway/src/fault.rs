//! What went wrong, on whose side, and how it is told.

use http::{HeaderValue, Response, StatusCode, header};

use crate::body::Body;
use crate::upstream::{ConnectError, ExchangeError, UploadFault};

/// Whose side failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The server behind the gateway.
    Upstream,
    /// The client.
    Downstream,
}

impl Side {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Side::Upstream => "upstream",
            Side::Downstream => "downstream",
        }
    }
}

/// A request that got no answer from where it was going.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) side: Side,
    pub(crate) status: StatusCode,
    /// A word for programs, the same for ever.
    pub(crate) code: &'static str,
    /// For whoever sent the request.
    pub(crate) message: String,
    /// For the log only.
    pub(crate) cause: Option<String>,
}

impl Fault {
    pub(crate) fn downstream(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { side: Side::Downstream, status, code, message: message.into(), cause: None }
    }

    pub(crate) fn upstream(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { side: Side::Upstream, status, code, message: message.into(), cause: None }
    }

    pub(crate) fn caused_by(mut self, cause: impl ToString) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// The upstream gave no answer; `who` is what the client knows it as.
    pub(crate) fn of_exchange(error: &ExchangeError, who: &str) -> Self {
        use StatusCode as Status;
        let upstream = |status, code, what: &str| Self::upstream(status, code, format!("{who} {what}"));
        let fault = match error {
            ExchangeError::LeftAlone => upstream(
                Status::SERVICE_UNAVAILABLE,
                "upstream_left_alone",
                "could not be reached several times in a row. Try again in a few seconds.",
            ),
            ExchangeError::Connect(ConnectError::Forbidden(_)) => upstream(
                Status::BAD_GATEWAY,
                "forbidden_address",
                "is at an address that the gateway may not connect to.",
            ),
            ExchangeError::Connect(_) => upstream(Status::BAD_GATEWAY, "unreachable", "cannot be reached."),
            ExchangeError::ConnectTimeout(_) => {
                upstream(Status::GATEWAY_TIMEOUT, "connect_timeout", "did not take a connection in time.")
            }
            ExchangeError::FirstByteTimeout(_) => {
                upstream(Status::GATEWAY_TIMEOUT, "answer_timeout", "did not answer in time.")
            }
            ExchangeError::Answer(_) => {
                upstream(Status::BAD_GATEWAY, "bad_answer", "gave no answer that could be understood.")
            }
            ExchangeError::Upload(fault) => {
                let (status, code) = match fault {
                    UploadFault::TooLarge => (Status::PAYLOAD_TOO_LARGE, "body_too_large"),
                    UploadFault::Stalled => (Status::REQUEST_TIMEOUT, "body_stalled"),
                    UploadFault::Broken => (Status::BAD_REQUEST, "body_broken"),
                };
                Self::downstream(status, code, format!("Not passed on: {fault}."))
            }
        };
        fault.caused_by(error)
    }

    /// A page for browsers, JSON for everybody else.
    pub(crate) fn answer(&self, accept: Option<&HeaderValue>, request_id: &str) -> Response<Body> {
        let wants = accept.and_then(|value| value.to_str().ok());
        let (kind, text) = if wants.is_some_and(|wants| wants.contains("text/html")) {
            ("text/html; charset=utf-8", self.page(request_id))
        } else {
            ("application/json", self.json(request_id))
        };
        let mut answer = Response::new(Body::full(text));
        *answer.status_mut() = self.status;
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        answer
    }

    fn json(&self, request_id: &str) -> String {
        let body = serde_json::json!({
            "code": self.status.as_u16(),
            "error": self.code,
            "message": self.message,
            "side": self.side.word(),
            "request_id": request_id,
        });
        format!("{body}\n")
    }

    fn page(&self, request_id: &str) -> String {
        let (title, message, side) = (self.status.to_string(), escape(&self.message), self.side.word());
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
             <meta name=\"viewport\" content=\"width=device-width\"></head>\n<body><h1>{title}</h1>\n<p>{message}</p>\n\
             <p>Side: {side}. Request: <code>{request_id}</code></p></body></html>\n"
        )
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
