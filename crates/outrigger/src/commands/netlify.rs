use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use outrigger_platform::api::sites::SiteBody;

use super::Context;
use crate::exit::{CommandResult, Failure};
use crate::operator::write_private;

/// Sends the CLI's hard-wired extensions host here (contract netlify-api, section 3).
const PRELOAD: &str = include_str!("../netlify/preload.cjs");

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Arguments of the netlify CLI
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    arguments: Vec<OsString>,
}

pub(super) async fn run(args: Args, context: &Context) -> CommandResult<ExitCode> {
    let origin = context.client.origin();
    let program = std::env::var_os("OUTRIGGER_NETLIFY_CLI").unwrap_or_else(|| "netlify".into());
    let mut command = Command::new(&program);
    command
        .args(args.arguments)
        .env("NETLIFY_API_URL", format!("{origin}/api/v1"))
        .env("NETLIFY_AUTH_TOKEN", context.client.token()?)
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
    let fault = command.exec();
    Err(Failure::usage(format!("cannot run `{}`: {fault}", program.to_string_lossy()))
        .hint("install it with `npm install -g netlify-cli@17.38.1`, or set OUTRIGGER_NETLIFY_CLI to its path"))
}

/// Node reads the preload from a file; it is written anew so that it is of this version.
fn preload_file() -> CommandResult<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir);
    let folder = cache.join("outrigger");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("netlify-preload.cjs");
    write_private(&file, PRELOAD.as_bytes())?;
    Ok(file)
}

fn node_options(preload: &std::path::Path) -> String {
    let quoted = preload.display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
    let ours = format!("--require=\"{quoted}\"");
    match std::env::var("NODE_OPTIONS") {
        Ok(there) if !there.is_empty() => format!("{there} {ours}"),
        _ => ours,
    }
}
