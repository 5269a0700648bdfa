//! What requests say: unknown fields are ignored, and both the older and the newer names are understood.

use axum::http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::emulator::fault::{Refusal, error};

const REGIONS: [&str; 18] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "sa-east-1",
    "ap-south-1",
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "af-south-1",
    "us-central1",
    "us-east4",
    "europe-west1",
    "asia-northeast1",
];
/// The one region that holds no copies for reading.
const NOT_FOR_READING: &str = "af-south-1";
const MAX_NAME: usize = 100;

/// Clients send any content type, or none.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|fault| refuse(&format!("invalid request: {fault}")))
}

fn refuse(text: &str) -> Refusal {
    error(StatusCode::BAD_REQUEST, text)
}

#[derive(Deserialize)]
pub(super) struct Create {
    #[serde(alias = "name")]
    database_name: String,
    primary_region: Option<String>,
    region: Option<String>,
    #[serde(default)]
    read_regions: Vec<String>,
    pub(super) plan: Option<String>,
    pub(super) budget: Option<i64>,
    #[serde(default)]
    pub(super) eviction: bool,
    #[serde(default)]
    pub(super) auto_upgrade: bool,
    #[serde(default)]
    pub(super) prod_pack_enabled: bool,
}

impl Create {
    /// Name, primary region and regions for reading.
    pub(super) fn checked(&self) -> Result<(String, String, Vec<String>), Refusal> {
        let name = checked_name(&self.database_name)?;
        let older = self.region.as_deref().filter(|region| *region != "global");
        let primary = self.primary_region.as_deref().or(older).unwrap_or("us-east-1");
        if !REGIONS.contains(&primary) {
            return Err(refuse(&format!("invalid primary region: {primary}")));
        }
        Ok((name, primary.to_owned(), checked_read_regions(&self.read_regions)?))
    }
}

pub(super) fn checked_name(name: &str) -> Result<String, Refusal> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(refuse("invalid database name"));
    }
    Ok(name.to_owned())
}

pub(super) fn checked_read_regions(regions: &[String]) -> Result<Vec<String>, Refusal> {
    let unfit = |region: &&String| !REGIONS.contains(&region.as_str()) || *region == NOT_FOR_READING;
    match regions.iter().find(unfit) {
        Some(region) => Err(refuse(&format!("invalid read region: {region}"))),
        None => Ok(regions.to_vec()),
    }
}

#[derive(Deserialize)]
pub(super) struct Rename {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct ChangePlan {
    pub(super) plan_name: String,
    pub(super) auto_upgrade: Option<bool>,
    pub(super) prod_pack_enabled: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct Budget {
    pub(super) budget: i64,
}

#[derive(Deserialize)]
pub(super) struct Regions {
    pub(super) read_regions: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct MoveToTeam {
    pub(super) team_id: String,
    pub(super) database_id: String,
}

#[derive(Deserialize)]
pub(super) struct NewBackup {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct Restore {
    pub(super) backup_id: String,
}
