use anyhow::Context as _;
use clap::ValueEnum;
use outrigger_platform::app::SharedApp;
use outrigger_platform::ops::accounts::{NewUser, create_user_with_token, set_password};
use outrigger_platform::store::accounts::{Account, Role};
use outrigger_platform::store::tokens::{NewToken, Scope};
use serde_json::json;

use super::{ServerArgs, open_existing, read_password};
use crate::exit::{CommandResult, Failure};
use crate::output::{print_json, print_table, say};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Add a user and print a first token, once
    Create(CreateArgs),
    /// List users
    List(ListArgs),
    /// Set a user's password, read from standard input
    Password(PasswordArgs),
    /// Print a link that signs a user in to the dashboard, once
    SignInLink(super::sign_in_link::Args),
}

#[derive(clap::Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    server: ServerArgs,
    email: String,
    /// What people call the user
    #[arg(long, default_value = "")]
    name: String,
    /// Account to join, by id or slug
    #[arg(long)]
    account: Option<String>,
    /// What the user may do in that account
    #[arg(long, default_value = "developer")]
    role: RoleArg,
    /// May register add-ons
    #[arg(long)]
    operator: bool,
    /// Read a password from standard input
    #[arg(long)]
    password_stdin: bool,
}

#[derive(clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(clap::Args)]
pub(crate) struct PasswordArgs {
    #[command(flatten)]
    server: ServerArgs,
    email: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum RoleArg {
    Viewer,
    Developer,
    Owner,
}

pub(super) async fn run(command: Command, json: bool) -> CommandResult {
    match command {
        Command::Create(args) => create(args, json).await,
        Command::List(args) => list(args, json).await,
        Command::Password(args) => password(args, json).await,
        Command::SignInLink(args) => super::sign_in_link::run(args, json).await,
    }
}

async fn create(args: CreateArgs, json: bool) -> CommandResult {
    let app = open_existing(&args.server).await?;
    let account = match &args.account {
        Some(wanted) => Some(account(&app, wanted).await?),
        None => None,
    };
    let role = match args.role {
        RoleArg::Viewer => Role::Viewer,
        RoleArg::Developer => Role::Developer,
        RoleArg::Owner => Role::Owner,
    };
    let password = if args.password_stdin { Some(read_password()?) } else { None };
    let new = NewUser {
        email: &args.email,
        full_name: if args.name.is_empty() { &args.email } else { &args.name },
        password: password.as_deref(),
        operator: args.operator,
        member_of: account.as_ref().map(|account| (account, role)),
    };
    let first = NewToken { account: None, name: "first token".to_owned(), scope: Scope::Admin, expires_at: None };
    let (user, _, token) = create_user_with_token(&app, new, first).await?;
    if json {
        return print_json(&json!({ "id": user.id, "email": user.email, "token": token }));
    }
    say!("User   {} ({})\nToken  {token}\n\nThe token is shown this once.", user.email, user.id);
    Ok(())
}

async fn account(app: &SharedApp, id_or_slug: &str) -> CommandResult<Account> {
    let found = app.store.find_account_anywhere(id_or_slug).await.context("the accounts cannot be read")?;
    found.ok_or_else(|| Failure::new(4, format!("there is no account `{id_or_slug}`")))
}

async fn list(args: ListArgs, json: bool) -> CommandResult {
    let app = open_existing(&args.server).await?;
    let mut after = None;
    let mut shown = Vec::new();
    loop {
        let page = app.store.users_anywhere(after.as_ref(), 200).await.context("the users cannot be read")?;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        shown.extend(page);
    }
    if json {
        let users = shown.iter().map(|user| {
            json!({ "id": user.id, "email": user.email, "full_name": user.full_name, "operator": user.operator })
        });
        return print_json(&users.collect::<Vec<_>>());
    }
    let rows = shown.into_iter().map(|user| {
        let may = if user.operator { "operator" } else { "" };
        [user.id.to_string(), user.email, user.full_name, may.to_owned()]
    });
    print_table(["id", "e-mail", "name", "may"], rows);
    Ok(())
}

async fn password(args: PasswordArgs, json: bool) -> CommandResult {
    let app = open_existing(&args.server).await?;
    let user = app.store.find_user_by_email(&args.email).await.context("the users cannot be read")?;
    let user = user.ok_or_else(|| {
        Failure::new(4, format!("there is no user {}", args.email)).hint("`outrigger users list` shows them")
    })?;
    set_password(&app, &user.id, &read_password()?).await?;
    if json {
        return print_json(&json!({ "id": user.id, "email": user.email }));
    }
    say!("Password set.");
    Ok(())
}
