//! What can go wrong in a conversation, and what it means for a message and for a check.

use lettre::transport::smtp::Error;
use outrigger_integrations::{CheckReport, OutboundError, SendError};

/// Where a conversation ended that did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There was none.
    Outbound(OutboundError),
    /// It would not have been protected as the settings want it.
    Protection(String),
    /// The server does not greet as mail servers do.
    Greeting(Error),
    /// The user name or the password.
    SignIn(Error),
    /// The sender.
    Sender(Error),
    /// All recipients, each with the server's words.
    Recipients(Vec<String>),
    /// The server does not know addresses in other scripts.
    Script,
    /// The message itself.
    Message(Error),
    /// It took too long.
    TooLong,
}

/// "Authentication required": what a server says to a sender who has not signed in.
const SIGN_IN_FIRST: u16 = 530;

impl From<Failure> for SendError {
    /// What is about the configuration breaks it only if the server says so for good: everything else may be an
    /// accident that passes.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Outbound(error) => error.into(),
            Failure::Protection(why) => Self::retry(format!("the mail server's protection: {why}")),
            Failure::Greeting(error) => Self::retry(format!("the mail server: {}", words(&error))),
            Failure::SignIn(error) if error.is_permanent() => Self::broken(format!(
                "the mail server does not accept the user name and the password: {}",
                words(&error)
            )),
            Failure::Sender(error) if code(&error) == Some(SIGN_IN_FIRST) => {
                Self::broken(format!("the mail server asks for a user name and a password: {}", words(&error)))
            }
            Failure::Recipients(refused) => {
                Self::refused(format!("the mail server refuses all recipients: {}", refused.join(", ")))
            }
            Failure::Script => Self::refused(NO_SCRIPTS),
            Failure::Sender(error) | Failure::Message(error) if error.is_permanent() => {
                Self::refused(format!("the mail server: {}", words(&error)))
            }
            Failure::SignIn(error) | Failure::Sender(error) | Failure::Message(error) => {
                Self::retry(format!("the mail server: {}", words(&error)))
            }
            Failure::TooLong => Self::retry("the mail server took too long"),
        }
    }
}

const NO_SCRIPTS: &str = "the mail server does not know addresses in other scripts (SMTPUTF8)";

/// What a check found.
pub(crate) fn report(checked: Result<(), Failure>) -> CheckReport {
    let report = CheckReport::new();
    let Err(failure) = checked else { return report.passed("The mail server answers.") };
    match failure {
        Failure::Outbound(OutboundError::Blocked(reason)) => report.refused_field("host", reason),
        Failure::Outbound(error) => report.unavailable(format!("The mail server: {error}.")),
        Failure::Protection(why) => {
            report.refused_field("protection", format!("There is no protected connection to the mail server: {why}."))
        }
        Failure::SignIn(error) if error.is_permanent() || error.is_client() => report.refused_field(
            "password",
            format!("The mail server does not accept the user name and the password: {}.", words(&error)),
        ),
        Failure::Greeting(error) if error.is_response() => report.refused_field(
            "port",
            format!("This does not answer like a mail server, or not with this protection: {}.", words(&error)),
        ),
        Failure::TooLong => report.unavailable("The mail server took too long."),
        Failure::Script => report.refused(NO_SCRIPTS),
        Failure::Recipients(refused) => report.refused_field("to", refused.join(", ")),
        Failure::Greeting(error) | Failure::SignIn(error) | Failure::Sender(error) | Failure::Message(error) => {
            report.unavailable(format!("The mail server: {}.", words(&error)))
        }
    }
}

fn code(error: &Error) -> Option<u16> {
    error.status().map(u16::from)
}

/// In one line. The server's own words are in it; the library repeats none of ours.
pub(crate) fn words(error: &Error) -> String {
    const MOST: usize = 300;
    let line = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|char| !char.is_control()).take(MOST).collect()
}
