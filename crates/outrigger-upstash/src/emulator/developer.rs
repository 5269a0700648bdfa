//! The developer API. Every URL is here, one line each.

mod backups;
mod requests;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::routing::{delete, get, patch, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use self::requests::{Budget, ChangePlan, Create, MoveToTeam, Regions, Rename, parse};
use super::Shared;
use super::fault::{Refusal, error};
use super::state::Database;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/redis/databases", get(list_databases))
        .route("/redis/database", post(create_database))
        .route("/redis/database/{id}", get(get_database).delete(delete_database))
        .route("/redis/rename/{id}", post(rename))
        .route("/redis/reset-password/{id}", post(reset_password))
        .route("/redis/enable-tls/{id}", post(enable_tls))
        .route("/redis/enable-eviction/{id}", post(|s, a, p| switch(s, a, p, |it| it.eviction = true)))
        .route("/redis/disable-eviction/{id}", post(|s, a, p| switch(s, a, p, |it| it.eviction = false)))
        .route("/redis/enable-autoupgrade/{id}", post(|s, a, p| switch(s, a, p, |it| it.auto_upgrade = true)))
        .route("/redis/disable-autoupgrade/{id}", post(|s, a, p| switch(s, a, p, |it| it.auto_upgrade = false)))
        .route("/redis/enable-prodpack/{id}", post(|s, a, p| switch(s, a, p, |it| it.prod_pack = true)))
        .route("/redis/disable-prodpack/{id}", post(|s, a, p| switch(s, a, p, |it| it.prod_pack = false)))
        .route("/redis/enable-dailybackup/{id}", patch(|s, a, p| switch(s, a, p, |it| it.daily_backup = true)))
        .route("/redis/disable-dailybackup/{id}", patch(|s, a, p| switch(s, a, p, |it| it.daily_backup = false)))
        .route("/redis/update-allowlist/{id}", post(|s, a, p| switch(s, a, p, |_| {})))
        .route("/redis/{id}/change-plan", post(change_plan))
        .route("/redis/update-budget/{id}", patch(update_budget))
        .route("/redis/update-regions/{id}", post(update_regions))
        .route("/redis/move-to-team", post(move_to_team))
        .route("/redis/stats/{id}", get(stats))
        .route("/redis/list-backup/{id}", get(backups::list))
        .route("/redis/create-backup/{id}", post(backups::create))
        .route("/redis/restore-backup/{id}", post(backups::restore))
        .route("/redis/delete-backup/{id}/{backup_id}", delete(backups::remove))
        .method_not_allowed_fallback(async || error(StatusCode::METHOD_NOT_ALLOWED, "method not allowed"))
        .fallback(async || error(StatusCode::NOT_FOUND, "not found"))
}

type Answer = Result<Json<Value>, Refusal>;
type App = State<Arc<Shared>>;

/// The account that asks, by its e-mail.
struct Owner(String);

impl FromRequestParts<Arc<Shared>> for Owner {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Owner, Refusal> {
        let given = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let account = given.and_then(basic).filter(|(email, key)| shared.state().knows(email, key));
        account.map(|(email, _)| Owner(email)).ok_or_else(|| error(StatusCode::UNAUTHORIZED, "Unauthorized"))
    }
}

fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let text = String::from_utf8(decoded).ok()?;
    let (email, key) = text.split_once(':')?;
    Some((email.to_owned(), key.to_owned()))
}

fn missing() -> Refusal {
    error(StatusCode::NOT_FOUND, "database not found")
}

fn ok() -> Json<Value> {
    Json(json!("OK"))
}

impl Shared {
    /// Changes, or only looks at, one database of the owner.
    fn with_database<T>(&self, owner: &Owner, id: &str, work: impl FnOnce(&mut Database) -> T) -> Result<T, Refusal> {
        self.state().find(&owner.0, id).map(work).ok_or_else(missing)
    }

    fn body(&self, database: &Database, with_secrets: bool) -> Json<Value> {
        let mut body = database.body(&self.address.to_string(), with_secrets);
        body.extend(Database::limits());
        Json(Value::Object(body))
    }
}

async fn list_databases(State(shared): App, owner: Owner) -> Json<Value> {
    let address = shared.address.to_string();
    Json(shared.state().databases_of(&owner.0).map(|database| Value::Object(database.body(&address, true))).collect())
}

async fn create_database(State(shared): App, owner: Owner, body: Bytes) -> Answer {
    let new: Create = parse(&body)?;
    let (name, primary, read_regions) = new.checked()?;
    let mut state = shared.state();
    if state.databases_of(&owner.0).any(|database| database.name == name) {
        return Err(error(StatusCode::BAD_REQUEST, "a database with this name exists already"));
    }
    let database = state.create(&owner.0, &name, &*shared.clock, &*shared.entropy);
    database.primary_region = primary;
    database.read_regions = read_regions;
    database.plan = new.plan.unwrap_or_else(|| "free".to_owned());
    database.budget = new.budget.unwrap_or(database.budget);
    database.eviction = new.eviction;
    database.auto_upgrade = new.auto_upgrade;
    database.prod_pack = new.prod_pack_enabled;
    Ok(shared.body(database, true))
}

#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    credentials: String,
}

async fn get_database(State(shared): App, owner: Owner, Path(id): Path<String>, Query(shown): Query<Shown>) -> Answer {
    shared.with_database(&owner, &id, |database| shared.body(database, shown.credentials != "hide"))
}

async fn delete_database(State(shared): App, owner: Owner, Path(id): Path<String>) -> Answer {
    if shared.state().delete(&owner.0, &id) { Ok(ok()) } else { Err(missing()) }
}

async fn rename(State(shared): App, owner: Owner, Path(id): Path<String>, body: Bytes) -> Answer {
    let Rename { name } = parse(&body)?;
    let name = requests::checked_name(&name)?;
    shared.with_database(&owner, &id, |database| {
        database.name = name;
        shared.body(database, true)
    })
}

async fn reset_password(State(shared): App, owner: Owner, Path(id): Path<String>) -> Answer {
    shared.with_database(&owner, &id, |database| {
        database.reset_secrets(&*shared.entropy);
        shared.body(database, true)
    })
}

async fn enable_tls(State(shared): App, owner: Owner, Path(id): Path<String>) -> Answer {
    shared.with_database(&owner, &id, |database| {
        database.tls = true;
        shared.body(database, true)
    })
}

async fn switch(State(shared): App, owner: Owner, Path(id): Path<String>, work: impl FnOnce(&mut Database)) -> Answer {
    shared.with_database(&owner, &id, work)?;
    Ok(ok())
}

async fn change_plan(State(shared): App, owner: Owner, Path(id): Path<String>, body: Bytes) -> Answer {
    let change: ChangePlan = parse(&body)?;
    shared.with_database(&owner, &id, |database| {
        database.plan = change.plan_name;
        database.auto_upgrade = change.auto_upgrade.unwrap_or(database.auto_upgrade);
        database.prod_pack = change.prod_pack_enabled.unwrap_or(database.prod_pack);
    })?;
    Ok(ok())
}

async fn update_budget(State(shared): App, owner: Owner, Path(id): Path<String>, body: Bytes) -> Answer {
    let Budget { budget } = parse(&body)?;
    shared.with_database(&owner, &id, |database| database.budget = budget)?;
    Ok(ok())
}

async fn update_regions(State(shared): App, owner: Owner, Path(id): Path<String>, body: Bytes) -> Answer {
    let regions: Regions = parse(&body)?;
    let read_regions = requests::checked_read_regions(&regions.read_regions)?;
    shared.with_database(&owner, &id, |database| database.read_regions = read_regions)?;
    Ok(ok())
}

/// There are no teams here.
async fn move_to_team(State(shared): App, owner: Owner, body: Bytes) -> Answer {
    let MoveToTeam { database_id, team_id } = parse(&body)?;
    shared.with_database(&owner, &database_id, |_| ())?;
    Err(error(StatusCode::NOT_FOUND, &format!("team not found: {team_id}")))
}

/// Series without a point: nothing is measured here.
async fn stats(State(shared): App, owner: Owner, Path(id): Path<String>) -> Answer {
    const SERIES: [&str; 12] = [
        "throughput",
        "keyspace",
        "connection_count",
        "diskusage",
        "hits",
        "misses",
        "read",
        "write",
        "latencymean",
        "latency_99",
        "days",
        "command_counts",
    ];
    const TOTALS: [&str; 5] =
        ["daily_read_requests", "daily_write_requests", "dailyrequests", "total_monthly_requests", "current_storage"];
    shared.with_database(&owner, &id, |_| ())?;
    let series = SERIES.iter().map(|name| ((*name).to_owned(), json!([])));
    let totals = TOTALS.iter().map(|name| ((*name).to_owned(), json!(0)));
    Ok(Json(Value::Object(series.chain(totals).collect())))
}
