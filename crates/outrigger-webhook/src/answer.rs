//! What the receiver's answers mean (Standard Webhooks, "Deliverability and reliability").

use std::time::Duration;

use http::{HeaderMap, header};
use outrigger_integrations::{CheckReport, OutboundError, Reply, SendError, Sent};

const MAX_SUMMARY: usize = 200;

/// After a message.
pub(crate) fn to_message(answer: Result<Reply, OutboundError>) -> Result<Sent, SendError> {
    let reply = answer?;
    let status = reply.status.as_u16();
    match status {
        200..=299 => Ok(Sent { status: Some(status), summary: summary(&reply.body) }),
        410 => Err(SendError::broken("the receiver says that this address is gone for good (410)")),
        300..=399 => Err(SendError::retry(format!(
            "the receiver redirects ({status}), and signed messages do not follow: enter the new address"
        ))),
        _ => Err(SendError::Retry {
            reason: format!("the receiver answers {status}: {}", summary(&reply.body)),
            after: retry_after(&reply.headers),
        }),
    }
}

/// After the question which methods there are. A server that does not know the question may still take a `POST`.
pub(crate) fn to_check(answer: Result<Reply, OutboundError>) -> CheckReport {
    let report = CheckReport::new();
    let status = match answer {
        Ok(reply) => reply.status.as_u16(),
        Err(OutboundError::Blocked(reason)) => return report.refused_field("url", reason),
        Err(error) => return report.unavailable(format!("The receiver cannot be asked: {error}.")),
    };
    match status {
        410 => report.refused_field("url", "The receiver says that this address is gone for good (410)."),
        500..=599 => report.unavailable(format!("The receiver is failing ({status}).")),
        404 => report.passed("The receiver answers, though with 404 to this question: send a sample to be sure."),
        _ => report.passed("The receiver answers."),
    }
}

/// Seconds. A date, the header's other form, is left to the usual backoff.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn summary(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|char| !char.is_control()).take(MAX_SUMMARY).collect()
}
