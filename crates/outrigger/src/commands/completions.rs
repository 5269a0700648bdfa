use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::output::print;

#[derive(clap::Args)]
pub(crate) struct Args {
    shell: Shell,
}

pub(super) fn run(args: &Args) {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::Cli::command(), "outrigger", &mut script);
    print(format_args!("{}", String::from_utf8_lossy(&script)));
}
