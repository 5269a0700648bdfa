//! The one binary: the server and its operator's commands, and the client.

use clap::Parser;

mod demo;
mod operator;

/// Self-hosted add-ons for the sites of a hosting product
#[derive(Parser)]
#[command(name = "outrigger", version, about)]
struct Cli {
    #[command(subcommand)]
    command: operator::OperatorCommand,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(cli.command.run())
}
