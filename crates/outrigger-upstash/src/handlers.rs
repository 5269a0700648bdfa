//! What the pages ask for. No password and no token ever goes to a page.

use std::time::Duration;

use outrigger_db::{Db, JobState, Jobs, NewJob};
use outrigger_integrations::handler::{EnvEntry, HandlerContext, HandlerError, Handlers};
use serde::{Deserialize, Serialize};

use crate::api::{ApiError, Credentials, Database, UpstashApi};
use crate::context::{Context, change};
use crate::jobs::{Deed, Integrate, Rotate};
use crate::names::VariableNames;

/// How long a page waits for a job. It goes on without the page.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connect {
    api_key: String,
    email: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Choose {
    database_id: String,
}

/// Whether the site is connected, and what it uses. That Upstash is away does not make it unconnected.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    pub(crate) connected: bool,
    pub(crate) email: String,
    pub(crate) databases: Vec<Used>,
    /// What is wrong at Upstash, for people.
    pub(crate) problem: Option<String>,
}

/// A database that the site uses.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Used {
    pub(crate) id: String,
    pub(crate) name: String,
    /// It was deleted at Upstash, behind our back.
    pub(crate) missing: bool,
}

/// A database that the site could use.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Available {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) region: String,
    /// Why it cannot be used here, for people.
    pub(crate) hindrance: Option<String>,
}

/// Where jobs wait to be done.
#[derive(Clone)]
pub(crate) struct Queue {
    pub(crate) db: Db,
    pub(crate) jobs: Jobs,
}

/// All handlers. `queue` is for what must not be left half-way.
pub(crate) fn register(handlers: Handlers<Context>, api: &UpstashApi, queue: &Queue) -> Handlers<Context> {
    let with_api = |api: &UpstashApi| api.clone();
    let (connecting, asking, listing, finding) = (with_api(api), with_api(api), with_api(api), with_api(api));
    let (integrating, rotating) = (queue.clone(), queue.clone());
    handlers
        .handler("connect", move |input, cx| connect(connecting.clone(), input, cx))
        .handler("status", move |(): (), cx| status(asking.clone(), cx))
        .handler("get-databases", move |(): (), cx| databases(listing.clone(), cx))
        .handler("integrate", move |input, cx| integrate(integrating.clone(), finding.clone(), input, cx))
        .handler("rotate", move |input, cx| rotate(rotating.clone(), input, cx))
        .handler("remove", remove)
        .handler("on-disable", |_: serde_json::Value, cx| take_away(cx))
}

/// Checks the key before it is kept. The databases that the site uses stay.
async fn connect(api: UpstashApi, input: Connect, cx: HandlerContext<Context>) -> Result<(), HandlerError> {
    let credentials = Credentials::new(&input.email, &input.api_key)?;
    api.list_databases(&credentials).await?;
    let (email, api_key) = (credentials.email().to_owned(), input.api_key.trim().to_owned());
    change(&cx.client, |context| {
        context.email.clone_from(&email);
        context.api_key.clone_from(&api_key);
        Ok(())
    })
    .await
}

async fn status(api: UpstashApi, cx: HandlerContext<Context>) -> Result<Status, HandlerError> {
    let context = cx.client.get().await?.context;
    let Ok(credentials) = context.credentials() else { return Ok(Status::default()) };
    let listed = api.list_databases(&credentials).await;
    let there = listed.as_ref().ok();
    let used = |database: &crate::context::Integrated| Used {
        missing: there.is_some_and(|there| !there.iter().any(|known| known.id == database.id)),
        id: database.id.clone(),
        name: database.name.clone(),
    };
    let databases = context.databases.iter().filter(|database| database.ready).map(used).collect();
    let problem = listed.as_ref().err().map(ApiError::to_string);
    Ok(Status { connected: true, email: context.email, databases, problem })
}

async fn databases(api: UpstashApi, cx: HandlerContext<Context>) -> Result<Vec<Available>, HandlerError> {
    let context = cx.client.get().await?.context;
    let listed = api.list_databases(&context.credentials()?).await?;
    let env = cx.client.env().await?;
    let available = |database: Database| Available {
        hindrance: hindrance(&context, &env, &database),
        id: database.id,
        name: database.name,
        region: database.primary_region,
    };
    Ok(listed.into_iter().map(available).collect())
}

/// Why a database cannot be used at the site.
pub(crate) fn hindrance(context: &Context, env: &[EnvEntry], database: &Database) -> Option<String> {
    if context.find(&database.id).is_some_and(|known| known.ready) {
        return Some("It is used here already.".to_owned());
    }
    if !database.is_usable() {
        return Some(format!("It is {} at Upstash.", database.state));
    }
    taken(context, env, &database.id, &VariableNames::of(&database.name))
}

/// Who has the variables of a database already: another database, or whoever set them by hand.
pub(crate) fn taken(context: &Context, env: &[EnvEntry], id: &str, names: &VariableNames) -> Option<String> {
    let other = context.databases.iter().find(|other| other.id != id && other.names().collides_with(names));
    if let Some(other) = other {
        return Some(format!("Its variables would be those of the database “{}”.", other.name));
    }
    // One that is promised its names has set them itself.
    let is_ours = context.find(id).is_some();
    let set = names.all().into_iter().find(|name| env.iter().any(|entry| entry.name == *name));
    set.filter(|_| !is_ours).map(|name| format!("The site has a variable {name} already."))
}

async fn integrate(
    queue: Queue,
    api: UpstashApi,
    input: Choose,
    cx: HandlerContext<Context>,
) -> Result<(), HandlerError> {
    if input.database_id.is_empty() {
        return Err(HandlerError::invalid("Choose a database."));
    }
    let credentials = cx.client.get().await?.context.credentials()?;
    let database = api.get_database(&credentials, &input.database_id).await?;
    let deed = Deed::of(&cx.caller, database.id, database.name)?;
    let job = NewJob::of::<Integrate>(&deed).key(deed.key()).lane(deed.lane());
    run(&queue, job).await
}

/// Gives a database other tokens, and the site's variables with them.
async fn rotate(queue: Queue, input: Choose, cx: HandlerContext<Context>) -> Result<(), HandlerError> {
    let context = cx.client.get().await?.context;
    let known = context.find(&input.database_id).filter(|known| known.ready);
    let known = known.ok_or_else(|| HandlerError::not_found("This database is not used here."))?;
    let deed = Deed::of(&cx.caller, known.id.clone(), known.name.clone())?;
    let job = NewJob::of::<Rotate>(&deed).key(deed.key()).lane(deed.lane());
    run(&queue, job).await
}

/// Waits for a job, which goes on if that takes too long.
async fn run(queue: &Queue, job: NewJob) -> Result<(), HandlerError> {
    let failed = |error: &dyn std::fmt::Display| HandlerError::failed(error.to_string());
    let tx = queue.db.begin().await.map_err(|error| failed(&error))?;
    let id = queue.jobs.enqueue(&tx, job).await.map_err(|error| failed(&error))?;
    tx.commit().await.map_err(|error| failed(&error))?;
    let status = queue.jobs.wait(id, PATIENCE).await.map_err(|error| failed(&error))?;
    let Some(status) = status else { return Ok(()) };
    if !status.state.is_finished() {
        let why = status.reason.map_or_else(String::new, |reason| format!(" ({reason})"));
        return Err(HandlerError::unavailable(format!("It is still being done{why}. Look again in a while.")));
    }
    match status.state {
        JobState::Done => Ok(()),
        _ => Err(HandlerError::conflict(status.reason.unwrap_or_else(|| "It did not succeed.".to_owned()))),
    }
}

/// The variables go first: what is cut short there can be done again.
async fn remove(input: Choose, cx: HandlerContext<Context>) -> Result<(), HandlerError> {
    let context = cx.client.get().await?.context;
    let Some(database) = context.find(&input.database_id) else {
        return Err(HandlerError::not_found("This database is not used here."));
    };
    cx.client.delete_env(database.names().all().to_vec()).await?;
    change(&cx.client, |context| {
        context.databases.retain(|database| database.id != input.database_id);
        Ok(())
    })
    .await
}

/// Before the integration is disabled, its variables go.
async fn take_away(cx: HandlerContext<Context>) -> Result<(), HandlerError> {
    let context = match cx.client.get().await {
        Ok(kept) => kept.context,
        Err(error) if error.code() == "not_enabled" => return Ok(()),
        Err(error) => return Err(error),
    };
    let names = context.databases.iter().flat_map(|database| database.names().all()).collect();
    cx.client.delete_env(names).await
}
