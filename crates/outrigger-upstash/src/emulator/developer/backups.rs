//! Backups by name. What is in them is not kept, so none can be restored.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::{Value, json};

use super::requests::{NewBackup, Restore, parse};
use super::{Answer, App, Owner, ok};
use crate::emulator::fault::{Refusal, error};

fn unknown() -> Refusal {
    error(StatusCode::NOT_FOUND, "backup not found")
}

pub(super) async fn list(State(shared): App, owner: Owner, Path(id): Path<String>) -> Answer {
    shared.with_database(&owner, &id, |database| Json(Value::Array(database.backups.clone())))
}

pub(super) async fn create(State(shared): App, owner: Owner, Path(id): Path<String>, body: Bytes) -> Answer {
    let NewBackup { name } = parse(&body)?;
    let backup_id = outrigger_db::uuid_v7(&*shared.clock, &*shared.entropy).to_string();
    let backup = json!({
        "backup_id": backup_id,
        "database_id": id,
        "name": name,
        "creation_time": shared.clock.now().as_second(),
        "state": "completed",
        "backup_size": 0,
        "daily_backup": "false",
        "hourly_backup": "false",
        "internal_backup_tag": "",
    });
    shared.with_database(&owner, &id, |database| database.backups.push(backup))?;
    Ok(ok())
}

pub(super) async fn restore(State(shared): App, owner: Owner, Path(id): Path<String>, body: Bytes) -> Answer {
    let Restore { backup_id } = parse(&body)?;
    let known = shared.with_database(&owner, &id, |database| has(&database.backups, &backup_id))?;
    match known {
        true => Err(error(StatusCode::BAD_REQUEST, "the emulator keeps no data, so it cannot restore any")),
        false => Err(unknown()),
    }
}

pub(super) async fn remove(State(shared): App, owner: Owner, Path((id, backup_id)): Path<(String, String)>) -> Answer {
    let known = shared.with_database(&owner, &id, |database| {
        let known = has(&database.backups, &backup_id);
        database.backups.retain(|backup| backup["backup_id"] != *backup_id);
        known
    })?;
    known.then(ok).ok_or_else(unknown)
}

fn has(backups: &[Value], id: &str) -> bool {
    backups.iter().any(|backup| backup["backup_id"] == *id)
}
