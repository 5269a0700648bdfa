//! Why an integration could not do what it was asked.

use std::time::Duration;

use crate::OutboundError;

/// Why an integration could not start, stop, answer or handle. The text is shown to administrators and kept: no
/// secrets in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(String);

impl Fault {
    /// What happened, whose fault it is, and what to do.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl From<OutboundError> for Fault {
    fn from(error: OutboundError) -> Self {
        Self(error.to_string())
    }
}

/// Why a message was not sent, which decides what becomes of it. The texts are kept in the log of attempts and shown
/// to administrators; secrets of the configuration in them are blotted out before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// It may work later.
    #[error("{reason}")]
    Retry {
        /// What happened.
        reason: String,
        /// When the other side wants to be asked again, if it said so.
        after: Option<Duration>,
    },
    /// The other side will never take this message; others it may.
    #[error("{reason}")]
    Refused {
        /// What happened.
        reason: String,
    },
    /// The configuration is broken (the address is gone, the token revoked): no message will get through, so the
    /// configuration is switched off and its owner told.
    #[error("{reason}")]
    Broken {
        /// What happened.
        reason: String,
    },
}

impl SendError {
    /// It may work later.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry { reason: reason.into(), after: None }
    }

    /// The other side will never take this message.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }

    /// No message will get through.
    pub fn broken(reason: impl Into<String>) -> Self {
        Self::Broken { reason: reason.into() }
    }
}

/// What did not get through may get through later, except where we may not go at all.
impl From<OutboundError> for SendError {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::Blocked(reason) => Self::broken(reason),
            other => Self::retry(other.to_string()),
        }
    }
}

/// What is kept of a message that got through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// The status of the answer, where the protocol has one.
    pub status: Option<u16>,
    /// What the other side said, in a line.
    pub summary: String,
}
