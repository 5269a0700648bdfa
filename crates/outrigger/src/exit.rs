//! How a command ends.

use std::fmt;
use std::process::ExitCode;

/// Shown at the end of `--help`.
pub(crate) const EXIT_CODES: &str = "Exit codes: 0 done · 1 the platform or an add-on failed · 2 wrong usage or input · \
3 not signed in, or not allowed · 4 not found · 5 conflict · 6 cannot reach the platform. \
`run` and `netlify` end with the code of what they ran.";

/// A command that did not do what it was asked, and why.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
}

/// What every command of the client returns.
pub(crate) type CommandResult<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// Wrong usage or input.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(2, message)
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

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(1, error.to_string())
    }
}
