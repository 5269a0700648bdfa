//! Commands of the client: they go through the API.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::client::{Client, origin_of};
use crate::exit::{CommandResult, Failure};
use crate::sign_in::SignIn;

mod addons;
mod completions;
mod doctor;
mod env;
mod login;
mod netlify;
mod registry;
mod run;
mod sites;
mod snippets;
mod status;
mod tokens;

/// Flags that every command of the client has.
#[derive(Args, Clone, Default)]
pub(crate) struct ClientArgs {
    /// Where the platform is
    #[arg(long, env = "OUTRIGGER_URL", global = true, value_name = "URL")]
    platform: Option<String>,
    /// Token; better kept in the environment or by `outrigger login`
    #[arg(long, env = "OUTRIGGER_TOKEN", global = true, value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Site, by id or name
    #[arg(long, env = "OUTRIGGER_SITE", global = true, value_name = "SITE")]
    site: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What a site developer, partner or operator may say to a running platform.
#[derive(Subcommand)]
pub(crate) enum ClientCommand {
    /// Add-ons of a site, and the registry of add-ons
    #[command(subcommand)]
    Addons(addons::Command),
    /// Variables of a site
    #[command(subcommand)]
    Env(env::Command),
    /// Run a command with the site's variables
    Run(run::Args),
    /// Sites
    #[command(subcommand)]
    Sites(sites::Command),
    /// Snippets in the site's pages
    #[command(subcommand)]
    Snippets(snippets::Command),
    /// Sign in and remember it
    Login(login::Args),
    /// Forget the sign-in
    Logout,
    /// Tokens
    #[command(subcommand)]
    Tokens(tokens::Command),
    /// Who am I, and where
    Status,
    /// Find out what is wrong with this set-up
    Doctor,
    /// Run the netlify CLI against this platform
    Netlify(netlify::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
}

/// The platform, the sign-in and what to print.
pub(crate) struct Context {
    pub(crate) client: Client,
    site: Option<String>,
    /// The sign-in that is kept is for this platform, not for the one that is asked.
    kept_for_other: Option<String>,
    pub(crate) json: bool,
}

/// Where `serve` and `demo` listen unless told otherwise.
const DEFAULT_PLATFORM: &str = "http://127.0.0.1:8090";

impl Context {
    /// A flag, then the environment, then what `outrigger login` kept.
    fn new(args: &ClientArgs) -> CommandResult<Self> {
        Self::with_sign_in(args, SignIn::load()?)
    }

    fn with_sign_in(args: &ClientArgs, kept: SignIn) -> CommandResult<Self> {
        let kept_origin = kept.url.as_deref().map(origin_of).transpose()?;
        let origin = match (&args.platform, &kept_origin) {
            (Some(url), _) => origin_of(url)?,
            (None, Some(kept)) => kept.clone(),
            (None, None) => DEFAULT_PLATFORM.to_owned(),
        };
        // What was kept belongs to the platform that it was kept for, and is shown to no other.
        let kept_for_other = kept_origin.filter(|kept| *kept != origin);
        let (token, site) = if kept_for_other.is_none() { (kept.token, kept.site) } else { (None, None) };
        let client = Client::new(origin, given(&args.token).or(token))?;
        Ok(Self { client, site: given(&args.site).or(site), kept_for_other, json: args.json })
    }

    /// The site to work on.
    pub(crate) fn site(&self) -> CommandResult<&str> {
        self.site.as_deref().ok_or_else(|| {
            Failure::usage("no site is named").hint(
                "use --site or OUTRIGGER_SITE, or `outrigger login --site NAME` to remember one; \
                       `outrigger sites list` shows them",
            )
        })
    }

    pub(crate) fn site_if_any(&self) -> Option<&str> {
        self.site.as_deref()
    }

    /// A path below the site.
    pub(crate) fn site_path(&self, rest: &str) -> CommandResult<String> {
        Ok(format!("/sites/{}{rest}", path_part(self.site()?)))
    }
}

/// An empty value, as an unset variable leaves in `OUTRIGGER_SITE=$SITE`, is none.
fn given(value: &Option<String>) -> Option<String> {
    value.clone().filter(|value| !value.is_empty())
}

/// A value as one part of a path.
pub(crate) fn path_part(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>().replace('+', "%20")
}

impl ClientCommand {
    pub(crate) async fn run(self, args: ClientArgs) -> CommandResult<ExitCode> {
        let context = || Context::new(&args);
        let done = |()| ExitCode::SUCCESS;
        match self {
            Self::Addons(command) => addons::run(command, &context()?).await.map(done),
            Self::Env(command) => env::run(command, &context()?).await.map(done),
            Self::Run(args) => run::run(args, &context()?).await,
            Self::Sites(command) => sites::run(command, &context()?).await.map(done),
            Self::Snippets(command) => snippets::run(command, &context()?).await.map(done),
            Self::Login(login) => login::run(login, &args).await.map(done),
            // Works with a damaged sign-in too: it is the way out.
            Self::Logout => login::log_out(args.json).map(done),
            Self::Tokens(command) => tokens::run(command, &context()?).await.map(done),
            Self::Status => status::run(&context()?).await.map(done),
            Self::Doctor => doctor::run(&context()?).await,
            Self::Netlify(args) => netlify::run(args, &context()?).await,
            Self::Completions(args) => {
                completions::run(&args);
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}
