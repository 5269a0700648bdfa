use outrigger_platform::api::tokens::{CreateToken, TokenBody};
use outrigger_platform::store::tokens::Scope;
use serde_json::json;

use super::{Context, path_part};
use crate::exit::{CommandResult, Failure};
use crate::output::{print_json, print_table, say};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Make a token and print it, once
    Create(CreateArgs),
    /// List your tokens
    List,
    /// Revoke a token by its id
    Revoke { id: String },
}

#[derive(clap::Args)]
pub(crate) struct CreateArgs {
    /// What you call it
    #[arg(long)]
    name: String,
    /// The most it may do
    #[arg(long, default_value = "write")]
    scope: ScopeArg,
    /// Only for this account, by id or slug
    #[arg(long)]
    account: Option<String>,
    /// Until it stops working: 30d, 12h, 90m or seconds
    #[arg(long, value_parser = parse_duration)]
    expires: Option<u32>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum ScopeArg {
    Read,
    Write,
    Admin,
}

/// `30d`, `12h`, `90m`, `45s` or a number of seconds.
pub(super) fn parse_duration(text: &str) -> Result<u32, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 'd')) => (&text[..at], 24 * 60 * 60),
        Some((at, 'h')) => (&text[..at], 60 * 60),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 's')) => (&text[..at], 1),
        _ => (text, 1),
    };
    let seconds = number.parse::<u32>().ok().and_then(|number| number.checked_mul(unit));
    seconds.ok_or_else(|| "say a time such as 30d, 12h, 90m or 45s".to_owned())
}

pub(super) async fn run(command: Command, context: &Context) -> CommandResult {
    match command {
        Command::Create(args) => create(args, context).await,
        Command::List => list(context).await,
        Command::Revoke { id } => {
            context.client.delete::<()>(&format!("/tokens/{}", path_part(&id))).await?;
            if context.json {
                return print_json(&json!({ "revoked": id }));
            }
            say!("Revoked.");
            Ok(())
        }
    }
}

async fn create(args: CreateArgs, context: &Context) -> CommandResult {
    let scope = match args.scope {
        ScopeArg::Read => Scope::Read,
        ScopeArg::Write => Scope::Write,
        ScopeArg::Admin => Scope::Admin,
    };
    let body = CreateToken { name: args.name, scope, account: args.account, expires_in: args.expires };
    let made: TokenBody = context.client.post("/tokens", &body).await?;
    if context.json {
        return print_json(&made);
    }
    let token = made.token.ok_or_else(|| Failure::new(1, "the platform gave no token"))?;
    say!("{token}");
    anstream::eprintln!("It is shown this once. Revoke it with `outrigger tokens revoke {}`.", made.id);
    Ok(())
}

async fn list(context: &Context) -> CommandResult {
    let tokens: Vec<TokenBody> = context.client.get("/tokens").await?;
    if context.json {
        return print_json(&tokens);
    }
    let day = |time: Option<outrigger_platform::store::Time>| match time {
        Some(time) => time.timestamp().strftime("%Y-%m-%d").to_string(),
        None => "never".to_owned(),
    };
    let rows = tokens.into_iter().map(|token| {
        let scope = format!("{:?}", token.scope).to_lowercase();
        [token.id.to_string(), token.name, scope, day(token.last_used_at), day(token.expires_at)]
    });
    print_table(["id", "name", "scope", "used", "expires"], rows);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parse_duration;

    #[test]
    fn durations_have_units() {
        assert_eq!(parse_duration("30d"), Ok(30 * 86_400));
        assert_eq!(parse_duration("12h"), Ok(43_200));
        assert_eq!(parse_duration("45"), Ok(45));
        for wrong in ["", "d", "1w", "-1h", "99999999d", "1½h"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
