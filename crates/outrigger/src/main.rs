//! The one binary: the server and its operator's commands, and the client.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod client;
mod commands;
mod demo;
mod exit;
mod files;
mod gateway;
mod installed;
mod integrations;
mod operator;
mod output;
mod page;
mod sign_in;
mod terminal;
mod upstash;

/// Requests through the gateway take and give back memory all the time; docs/BENCHMARKS.md says what this saves.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Self-hosted add-ons for the sites of a hosting product
#[derive(Parser)]
#[command(name = "outrigger", version, about, after_long_help = exit::EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    client: commands::ClientArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Client(commands::ClientCommand),
    #[command(flatten)]
    Operator(operator::OperatorCommand),
}

fn main() -> ExitCode {
    let Cli { client, command } = Cli::parse();
    let json = client.json;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => return exit::Failure::new(1, format!("no threads can be started: {fault}")).report(json),
    };
    let ended = runtime.block_on(async {
        match command {
            Command::Client(command) => command.run(client).await,
            Command::Operator(command) => command.run(json).await.map(|()| ExitCode::SUCCESS),
        }
    });
    ended.unwrap_or_else(|failure| failure.report(json))
}
