//! Links that sign a user in to the dashboard, once.

use anyhow::Context as _;
use outrigger_platform::app::SharedApp;
use outrigger_platform::ops::sign_in::create_sign_in_link;
use serde_json::json;
use url::Url;

use super::{ServerArgs, load_keys, open};
use crate::exit::{CommandResult, Failure};
use crate::output::{print_json, say};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
    /// The user's e-mail address
    email: String,
    /// How people reach the platform; default: as in the config file
    #[arg(long, env = "OUTRIGGER_PUBLIC_URL", value_name = "URL")]
    public_url: Option<Url>,
}

pub(super) async fn run(args: Args, json: bool) -> CommandResult {
    let mut config = args.server.config()?;
    config.public_url = args.public_url.or(config.public_url);
    let keys = load_keys(&config)?;
    let app = open(config, keys).await?;
    let link = of(&app, &args.email).await?;
    if json {
        return print_json(&json!({ "email": args.email, "sign_in_url": link }));
    }
    say!("{link}\n\nIt signs {} in once, within half an hour.", args.email);
    Ok(())
}

/// A link for the user with this e-mail address.
pub(super) async fn of(app: &SharedApp, email: &str) -> CommandResult<String> {
    let user = app.store.find_user_by_email(email).await.context("the users cannot be read")?;
    let user = user.ok_or_else(|| {
        Failure::new(4, format!("there is no user {email}")).hint("`outrigger users list` shows them")
    })?;
    Ok(create_sign_in_link(app, &user).await?)
}
