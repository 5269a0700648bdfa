//! The jobs of runs: timing out, and starting again.

use std::sync::Arc;

use outrigger_db::{Attempt, Backoff, End, Job, Next, StepError};
use serde::{Deserialize, Serialize};

use super::{Run, RunStatus, RunToken, StartedRun};
use crate::delivery::post::{Source, patient};
use crate::delivery::recipient::Recipient;
use crate::manager::isolated;
use crate::start::Outbox;
use crate::store::runs;
use crate::{ConfigOf, Context, Fault, Host, Integration, Manager, RunId};

/// How often an integration is asked whose process ends each time.
const MOST_CRASHES: u32 = 3;

/// Ends a run that nobody has ended, at its deadline.
pub(crate) struct TimeOutRun<H: Host>(pub(crate) Manager<H>);

#[derive(Serialize, Deserialize)]
pub(crate) struct RunPayload {
    pub(crate) run_id: RunId,
}

impl<H: Host> Job for TimeOutRun<H> {
    const KIND: &'static str = "integrations_time_out_run";
    const STEPS: &'static [&'static str] = &["end"];
    type Payload = RunPayload;

    fn retry(&self) -> Backoff {
        patient()
    }

    async fn step(&self, _: &'static str, payload: &RunPayload, attempt: &Attempt) -> Result<Next, StepError> {
        let post = self.0.post();
        let tx = post.db().begin().await?;
        runs::end(&tx, payload.run_id, RunStatus::TimedOut, "Nobody said in time how it ended.", post.millis()).await?;
        attempt.record(&tx, &Next::Finish).await?;
        tx.commit().await?;
        Ok(Next::Finish)
    }
}

/// Asks an integration for the work of a run again. The new run exists already.
pub(crate) struct AskAgain<H: Host>(pub(crate) Manager<H>);

#[derive(Serialize, Deserialize)]
pub(crate) struct AskPayload {
    pub(crate) old: RunId,
    pub(crate) new: RunId,
    /// The token of the new run, of which the store has the hash only.
    pub(crate) sealed_token: String,
}

/// Where the token of a run is sealed until its integration has it.
pub(super) fn token_context(run: RunId) -> String {
    format!("integration_run/token/{run}")
}

impl<H: Host> Job for AskAgain<H> {
    const KIND: &'static str = "integrations_ask_again";
    const STEPS: &'static [&'static str] = &["ask"];
    type Payload = AskPayload;

    fn retry(&self) -> Backoff {
        patient()
    }

    async fn step(&self, _: &'static str, payload: &AskPayload, attempt: &Attempt) -> Result<Next, StepError> {
        let post = self.0.post();
        let old = runs::find_anywhere(post.db().conn(), payload.old).await?;
        let new = runs::find_anywhere(post.db().conn(), payload.new).await?;
        let Some((old, new)) = old.zip(new).filter(|(_, new)| !new.status.is_finished()) else {
            return Ok(Next::Finish);
        };
        let outbox = Outbox::new(self.0.context().clone());
        let asked = if attempt.number() > MOST_CRASHES {
            Err(Fault::new("the process ended each time the integration was asked"))
        } else {
            self.ask(old, &new, payload, outbox.clone()).await?
        };
        let tx = post.db().begin().await?;
        match asked {
            Ok(()) => drop(self.0.keep(&tx, &Source::rerun(&new), outbox.take()).await?),
            Err(fault) => drop(runs::end(&tx, new.id, RunStatus::Errored, &fault.to_string(), post.millis()).await?),
        }
        attempt.record(&tx, &Next::Finish).await?;
        tx.commit().await?;
        Ok(Next::Finish)
    }

    async fn ended(&self, payload: &AskPayload, end: &End, attempt: &Attempt) -> Result<(), StepError> {
        let post = self.0.post();
        let tx = post.db().begin().await?;
        runs::end(&tx, payload.new, RunStatus::Errored, &end.reason, post.millis()).await?;
        attempt.record(&tx, &Next::Finish).await?;
        tx.commit().await?;
        Ok(())
    }
}

impl<H: Host> AskAgain<H> {
    async fn ask(
        &self,
        old: Run,
        new: &Run,
        payload: &AskPayload,
        outbox: Outbox,
    ) -> Result<Result<(), Fault>, StepError> {
        let post = self.0.post();
        let to = match self.0.recipient(new.config).await? {
            Recipient::Ready(to) => to,
            other => return Ok(Err(Fault::new(other.excuse()))),
        };
        let token = match post.open(&payload.sealed_token, &token_context(new.id)) {
            Ok(token) => RunToken(token),
            Err(error) => return Ok(Err(Fault::new(error.to_string()))),
        };
        let again = Again { old, new: StartedRun { id: new.id, token }, outbox };
        let (handle, config, context) = (to.handle.clone(), to.config.clone(), self.0.context().clone());
        let asking = async move { handle.rerun(config, again, context).await };
        let asked = isolated("starting the run again", post.policy().timeout, asking).await.and_then(|asked| asked);
        Ok(asked.map_err(|fault| Fault::new(to.redactor().line(&fault.to_string()))))
    }
}

/// What an integration is asked with for a run again, before its types are known.
pub(crate) struct Again {
    pub(crate) old: Run,
    pub(crate) new: StartedRun,
    pub(crate) outbox: Outbox,
}

/// Given to [`Integration::rerun`]: a run that ended, and the one that is to repeat it.
pub struct Rerun<H: Host, I: Integration<H>> {
    pub(crate) config: Arc<ConfigOf<H, I>>,
    pub(crate) again: Again,
    pub(crate) context: Context,
}

impl<H: Host, I: Integration<H>> Rerun<H, I> {
    /// The configuration, as it is now.
    pub fn config(&self) -> &ConfigOf<H, I> {
        &self.config
    }

    /// The run that is repeated.
    pub fn old(&self) -> &Run {
        &self.again.old
    }

    /// The run that repeats it, with its token.
    pub fn new_run(&self) -> &StartedRun {
        &self.again.new
    }

    /// The way out, the time and the randomness.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Puts a message into the configuration's queue.
    ///
    /// # Errors
    /// When the message cannot be written as JSON.
    pub fn deliver(&self, message: &I::Message) -> Result<(), Fault> {
        self.again.outbox.deliver(self.config.id, message)
    }
}
