use serde_json::json;

use super::{ServerArgs, connect};
use crate::exit::CommandResult;
use crate::output::{print_json, say};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn run(args: Args, json: bool) -> CommandResult {
    connect(&args.server.config()?).await?.close().await;
    if json {
        return print_json(&json!({ "up_to_date": true }));
    }
    say!("The database is up to date.");
    Ok(())
}
