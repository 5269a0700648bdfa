//! Integrations that were built with Netlify's SDK, as an operator has installed them: a folder with a link to each, by
//! its slug. They stay where they were built, next to the npm packages that they need.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use outrigger_netlify_sdk::{Artefact, ArtefactError, RunnerOptions, ScriptLimits, integration};
use outrigger_platform::app::SharedApp;
use url::Url;

use crate::exit::CommandResult;

/// One that is installed, and what is wrong with it if it cannot be read any more.
pub(crate) struct Installed {
    pub(crate) slug: String,
    pub(crate) artefact: Result<Artefact, ArtefactError>,
}

/// All that are installed, by slug. Without the folder there are none.
pub(crate) fn all(dir: &Path) -> CommandResult<Vec<Installed>> {
    let unreadable = || format!("the folder {} cannot be read", dir.display());
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(fault) => return Err(anyhow::Error::from(fault).context(unreadable()).into()),
    };
    let mut installed = Vec::new();
    for entry in entries {
        let path = entry.with_context(unreadable)?.path();
        let slug = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        installed.push(Installed { slug, artefact: Artefact::open(&path) });
    }
    installed.sort_by(|a, b| a.slug.cmp(&b.slug));
    Ok(installed)
}

/// Where the link of a slug is.
pub(crate) fn link(dir: &Path, slug: &str) -> PathBuf {
    dir.join(slug)
}

/// Offers all of them. One that does not load is told in the log, and keeps nobody else from being served.
pub(crate) async fn register_all(app: &SharedApp) -> CommandResult {
    for Installed { slug, artefact } in all(&app.config.integrations_dir)? {
        let registered = async {
            let artefact = artefact?;
            let mut options = RunnerOptions::new(reached_from_here(app.config.listen)?);
            options.env = environment(artefact.slug().as_str(), std::env::vars());
            app.surfaces.register(integration(&artefact, options, ScriptLimits::default()).await?)?;
            anyhow::Ok(())
        };
        match registered.await {
            Ok(()) => tracing::info!(integration = slug, "an installed integration is offered"),
            Err(fault) => {
                tracing::error!(
                    integration = slug,
                    fault = format!("{fault:#}"),
                    "an installed integration is not offered"
                );
            }
        }
    }
    Ok(())
}

/// The server's own address, for processes on this machine.
fn reached_from_here(mut listen: SocketAddr) -> anyhow::Result<Url> {
    if listen.ip().is_unspecified() {
        listen.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    Ok(format!("http://{listen}").parse()?)
}

/// What an integration finds in its environment: what stands in ours as `OUTRIGGER_INTEGRATION_<SLUG>_<NAME>`.
fn environment(slug: &str, all: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let slug: String =
        slug.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    let prefix = format!("OUTRIGGER_INTEGRATION_{slug}_");
    all.filter_map(|(name, value)| Some((name.strip_prefix(&prefix)?.to_owned(), value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integration_sees_what_is_meant_for_it_and_nothing_else() {
        let all =
            [("OUTRIGGER_INTEGRATION_MY_CACHE_KEY", "k"), ("OUTRIGGER_INTEGRATION_OTHER_KEY", "o"), ("HOME", "/")];
        let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(environment("my-cache", all.into_iter()), [("KEY".to_owned(), "k".to_owned())]);
    }

    #[test]
    fn a_server_on_all_addresses_is_reached_on_loopback() {
        let reached = |listen: &str| reached_from_here(listen.parse().unwrap()).unwrap().to_string();
        assert_eq!(reached("0.0.0.0:8090"), "http://127.0.0.1:8090/");
        assert_eq!(reached("[::]:8090"), "http://127.0.0.1:8090/");
        assert_eq!(reached("10.0.0.7:80"), "http://10.0.0.7/");
    }
}
