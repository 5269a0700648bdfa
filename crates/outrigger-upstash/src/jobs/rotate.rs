//! Gives a database other tokens, and the site's variables with them.

use std::time::Duration;

use outrigger_db::{Attempt, Backoff, Job, Next, StepError};
use outrigger_integrations::handler::IntegrationClient;
use secrecy::ExposeSecret as _;

use super::{Deed, Tools, of_api, of_handler, token_of};
use crate::api::{ApiError, Credentials};
use crate::context::{Context, Integrated};

/// How long after it was asked for a token may still be changed. Later nobody would expect it.
const IN_TIME: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_secs(5);

/// It is not undone: the old tokens are gone. So once they may be, the job goes on until the variables are those of the
/// database, however long that takes.
pub(crate) struct Rotate(pub(crate) Tools);

impl Job for Rotate {
    const KIND: &'static str = "upstash_rotate";
    const STEPS: &'static [&'static str] = &["reset", "look", "set"];
    type Payload = Deed;

    fn retry(&self) -> Backoff {
        Backoff { max_attempts: None, ..Backoff::default() }
    }

    async fn step(&self, step: &'static str, deed: &Deed, attempt: &Attempt) -> Result<Next, StepError> {
        let client = self.0.client(deed);
        let context = client.get().await.map_err(of_handler)?.context;
        let Some(known) = context.find(&deed.database) else { return Ok(Next::Finish) };
        let account = context.credentials().map_err(of_handler)?;
        match step {
            "reset" => self.reset(&account, known, attempt).await,
            "look" => self.look(&client, &account, known, attempt).await,
            _ => {
                let database = self.0.api.get_database(&account, &known.id).await.map_err(of_api_now)?;
                self.0.set_variables(&client, &known.names(), &database).await?;
                Ok(Next::Continue)
            }
        }
    }
}

impl Rotate {
    /// Done twice it changes the tokens twice, and the last ones count.
    async fn reset(&self, account: &Credentials, known: &Integrated, attempt: &Attempt) -> Result<Next, StepError> {
        if is_late(attempt) {
            return Ok(Next::Continue);
        }
        match self.ask_for_another(account, known).await {
            // An attempt before this one may have died after it was done.
            Err(StepError::Fail { .. }) if attempt.number() > 1 => Ok(Next::Continue),
            asked => asked.map(|()| Next::Continue),
        }
    }

    async fn ask_for_another(&self, account: &Credentials, known: &Integrated) -> Result<(), StepError> {
        // A token that nobody may read must not be changed: the site could not follow.
        token_of(&self.0.api.get_database(account, &known.id).await.map_err(of_api)?)?;
        match self.0.api.reset_password(account, &known.id).await {
            Err(error) if !error.may_be_done() => Err(of_api(error)),
            _ => Ok(()),
        }
    }

    /// The site still has the token from before. If the database has it too, nothing was done, and it is asked again.
    async fn look(
        &self,
        client: &IntegrationClient<Context>,
        account: &Credentials,
        known: &Integrated,
        attempt: &Attempt,
    ) -> Result<Next, StepError> {
        let database = self.0.api.get_database(account, &known.id).await.map_err(of_api_now)?;
        let name = known.names().token();
        let env = client.env().await.map_err(of_handler)?;
        let before = env.into_iter().find(|entry| entry.name == name).and_then(|entry| entry.value);
        let now = database.rest_token.as_ref().map(|token| token.expose_secret());
        if before.as_deref() != now {
            return Ok(Next::Continue);
        }
        if is_late(attempt) {
            return Err(StepError::fail("Upstash does not change the token at the moment. Try again later."));
        }
        Ok(Next::Again { after: PAUSE })
    }
}

fn is_late(attempt: &Attempt) -> bool {
    attempt.now().duration_since(attempt.created_at()).unsigned_abs() > IN_TIME
}

/// Of a question that has to be answered: a key that is refused now is replaced by a person sooner or later.
fn of_api_now(error: ApiError) -> StepError {
    match error {
        ApiError::Missing => of_api(error),
        _ => StepError::Retry { after: error.retry_after(), reason: error.to_string() },
    }
}
