use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use outrigger_db::KeyRing;
use outrigger_platform::app::SharedApp;
use outrigger_platform::config::Config;
use outrigger_platform::events;
use outrigger_platform::store::Resealed;
use serde_json::json;

use super::{KEY_VARIABLE, ServerArgs, Sources, load_keys, open};
use crate::exit::{CommandResult, Failure};
use crate::output::{print_json, say};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Add a new key to the key file and seal every secret with it; old keys stay for nodes that still write with them
    Rotate(Args),
    /// Remove old keys from the key file, once every node has been restarted and every secret is sealed with the newest
    Prune(Args),
}

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn run(command: Command, json: bool) -> CommandResult {
    if std::env::var_os(KEY_VARIABLE).is_some() {
        return Err(Failure::usage(format!("the keys are in {KEY_VARIABLE}, which only you can change")).hint(
            "put its text into a file, unset it, run this with --key-file, and give every node the file's new text",
        ));
    }
    match command {
        Command::Rotate(args) => rotate(args, json).await,
        Command::Prune(args) => prune(args, json).await,
    }
}

async fn rotate(args: Args, json: bool) -> CommandResult {
    let config = args.server.config()?;
    let path = config.key_file.clone();
    // Says what to do when there is no such file.
    load_keys(&config)?;
    let ring = KeyRing::load(&path).context("the key file cannot be read")?.with_new_key(&*Sources::system().entropy);
    // First the file: whoever meets a record of the new key finds it there.
    ring.save(&path).context("the key file cannot be written")?;
    let (resealed, app) = reseal(config).await?;
    events::tell_key_rotated(&app).await.context("the rotation cannot be announced to integrations")?;
    if json {
        return print_json(&json!({ "sealed": resealed.moved, "key": ring.active_id(), "key_file": path }));
    }
    say!("{} secrets are sealed with the new key `{}`.", resealed.moved, ring.active_id());
    say!("Old keys are still in {}; restart every node, then run `outrigger keys prune`.", path.display());
    Ok(())
}

async fn prune(args: Args, json: bool) -> CommandResult {
    let config = args.server.config()?;
    let path = config.key_file.clone();
    // What a node wrote with an old key since the rotation moves now.
    let (resealed, _) = reseal(config).await?;
    let ring = KeyRing::load(&path).context("the key file cannot be read")?;
    ring.without_old_keys().save(&path).context("the key file cannot be written")?;
    if json {
        return print_json(&json!({ "sealed": resealed.moved, "key_file": path }));
    }
    say!("{} secrets moved; only the newest key is left in {}.", resealed.moved, path.display());
    Ok(())
}

async fn reseal(config: Config) -> CommandResult<(Resealed, SharedApp)> {
    let keys = load_keys(&config)?;
    let app = open(config, keys).await?;
    let style = ProgressStyle::with_template("{spinner} {pos} secrets").context("the progress has no form")?;
    let bar = ProgressBar::new_spinner().with_style(style);
    let done = app.reseal_anywhere(&|done| bar.set_position(done.moved + done.current)).await;
    bar.finish_and_clear();
    Ok((done.context("sealing again stopped; nothing is lost, run it again")?, app))
}
