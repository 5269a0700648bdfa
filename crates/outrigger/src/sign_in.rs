//! What `outrigger login` keeps: a platform, and the token and site that belong to it.

use std::fs;
use std::io;
use std::path::PathBuf;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::exit::{CommandResult, Failure};
use crate::files::{base_folder, write_private};

/// What is kept.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct SignIn {
    pub(crate) url: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) site: Option<String>,
}

fn path() -> CommandResult<PathBuf> {
    Ok(base_folder("XDG_CONFIG_HOME", ".config")?.join("outrigger/sign-in.toml"))
}

impl SignIn {
    /// What is kept; nothing when there is no file, or no home that it could be in.
    pub(crate) fn load() -> CommandResult<Self> {
        let Ok(path) = path() else { return Ok(Self::default()) };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(fault) => return Err(Failure::usage(format!("cannot read {}: {fault}", path.display()))),
        };
        toml::from_str(&text).map_err(|fault| {
            Failure::usage(format!("{} is damaged: {}", path.display(), fault.message()))
                .hint("`outrigger logout` removes it; then run `outrigger login` again")
        })
    }

    pub(crate) fn save(&self) -> CommandResult<PathBuf> {
        let path = path()?;
        let text = toml::to_string(self).context("the sign-in cannot be written as TOML")?;
        let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
        let written = folder.and_then(|()| write_private(&path, text.as_bytes()));
        written.map_err(|fault| Failure::usage(format!("cannot write {}: {fault}", path.display())))?;
        Ok(path)
    }

    /// Forgets the token; false when there was none.
    pub(crate) fn forget() -> CommandResult<bool> {
        let path = path()?;
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(fault) => Err(Failure::usage(format!("cannot remove {}: {fault}", path.display()))),
        }
    }
}
