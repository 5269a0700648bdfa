use std::io::Read as _;

use anyhow::Context as _;
use outrigger_platform::api::logins::CreateLogin;
use outrigger_platform::api::sites::SiteBody;
use outrigger_platform::api::tokens::TokenBody;
use outrigger_platform::api::users::UserBody;
use serde_json::json;

use super::{ClientArgs, Context, given, path_part};
use crate::client::Client;
use crate::exit::{CommandResult, Failure};
use crate::output::{print_json, say};
use crate::sign_in::SignIn;
use crate::terminal;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Sign in with this e-mail address and a password
    #[arg(long)]
    email: Option<String>,
    /// Read the token (or, with --email, the password) from standard input
    #[arg(long, visible_alias = "password-stdin")]
    token_stdin: bool,
}

pub(super) async fn run(login: Args, args: &ClientArgs) -> CommandResult {
    // A damaged sign-in is about to be replaced.
    let context = Context::with_sign_in(args, SignIn::load().unwrap_or_default())?;
    let origin = context.client.origin().to_owned();
    let token = match &login.email {
        Some(email) => {
            let password = secret(&login, "Password:")?;
            let body = CreateLogin { email: email.clone(), password, token_name: "outrigger login".to_owned() };
            let made: CommandResult<TokenBody> = context.client.post_unsigned("/logins", &body).await;
            // What is advised on a 401 elsewhere is what is being done.
            made.map_err(|failure| Failure { hint: None, ..failure })?
                .token
                .ok_or_else(|| Failure::new(1, "the platform gave no token"))?
        }
        None => match given(&args.token) {
            Some(token) if !login.token_stdin => token,
            _ => secret(&login, "Token:")?.trim().to_owned(),
        },
    };
    let client = Client::new(origin.clone(), Some(token.clone()))?;
    let user: CommandResult<UserBody> = client.get("/user").await;
    let user = user.map_err(|failure| match failure.code {
        3 => failure
            .hint("`outrigger tokens create` makes a token; `outrigger init` and `users create` print a first one"),
        _ => failure,
    })?;
    let site = match context.site_if_any() {
        // Refused here, and not by each command later.
        Some(site) => Some(client.get::<SiteBody>(&format!("/sites/{}", path_part(site))).await?.id.to_string()),
        None => None,
    };
    let path = SignIn { url: Some(origin.clone()), token: Some(token), site: site.clone() }.save()?;
    if args.json {
        return print_json(&json!({ "url": origin, "user": user, "site": site, "kept_in": path }));
    }
    say!("Signed in at {origin} as {} (kept in {}).", user.email, path.display());
    Ok(())
}

fn secret(login: &Args, question: &str) -> CommandResult<String> {
    let text = if login.token_stdin {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
        text
    } else {
        terminal::secret(question, "pipe it in with --token-stdin")?
    };
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(Failure::usage("nothing was given to sign in with")),
        text => Ok(text.to_owned()),
    }
}

pub(super) fn log_out(json: bool) -> CommandResult {
    let was_signed_in = SignIn::forget()?;
    if json {
        return print_json(&json!({ "was_signed_in": was_signed_in }));
    }
    if was_signed_in {
        say!("Signed out. The token itself still works until `outrigger tokens revoke`.");
    } else {
        say!("You were not signed in.");
    }
    Ok(())
}
