use clap::ValueEnum;
use outrigger_platform::ops::accounts::{NewUser, create_token, create_user, set_password};
use outrigger_platform::store::accounts::Role;
use outrigger_platform::store::tokens::{NewToken, Scope};
use serde_json::json;

use super::init::read_password;
use super::{ServerArgs, failed, load_keys, open};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Add a user and print a first token, once
    Create(CreateArgs),
    /// List users
    List(ListArgs),
    /// Set a user's password, read from standard input
    Password(PasswordArgs),
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
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
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

pub(super) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(args) => create(args).await,
        Command::List(args) => list(args).await,
        Command::Password(args) => password(args).await,
    }
}

async fn create(args: CreateArgs) -> anyhow::Result<()> {
    let config = args.server.config()?;
    let keys = load_keys(&config)?;
    let app = open(config, keys).await?;
    let account = match &args.account {
        Some(wanted) => {
            let found = app.store.find_account_anywhere(wanted).await?;
            Some(found.ok_or_else(|| anyhow::anyhow!("there is no account `{wanted}`"))?)
        }
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
    let user = create_user(&app, new).await.map_err(failed)?;
    let new = NewToken { account: None, name: "first token".to_owned(), scope: Scope::Admin, expires_at: None };
    let (_, token) = create_token(&app, &user.id, new).await.map_err(failed)?;
    if args.json {
        println!("{:#}", json!({ "id": user.id, "email": user.email, "token": token }));
    } else {
        println!("User   {} ({})\nToken  {token}\n\nThe token is shown this once.", user.email, user.id);
    }
    Ok(())
}

async fn list(args: ListArgs) -> anyhow::Result<()> {
    let config = args.server.config()?;
    let keys = load_keys(&config)?;
    let app = open(config, keys).await?;
    let mut after = None;
    let mut shown = Vec::new();
    loop {
        let page = app.store.users_anywhere(after.as_ref(), 200).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        shown.extend(page);
    }
    if args.json {
        let users = shown.iter().map(|user| {
            json!({ "id": user.id, "email": user.email, "full_name": user.full_name, "operator": user.operator })
        });
        println!("{:#}", users.collect::<serde_json::Value>());
        return Ok(());
    }
    for user in shown {
        let operator = if user.operator { "  operator" } else { "" };
        println!("{}  {}  {}{operator}", user.id, user.email, user.full_name);
    }
    Ok(())
}

async fn password(args: PasswordArgs) -> anyhow::Result<()> {
    let config = args.server.config()?;
    let keys = load_keys(&config)?;
    let app = open(config, keys).await?;
    let user = app.store.find_user_by_email(&args.email).await?;
    let user = user.ok_or_else(|| anyhow::anyhow!("there is no user {}", args.email))?;
    set_password(&app, &user.id, &read_password()?).await.map_err(failed)?;
    println!("Password set.");
    Ok(())
}
