//! Runs: work that a third-party service does for us, such as a build, and tells us about.
//!
//! A run is started by a handler ([`Heard::start_run`](crate::Heard::start_run)) or by the host, for one configuration.
//! It comes with a token that cannot be guessed and is good for this run alone: give it to the service, and let it come
//! back with what the service reports ([`Verifier::RunToken`](crate::Verifier::RunToken)). Only a hash of it is kept.
//! A run that nobody ends in time is timed out.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use outrigger_db::{Clock, Entropy, token, uuid_v7};
use serde::Serialize;
use sha2::{Digest, Sha256};
use url::Url;

use crate::store::rows::words;
use crate::{ConfigId, Fault, IntegrationId, RunId, Scope};

mod jobs;
mod manage;

pub use jobs::Rerun;
pub(crate) use jobs::{Again, AskAgain, TimeOutRun};
pub use manage::RunError;

words! {
    /// Where a run stands.
    #[non_exhaustive]
    pub enum RunStatus {
        /// It was asked for; the service has not said that it began.
        Waiting = "waiting",
        /// The service is at work.
        Pending = "pending",
        /// It went well.
        Succeeded = "succeeded",
        /// What was asked did not go well: the build is red.
        Failed = "failed",
        /// The service could not do what was asked.
        Errored = "errored",
        /// Nobody said how it ended, in time.
        TimedOut = "timed_out",
        /// Somebody called it off.
        Cancelled = "cancelled",
    }
}

impl RunStatus {
    /// Whether nothing more will happen.
    pub fn is_finished(self) -> bool {
        !matches!(self, RunStatus::Waiting | RunStatus::Pending)
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Run {
    /// Its name; no secret.
    pub id: RunId,
    /// Whose configuration it is of.
    pub scope: Scope,
    /// The configuration.
    pub config: ConfigId,
    /// The integration.
    pub integration: IntegrationId,
    /// What it is about, in the host's words: `review 17`.
    pub subject: String,
    /// Where it stands.
    pub status: RunStatus,
    /// What the service says it is doing, or how it ended.
    pub progress: Option<String>,
    /// Where people read more: an `http` or `https` address.
    pub link: Option<String>,
    /// The run that this one repeats.
    pub rerun_of: Option<RunId>,
    /// When it is timed out.
    pub deadline_at: Timestamp,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// A run that was just started, and its token, which cannot be had again.
#[derive(Clone, Debug)]
pub struct StartedRun {
    /// The run.
    pub id: RunId,
    /// What the service has to show.
    pub token: RunToken,
}

/// The token of a run. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct RunToken(String);

impl RunToken {
    /// The text, to be put into a message: 43 characters that fit everywhere.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn hash(&self) -> String {
        hash(&self.0)
    }
}

impl fmt::Debug for RunToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunToken(***)")
    }
}

/// What is stored of a token. It has 256 bits of randomness, so a plain hash is enough.
pub(crate) fn hash(token: &str) -> String {
    let digest = Sha256::digest(token.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A run that is to be stored.
#[derive(Clone, Debug)]
pub(crate) struct NewRun {
    pub(crate) id: RunId,
    pub(crate) config: ConfigId,
    pub(crate) subject: String,
    pub(crate) timeout: Duration,
    pub(crate) token: RunToken,
}

impl NewRun {
    pub(crate) fn new(
        config: ConfigId,
        subject: impl Into<String>,
        timeout: Duration,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Self {
        let (id, token) = (RunId::from_uuid(uuid_v7(clock, entropy)), RunToken(token(entropy)));
        Self { id, config, subject: subject.into(), timeout, token }
    }

    pub(crate) fn started(&self) -> StartedRun {
        StartedRun { id: self.id, token: self.token.clone() }
    }

    pub(crate) fn into_run(
        self,
        scope: Scope,
        integration: IntegrationId,
        rerun_of: Option<RunId>,
        now: Timestamp,
    ) -> Run {
        let timeout = SignedDuration::try_from(self.timeout).unwrap_or(SignedDuration::MAX);
        Run {
            id: self.id,
            scope,
            config: self.config,
            integration,
            subject: self.subject,
            status: RunStatus::Waiting,
            progress: None,
            link: None,
            rerun_of,
            deadline_at: now.checked_add(timeout).unwrap_or(Timestamp::MAX),
            created_at: now,
            updated_at: now,
            finished_at: None,
        }
    }
}

/// What changes about a run.
///
/// ```
/// use outrigger_integrations::{RunStatus, RunUpdate};
///
/// let update = RunUpdate::new().status(RunStatus::Pending).progress("3 of 7 tests").link("https://ci.example/42");
/// # let _ = update;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunUpdate {
    status: Option<RunStatus>,
    progress: Option<String>,
    link: Option<String>,
}

impl RunUpdate {
    /// Nothing changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// It stands here now. A status that ends the run is the last.
    #[must_use]
    pub fn status(self, status: RunStatus) -> Self {
        Self { status: Some(status), ..self }
    }

    /// The service says this.
    #[must_use]
    pub fn progress(self, progress: impl Into<String>) -> Self {
        Self { progress: Some(progress.into()), ..self }
    }

    /// People read more here.
    #[must_use]
    pub fn link(self, link: impl Into<String>) -> Self {
        Self { link: Some(link.into()), ..self }
    }

    /// The run as it is then.
    pub(crate) fn apply(&self, run: &Run, now: Timestamp) -> Result<Run, Fault> {
        let mut run = run.clone();
        if let Some(link) = &self.link {
            // It becomes a link on a page: nothing that runs when it is clicked.
            let web = link.parse::<Url>().is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
            if !web {
                return Err(Fault::new("the link of a run has to be an http or https address"));
            }
            run.link = Some(link.clone());
        }
        run.progress = self.progress.clone().or(run.progress);
        run.status = self.status.unwrap_or(run.status);
        run.finished_at = run.status.is_finished().then_some(now);
        run.updated_at = now;
        Ok(run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Run {
        let new = NewRun {
            id: "run_0193f3a0b5c77aaa8bbb0123456789ab".parse().unwrap(),
            config: "cfg_0193f3a0b5c77aaa8bbb0123456789ab".parse().unwrap(),
            subject: "review 17".to_owned(),
            timeout: Duration::MAX,
            token: RunToken("t".to_owned()),
        };
        new.into_run(Scope::System, IntegrationId::new("acme.ci"), None, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn updates_keep_what_they_do_not_name() {
        let first = RunUpdate::new().status(RunStatus::Pending).progress("a").link("https://ci.example/1");
        let later = first.apply(&run(), Timestamp::UNIX_EPOCH).unwrap();
        let last = RunUpdate::new().status(RunStatus::Failed).apply(&later, Timestamp::MAX).unwrap();
        assert_eq!((last.progress.as_deref(), last.link.as_deref()), (Some("a"), Some("https://ci.example/1")));
        assert_eq!((later.finished_at, last.finished_at), (None, Some(Timestamp::MAX)));
        assert_eq!(last.deadline_at, Timestamp::MAX);
    }

    #[test]
    fn a_link_is_never_a_script() {
        for bad in ["javascript:alert(1)", "data:text/html,x", "/relative", ""] {
            assert!(RunUpdate::new().link(bad).apply(&run(), Timestamp::UNIX_EPOCH).is_err(), "{bad}");
        }
    }

    #[test]
    fn tokens_do_not_show() {
        assert_eq!(format!("{:?}", RunToken("secret".to_owned())), "RunToken(***)");
    }
}
