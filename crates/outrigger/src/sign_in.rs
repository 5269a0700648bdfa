//! Where the client finds its platform, token and site: a flag, then the environment, then the file of `outrigger login`.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::exit::{CommandResult, Failure};
use crate::operator::write_private;

/// What `outrigger login` keeps.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct SignIn {
    pub(crate) url: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) site: Option<String>,
}

fn path() -> CommandResult<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    let home = home.ok_or_else(|| Failure::usage("neither XDG_CONFIG_HOME nor HOME is set"))?;
    Ok(home.join("outrigger/sign-in.toml"))
}

impl SignIn {
    /// What is kept; nothing when there is no file.
    pub(crate) fn load() -> CommandResult<Self> {
        let path = path()?;
        let Ok(text) = fs::read_to_string(&path) else { return Ok(Self::default()) };
        toml::from_str(&text).map_err(|fault| {
            Failure::usage(format!("{} is damaged: {fault}", path.display())).hint("run `outrigger login` again")
        })
    }

    pub(crate) fn save(&self) -> CommandResult<PathBuf> {
        let path = path()?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let text = toml::to_string(self).map_err(|fault| Failure::new(1, fault.to_string()))?;
        write_private(&path, text.as_bytes())?;
        Ok(path)
    }

    /// Forgets the token; false when there was none.
    pub(crate) fn forget() -> CommandResult<bool> {
        Ok(fs::remove_file(path()?).is_ok())
    }
}
