use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::exit::CommandResult;

#[derive(clap::Args)]
pub(crate) struct Args {
    shell: Shell,
}

pub(super) fn run(args: &Args) -> CommandResult {
    clap_complete::generate(args.shell, &mut crate::Cli::command(), "outrigger", &mut std::io::stdout());
    Ok(())
}
