use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use outrigger_db::KeyRing;
use outrigger_platform::store::Resealed;

use super::{KEY_VARIABLE, ServerArgs, Sources, load_keys, open};

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

pub(super) async fn run(command: Command) -> anyhow::Result<()> {
    if std::env::var_os(KEY_VARIABLE).is_some() {
        anyhow::bail!(
            "the keys are in {KEY_VARIABLE}: append a line to it, restart every node, then run this with --key-file"
        );
    }
    match command {
        Command::Rotate(args) => rotate(args).await,
        Command::Prune(args) => prune(args).await,
    }
}

async fn rotate(args: Args) -> anyhow::Result<()> {
    let config = args.server.config()?;
    let path = config.key_file.clone();
    let ring = KeyRing::load(&path)?.with_new_key(&*Sources::system().entropy);
    // First the file: whoever meets a record of the new key finds it there.
    ring.save(&path)?;
    let resealed = reseal(config).await?;
    println!("{} secrets are sealed with the new key `{}`.", resealed.moved, ring.active_id());
    println!("Old keys are still in {}; restart every node, then run `outrigger keys prune`.", path.display());
    Ok(())
}

async fn prune(args: Args) -> anyhow::Result<()> {
    let config = args.server.config()?;
    let path = config.key_file.clone();
    // What a node wrote with an old key since the rotation moves now.
    let resealed = reseal(config).await?;
    KeyRing::load(&path)?.without_old_keys().save(&path)?;
    println!("{} secrets moved; only the newest key is left in {}.", resealed.moved, path.display());
    Ok(())
}

async fn reseal(config: outrigger_platform::config::Config) -> anyhow::Result<Resealed> {
    let keys = load_keys(&config)?;
    let app = open(config, keys).await?;
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {pos} secrets")?);
    let done = app.store.reseal_anywhere(&|done| bar.set_position(done.moved + done.current)).await;
    bar.finish_and_clear();
    done.context("sealing again stopped; nothing is lost, run it again")
}
