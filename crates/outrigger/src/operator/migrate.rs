use anyhow::Context as _;
use outrigger_db::Db;
use outrigger_platform::store;

use super::ServerArgs;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let config = args.server.config()?;
    let db = Db::connect(&config.database_url).await?;
    db.migrate(store::migrations()).await.context("bringing the database's schema up to date failed")?;
    db.close().await;
    println!("The database is up to date.");
    Ok(())
}
