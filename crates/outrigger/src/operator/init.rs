use anyhow::Context as _;
use outrigger_platform::ops::accounts::create_first_account;
use serde_json::json;

use super::{ServerArgs, Sources, load_or_create_keys, open, read_password, sign_in_link};
use crate::exit::{CommandResult, Failure};
use crate::output::{print_json, say};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    server: ServerArgs,
    /// E-mail address of the first user, an operator
    #[arg(long)]
    email: String,
    /// Name of the first account
    #[arg(long, default_value = "My account")]
    account: String,
    /// The account's part of addresses
    #[arg(long, default_value = "my-account")]
    account_slug: String,
    /// Read a password for the user from standard input; without one the user signs in with tokens only
    #[arg(long)]
    password_stdin: bool,
}

pub(super) async fn run(args: Args, json: bool) -> CommandResult {
    let config = args.server.config()?;
    let password = if args.password_stdin { Some(read_password()?) } else { None };
    let keys = load_or_create_keys(&config, &*Sources::system().entropy)?;
    let app = open(config, keys).await?;
    if !app.store.users_anywhere(None, 1).await.context("the users cannot be read")?.is_empty() {
        return Err(Failure::new(5, "this database has users already")
            .hint("`outrigger users create` adds one and prints a token; with --operator one that may do everything"));
    }
    let first = create_first_account(&app, &args.account_slug, &args.account, &args.email, password.as_deref()).await?;
    let sign_in_url = sign_in_link::of(&app, &first.user.email).await?;
    if json {
        return print_json(&json!({
            "account_id": first.account.id,
            "account_slug": first.account.slug,
            "user_id": first.user.id,
            "token": first.token,
            "sign_in_url": sign_in_url,
            "key_file": app.config.key_file,
        }));
    }
    say!("Account  {} ({})", first.account.slug, first.account.id);
    say!("User     {} (operator)", first.user.email);
    say!("Token    {}", first.token);
    say!("Keys     {}: keep a copy; without it no secret can be read again", app.config.key_file.display());
    say!("\nThe token is shown this once. Next: `outrigger serve`, then `outrigger login --token-stdin`,");
    say!("or open the dashboard (the link signs in once, within half an hour):\n\n  {sign_in_url}");
    Ok(())
}
