//! How a command ends.

use std::fmt;
use std::process::ExitCode;

use outrigger_platform::ApiError;

/// Shown at the end of `--help`.
pub(crate) const EXIT_CODES: &str = "Exit codes: 0 done · 1 the platform or an add-on failed · 2 wrong usage or input · \
3 not signed in, or not allowed · 4 not found · 5 conflict · 6 cannot reach the platform. \
`run` and `netlify` end with the code of what they ran; 127 if there is no such program, 126 if it cannot be run.";

/// A command that did not do what it was asked, and why.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
}

/// What every command returns.
pub(crate) type CommandResult<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// Wrong usage or input.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(2, message)
    }

    /// Refused with this HTTP status.
    pub(crate) fn of_status(status: u16, message: impl Into<String>) -> Self {
        let code = match status {
            401 | 403 => 3,
            404 => 4,
            409 => 5,
            400 | 413 | 422 => 2,
            _ => 1,
        };
        Self::new(code, message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says it on standard error, as JSON where the command was to print JSON.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        if json {
            let error = serde_json::json!({ "error": self.message, "hint": self.hint, "exit_code": self.code });
            anstream::eprintln!("{error:#}");
        } else {
            let red = anstyle::AnsiColor::Red.on_default().bold();
            anstream::eprintln!("{red}error:{red:#} {}", self.message);
            if let Some(hint) = &self.hint {
                anstream::eprintln!("hint: {hint}");
            }
        }
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(1, format!("{error:#}"))
    }
}

/// Where the platform runs in this process, its private cause is for the same person as its message.
impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let (status, message) = (error.status().as_u16(), error.message().to_owned());
        match error.into_cause() {
            Some(cause) => Self::of_status(status, format!("{message}: {cause:#}")),
            None => Self::of_status(status, message),
        }
    }
}
