//! Channels as server-sent events: a connection of their own, until the client goes or the token ends.

use std::fmt::Write as _;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use redis_protocol::resp2::types::BytesFrame;

use super::{Access, refused, trouble};
use crate::emulator::fault::Refusal;
use crate::emulator::redis::{Connection, RedisServer};

struct Subscription {
    /// The server lives for as long as somebody listens.
    _server: std::sync::Arc<tokio::sync::OnceCell<RedisServer>>,
    connection: Connection,
    valid: tokio_util::sync::CancellationToken,
    first: Option<BytesFrame>,
}

pub(super) async fn stream(access: Access, kind: &str, channels: Vec<Bytes>) -> Result<Response, Refusal> {
    let mut connection = access.connect().await?;
    let mut command = vec![Bytes::from(kind.to_ascii_uppercase())];
    command.extend(channels);
    let first = match connection.ask(&command).await.map_err(trouble)? {
        BytesFrame::Error(text) => return Err(refused(&text)),
        first => Some(first),
    };
    let subscription = Subscription { _server: access.server, connection, valid: access.valid, first };
    let events = stream::unfold(subscription, |mut subscription| async move {
        let frame = match subscription.first.take() {
            Some(first) => first,
            None => tokio::select! {
                () = subscription.valid.cancelled() => return None,
                next = subscription.connection.next() => next.ok()?,
            },
        };
        Some((Ok::<_, std::convert::Infallible>(event(&frame)), subscription))
    });
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response())
}

fn event(frame: &BytesFrame) -> String {
    let parts = match frame {
        BytesFrame::Array(parts) => parts.iter().map(text).collect::<Vec<_>>(),
        other => vec![text(other)],
    };
    let mut event = String::new();
    for line in parts.join(",").split(['\r', '\n']) {
        // Writing to a string cannot fail.
        let _ = writeln!(event, "data: {line}");
    }
    event + "\n"
}

fn text(frame: &BytesFrame) -> String {
    match frame {
        BytesFrame::Integer(number) => number.to_string(),
        BytesFrame::SimpleString(bytes) | BytesFrame::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        BytesFrame::Error(text) => text.to_string(),
        BytesFrame::Null | BytesFrame::Array(_) => String::new(),
    }
}
