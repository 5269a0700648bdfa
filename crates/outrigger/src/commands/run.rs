use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use super::{Context, env};
use crate::exit::{CommandResult, Failure};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Deploy context whose values are used
    #[arg(long, default_value = "dev")]
    context: String,
    /// The command and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// The command takes this process's place, so that signals and its exit code are its own.
pub(super) async fn run(args: Args, context: &Context) -> CommandResult<ExitCode> {
    let (program, arguments) =
        args.command.split_first().ok_or_else(|| Failure::usage("there is no command to run"))?;
    let variables = env::pairs(&args.context, context).await?;
    // What the caller has set already wins, as it does for the netlify CLI.
    let new = variables.into_iter().filter(|(name, _)| std::env::var_os(name).is_none());
    let fault = Command::new(program).args(arguments).envs(new).exec();
    Err(Failure::usage(format!("cannot run `{program}`: {fault}")))
}
