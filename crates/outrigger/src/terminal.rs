//! Asks on a terminal. Elsewhere nothing is asked: the answer has to come as an argument.

use std::io::IsTerminal as _;

use inquire::{Confirm, InquireError, Password};

use crate::exit::{CommandResult, Failure};

/// Whether there is somebody to ask: questions are read from standard input and shown on standard error.
pub(crate) fn is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Goes on only when the user says yes. `deed` completes "nothing was …".
pub(crate) fn confirm(question: &str, deed: &str) -> CommandResult {
    if !is_there() {
        return Err(Failure::usage("this wants a yes, and there is no terminal to ask on").hint("use --force"));
    }
    match answer(Confirm::new(question).with_default(false).prompt())? {
        true => Ok(()),
        false => Err(Failure::usage(format!("nothing was {deed}"))),
    }
}

/// Asks for a secret, which is not shown. `hint` says how else it can be given.
pub(crate) fn secret(question: &str, hint: &str) -> CommandResult<String> {
    if !is_there() {
        return Err(Failure::usage("there is no terminal to ask on").hint(hint));
    }
    answer(Password::new(question).without_confirmation().prompt())
}

/// What was answered, or that it was cancelled.
pub(crate) fn answer<T>(asked: Result<T, InquireError>) -> CommandResult<T> {
    asked.map_err(|fault| match fault {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => {
            Failure::usage("cancelled; nothing was changed")
        }
        fault => Failure::new(1, fault.to_string()),
    })
}
