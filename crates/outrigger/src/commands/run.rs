use std::io;
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
    Err(replace_process(Command::new(program).args(arguments).envs(new)))
}

/// Comes back only when the program cannot be run, with the codes that a shell has for that.
pub(super) fn replace_process(command: &mut Command) -> Failure {
    let fault = command.exec();
    let code = if fault.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    Failure::new(code, format!("cannot run `{}`: {fault}", command.get_program().to_string_lossy()))
}
