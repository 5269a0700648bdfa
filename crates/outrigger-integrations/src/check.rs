//! Whether a configuration works: asked by "Test", by "Save" and by the regular look at its health.

use crate::Text;

/// What came of a check.
///
/// ```
/// use outrigger_integrations::{CheckReport, CheckState};
///
/// let report = CheckReport::new().passed("The server answers.").refused_field("token", "The server does not know it.");
/// assert_eq!(report.state(), CheckState::Refused);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    findings: Vec<Finding>,
}

/// One thing that a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub state: CheckState,
    /// What was found, for people; no secrets in it.
    pub text: Text,
    /// The field of the form that it is about.
    pub field: Option<String>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckState {
    /// It works.
    Passed,
    /// Nobody could tell, because the other side did not answer: it may be saved as it is.
    Unavailable,
    /// The settings are wrong: saving them would not help anybody.
    Refused,
}

impl CheckReport {
    /// A report without findings, which is one that passed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Something works.
    #[must_use]
    pub fn passed(self, text: impl Into<Text>) -> Self {
        self.with(CheckState::Passed, text.into(), None)
    }

    /// The other side could not be asked.
    #[must_use]
    pub fn unavailable(self, text: impl Into<Text>) -> Self {
        self.with(CheckState::Unavailable, text.into(), None)
    }

    /// The settings as a whole are wrong.
    #[must_use]
    pub fn refused(self, text: impl Into<Text>) -> Self {
        self.with(CheckState::Refused, text.into(), None)
    }

    /// This field is wrong.
    #[must_use]
    pub fn refused_field(self, field: impl Into<String>, text: impl Into<Text>) -> Self {
        self.with(CheckState::Refused, text.into(), Some(field.into()))
    }

    fn with(mut self, state: CheckState, text: Text, field: Option<String>) -> Self {
        self.findings.push(Finding { state, text, field });
        self
    }

    /// The worst of the findings.
    pub fn state(&self) -> CheckState {
        self.findings.iter().map(|finding| finding.state).max().unwrap_or(CheckState::Passed)
    }

    /// All findings, in the order they were made.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}
