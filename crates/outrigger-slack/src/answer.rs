//! What the answers of the three services mean.
//!
//! Slack says `ok`, or a word such as `no_service`; Mattermost and Discord say it in JSON. The status means the same
//! with all three, but for one thing: Mattermost has 400 for a webhook that it does not know.

use std::time::Duration;

use http::{HeaderMap, header};
use outrigger_integrations::{CheckReport, OutboundError, Reply, SendError, Sent};
use serde_json::Value;

const MAX_SUMMARY: usize = 200;
/// Mattermost looks at the message first, and only then for the webhook.
const MATTERMOST_EMPTY: &str = "web.incoming_webhook.text.app_error";
const MATTERMOST_UNKNOWN: &str = "web.incoming_webhook.invalid.app_error";

/// After a message.
pub(crate) fn to_message(answer: Result<Reply, OutboundError>) -> Result<Sent, SendError> {
    let reply = answer?;
    let status = reply.status.as_u16();
    let said = Said::of(&reply);
    let text = &said.text;
    if said.is_unknown_webhook() {
        return Err(SendError::broken(format!("the chat service does not accept this webhook ({status}: {text})")));
    }
    match status {
        200..=299 => Ok(Sent { status: Some(status), summary: said.text }),
        429 => Err(SendError::Retry {
            reason: format!("the chat service asks for fewer messages (429: {text})"),
            after: retry_after(&reply.headers),
        }),
        400..=499 => Err(SendError::refused(format!("the chat service refused the message ({status}: {text})"))),
        300..=399 => Err(SendError::retry(format!("the chat service redirects ({status}): enter the new address"))),
        _ => Err(SendError::Retry {
            reason: format!("the chat service failed ({status}: {text})"),
            after: retry_after(&reply.headers),
        }),
    }
}

/// After a message without content.
pub(crate) fn to_check(answer: Result<Reply, OutboundError>) -> CheckReport {
    let report = CheckReport::new();
    let reply = match answer {
        Ok(reply) => reply,
        Err(OutboundError::Blocked(reason)) => return report.refused_field("url", reason),
        Err(error) => return report.unavailable(format!("The chat service cannot be asked: {error}.")),
    };
    let (status, said) = (reply.status.as_u16(), Said::of(&reply));
    let text = &said.text;
    if said.is_unknown_webhook() {
        return report
            .refused_field("url", format!("The chat service does not accept this webhook ({status}: {text})."));
    }
    match status {
        400 if said.id.as_deref() == Some(MATTERMOST_EMPTY) => {
            report.passed("The chat service answers. Whether it knows this webhook shows with the first message.")
        }
        // It refuses the empty message, not the webhook.
        400 => report.passed("The chat service knows this webhook."),
        200..=299 => report.passed("The chat service takes messages at this address."),
        429 | 500..=599 => report.unavailable(format!("The chat service is busy or failing ({status}: {text}).")),
        _ => report.refused_field("url", format!("This does not answer like a chat service ({status}: {text}).")),
    }
}

/// What a service says beside the status.
struct Said {
    status: u16,
    /// Its name for what happened, from Mattermost.
    id: Option<String>,
    /// In a line.
    text: String,
}

impl Said {
    fn of(reply: &Reply) -> Self {
        let body = String::from_utf8_lossy(&reply.body);
        let json: Option<Value> = serde_json::from_str(&body).ok();
        let part = |name: &str| json.as_ref()?.get(name)?.as_str().map(str::to_owned);
        let text = part("message").unwrap_or_else(|| body.into_owned());
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = line.chars().filter(|char| !char.is_control()).take(MAX_SUMMARY).collect();
        Self { status: reply.status.as_u16(), id: part("id"), text }
    }

    fn is_unknown_webhook(&self) -> bool {
        matches!(self.status, 401 | 403 | 404 | 410) || self.id.as_deref() == Some(MATTERMOST_UNKNOWN)
    }
}

/// Seconds, with a fraction at Discord.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}
