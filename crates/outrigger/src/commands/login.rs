use std::io::{IsTerminal as _, Read as _};

use outrigger_platform::api::logins::CreateLogin;
use outrigger_platform::api::tokens::TokenBody;
use outrigger_platform::api::users::UserBody;

use super::{ClientArgs, Context};
use crate::client::Client;
use crate::exit::{CommandResult, Failure};
use crate::sign_in::SignIn;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Sign in with this e-mail address and a password
    #[arg(long)]
    email: Option<String>,
    /// Read the token (or, with --email, the password) from standard input
    #[arg(long, visible_alias = "password-stdin")]
    token_stdin: bool,
}

pub(super) async fn run(login: Args, args: &ClientArgs, context: &Context) -> CommandResult {
    let token = match &login.email {
        Some(email) => {
            let password = secret(&login, "Password:")?;
            let body = CreateLogin { email: email.clone(), password, token_name: "outrigger login".to_owned() };
            let made: TokenBody = context.client.post_unsigned("/logins", &body).await?;
            made.token.ok_or_else(|| Failure::new(1, "the platform gave no token"))?
        }
        None => match &args.token {
            Some(token) => token.clone(),
            None => secret(&login, "Token:")?,
        },
    };
    let client = Client::new(context.client.origin(), Some(token.clone()))?;
    let user: UserBody = client.get("/user").await?;
    let kept = SignIn {
        url: Some(client.origin().to_owned()),
        token: Some(token),
        site: context.site_if_any().map(str::to_owned),
    };
    let path = kept.save()?;
    anstream::println!("Signed in at {} as {} (kept in {}).", client.origin(), user.email, path.display());
    Ok(())
}

fn secret(login: &Args, prompt: &str) -> CommandResult<String> {
    if login.token_stdin {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text.trim().to_owned());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("there is no terminal to ask on").hint("pipe it in with --token-stdin"));
    }
    let asked = inquire::Password::new(prompt).without_confirmation().prompt();
    asked.map_err(|fault| Failure::usage(fault.to_string()))
}

pub(super) fn log_out() -> CommandResult {
    if SignIn::forget()? {
        anstream::println!("Signed out. The token itself still works until `outrigger tokens revoke`.");
    } else {
        anstream::println!("You were not signed in.");
    }
    Ok(())
}
