use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use outrigger_platform::api::sites::SiteBody;

use super::Context;
use super::run::replace_process;
use crate::exit::{CommandResult, Failure};
use crate::files::{base_folder, write_private};

/// Sends the CLI's hard-wired extensions host here (contract netlify-api, section 3).
const PRELOAD: &str = include_str!("../netlify/preload.cjs");

/// The version that the suite drives.
pub(super) const TESTED_NETLIFY_CLI: &str = "17.38.1";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Arguments of the netlify CLI
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    arguments: Vec<OsString>,
}

pub(super) async fn run(args: Args, context: &Context) -> CommandResult<ExitCode> {
    let origin = context.client.origin();
    let mut command = Command::new(program());
    command
        .args(args.arguments)
        .env("NETLIFY_API_URL", format!("{origin}/api/v1"))
        .env("NETLIFY_AUTH_TOKEN", context.client.token()?)
        .env("NETLIFY_WEB_UI", origin)
        .env("OUTRIGGER_EXTENSIONS_URL", origin)
        .env("NODE_OPTIONS", node_options(&preload_file()?))
        .env("NO_UPDATE_NOTIFIER", "1");
    if context.site_if_any().is_some() {
        let site: SiteBody = context.client.get(&context.site_path("")?).await?;
        command.env("NETLIFY_SITE_ID", site.id.as_str());
    }
    if std::env::var_os("BROWSER").is_none() {
        command.env("BROWSER", "none");
    }
    // Usage events and error reports go nowhere: what happens on this platform is not its maker's business.
    for report in ["TRACK", "IDENTIFY", "ERROR_REPORT"] {
        command.env(format!("NETLIFY_TEST_{report}_URL"), "http://127.0.0.1:1");
    }
    if !std::io::stdin().is_terminal() {
        command.env("CI", "true");
    }
    Err(replace_process(&mut command).hint(format!(
        "`npm install -g netlify-cli@{TESTED_NETLIFY_CLI}` installs it, or OUTRIGGER_NETLIFY_CLI says where it is"
    )))
}

pub(super) fn program() -> OsString {
    std::env::var_os("OUTRIGGER_NETLIFY_CLI").unwrap_or_else(|| "netlify".into())
}

/// Node reads the preload from a file. It is written when there is none of this version yet.
fn preload_file() -> CommandResult<PathBuf> {
    let file = base_folder("XDG_CACHE_HOME", ".cache")?.join("outrigger/netlify-preload.cjs");
    if std::fs::read(&file).is_ok_and(|there| there == PRELOAD.as_bytes()) {
        return Ok(file);
    }
    let folder = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written = folder.and_then(|()| write_private(&file, PRELOAD.as_bytes()));
    written.map_err(|fault| Failure::usage(format!("cannot write {}: {fault}", file.display())))?;
    Ok(file)
}

fn node_options(preload: &Path) -> String {
    let quoted = preload.display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
    let ours = format!("--require=\"{quoted}\"");
    match std::env::var("NODE_OPTIONS") {
        Ok(there) if !there.is_empty() => format!("{there} {ours}"),
        _ => ours,
    }
}
