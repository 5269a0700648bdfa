//! What must not be left half-way: a database's names are promised to it, its variables are set, and only then it counts
//! as used.

use std::sync::Arc;
use std::time::Duration;

use outrigger_db::{Attempt, Backoff, Job, Next, StepError};
use outrigger_integrations::Enablements;
use outrigger_integrations::handler::{Caller, EnvSetting, HandlerError, HostServices, IntegrationClient};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::UPSTASH;
use crate::api::{ApiError, Database, UpstashApi};
use crate::context::{Context, Integrated, change};
use crate::handlers::taken;
use crate::names::{VariableNames, full_url};

mod rotate;

pub(crate) use rotate::Rotate;

/// Which database, where, and for whom.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Deed {
    account: String,
    site: String,
    user: String,
    database: String,
    /// What it is called, and its variables after it.
    name: String,
}

impl Deed {
    pub(crate) fn of(caller: &Caller, database: String, name: String) -> Result<Self, HandlerError> {
        let site = caller.site.clone().ok_or_else(|| HandlerError::invalid("This needs a site."))?;
        let user = caller.user.clone().ok_or_else(|| HandlerError::unauthorized("This needs somebody."))?;
        Ok(Self { account: caller.account.clone(), site, user, database, name })
    }

    /// A second click finds the job of the first.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.site, self.database)
    }

    /// One thing at a time at a site: two databases cannot take the same names.
    pub(crate) fn lane(&self) -> String {
        format!("upstash/{}", self.site)
    }

    fn names(&self) -> VariableNames {
        VariableNames::of(&self.name)
    }

    fn caller(&self) -> Caller {
        Caller {
            account: self.account.clone(),
            site: Some(self.site.clone()),
            user: Some(self.user.clone()),
            token: None,
            provider_token: None,
        }
    }
}

/// What the jobs work with.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) api: UpstashApi,
    pub(crate) enablements: Enablements,
    pub(crate) services: Arc<dyn HostServices>,
}

impl Tools {
    fn client(&self, deed: &Deed) -> IntegrationClient<Context> {
        IntegrationClient::new(UPSTASH, deed.caller(), self.enablements.clone(), self.services.clone())
    }

    /// Sets the variables of a database, all or none.
    async fn set_variables(
        &self,
        client: &IntegrationClient<Context>,
        names: &VariableNames,
        database: &Database,
    ) -> Result<(), StepError> {
        let token = token_of(database)?;
        let url =
            full_url(&database.endpoint, self.api.scheme()).map_err(|error| StepError::fail(error.to_string()))?;
        let setting = |name, value: &str, is_secret| EnvSetting { name, value: value.to_owned(), is_secret };
        let settings = vec![
            setting(names.url(), &database.endpoint, false),
            setting(names.token(), token.expose_secret(), true),
            setting(names.full_url(), &url, false),
        ];
        client.set_env(settings).await.map_err(of_handler)
    }
}

fn token_of(database: &Database) -> Result<&SecretString, StepError> {
    database.rest_token.as_ref().ok_or_else(|| {
        StepError::fail("Upstash keeps the token of this database to itself; switch off its credential protection.")
    })
}

fn of_api(error: ApiError) -> StepError {
    if error.may_pass() {
        return StepError::Retry { after: error.retry_after(), reason: error.to_string() };
    }
    StepError::fail(error.to_string())
}

fn of_handler(error: HandlerError) -> StepError {
    match error.code() {
        "failed" | "unavailable" => StepError::retry(error.to_string()),
        _ => StepError::fail(error.to_string()),
    }
}

fn patience() -> Backoff {
    Backoff { first: Duration::from_secs(1), max_attempts: Some(5), ..Backoff::default() }
}

/// Gives the site the variables of a database.
pub(crate) struct Integrate(pub(crate) Tools);

impl Job for Integrate {
    const KIND: &'static str = "upstash_integrate";
    const STEPS: &'static [&'static str] = &["claim", "set", "confirm"];
    type Payload = Deed;

    fn retry(&self) -> Backoff {
        patience()
    }

    async fn step(&self, step: &'static str, deed: &Deed, _: &Attempt) -> Result<Next, StepError> {
        let client = self.0.client(deed);
        match step {
            "claim" => {
                let context = client.get().await.map_err(of_handler)?.context;
                // It is used already: nothing of it is this job's to set, or to take back.
                if context.find(&deed.database).is_some_and(|known| known.ready) {
                    return Ok(Next::Finish);
                }
                self.claim(&client, deed).await?;
            }
            "set" => {
                let context = client.get().await.map_err(of_handler)?.context;
                let credentials = context.credentials().map_err(of_handler)?;
                let database = self.0.api.get_database(&credentials, &deed.database).await.map_err(of_api)?;
                self.0.set_variables(&client, &deed.names(), &database).await?;
            }
            _ => mark(&client, deed, true).await?,
        }
        Ok(Next::Continue)
    }

    /// What was set and promised is taken back. The names are the database's from the claim on, also when the integration
    /// was disabled meanwhile.
    async fn undo(&self, step: &'static str, deed: &Deed, _: &Attempt) -> Result<(), StepError> {
        let client = self.0.client(deed);
        let context = match client.get().await {
            Ok(kept) => kept.context,
            Err(error) if error.code() == "not_enabled" => Context::default(),
            Err(error) => return Err(of_handler(error)),
        };
        let is_known = context.find(&deed.database).is_some();
        match step {
            "confirm" if is_known => mark(&client, deed, false).await,
            "set" => client.delete_env(deed.names().all().to_vec()).await.map_err(of_handler),
            "claim" if is_known => {
                let forget = |context: &mut Context| {
                    context.databases.retain(|database| database.id != deed.database);
                    Ok(())
                };
                change(&client, forget).await.map_err(of_handler)
            }
            _ => Ok(()),
        }
    }
}

impl Integrate {
    async fn claim(&self, client: &IntegrationClient<Context>, deed: &Deed) -> Result<(), StepError> {
        let env = client.env().await.map_err(of_handler)?;
        let claim = |context: &mut Context| {
            if context.find(&deed.database).is_some() {
                return Ok(());
            }
            let hindrance = taken(context, &env, &deed.database, &deed.names());
            if let Some(hindrance) = hindrance {
                return Err(HandlerError::conflict(hindrance));
            }
            let (id, name) = (deed.database.clone(), deed.name.clone());
            context.databases.push(Integrated { id, name, ready: false });
            Ok(())
        };
        change(client, claim).await.map_err(of_handler)
    }
}

/// Whether the database is used. Whoever took it away meanwhile has the last word.
async fn mark(client: &IntegrationClient<Context>, deed: &Deed, ready: bool) -> Result<(), StepError> {
    let mark = |context: &mut Context| {
        let known = context.databases.iter_mut().find(|database| database.id == deed.database);
        known.ok_or_else(|| HandlerError::conflict("It was removed meanwhile."))?.ready = ready;
        Ok(())
    };
    change(client, mark).await.map_err(of_handler)
}
