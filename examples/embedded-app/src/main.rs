//! Runs the board, or prints the SQL of its columns.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use embedded_app::app::{self, App};
use embedded_app::{sample, store};
use outrigger_db::Engine;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A code-review board that embeds the integrations framework.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Args)]
struct Serve {
    /// Where to listen; port 0 takes any free one.
    #[arg(long, default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 8300)))]
    listen: SocketAddr,
    /// Where the database and the keys are kept.
    #[arg(long, default_value = "board-data", conflicts_with = "ephemeral")]
    data: PathBuf,
    /// Keeps nothing once it has ended.
    #[arg(long)]
    ephemeral: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Prints the SQL that adds the board's own columns to the framework's table.
    #[command(group = clap::ArgGroup::new("engine").required(true))]
    Migration {
        #[arg(long, group = "engine")]
        postgres: bool,
        #[arg(long, group = "engine")]
        sqlite: bool,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.command {
        Some(Command::Migration { postgres, .. }) => {
            print!("{}", store::extra_migration(if postgres { Engine::Postgres } else { Engine::Sqlite }));
            Ok(())
        }
        None => serve(cli.serve).await,
    }
}

async fn serve(options: Serve) -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_env_filter("warn").with_writer(std::io::stderr).init();
    let folder = options.ephemeral.then(tempfile::tempdir).transpose()?;
    let app = App::open(folder.as_ref().map_or(&options.data, |folder| folder.path())).await?;
    let listener = TcpListener::bind(options.listen).await?;
    let url = format!("http://{}", listener.local_addr()?);
    sample::fill(&app, &format!("{url}/chat/hooks/demo")).await?;
    println!(
        "The board is at {url}\n\
         Sign in as Ada, the administrator, and look at {url}/admin/integrations and {url}/my/integrations\n\
         What integrations post is shown at {url}/chat"
    );
    app::serve(app, listener, stopped()).await
}

/// Cancelled by Ctrl-C, and by SIGTERM.
fn stopped() -> CancellationToken {
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            Some(()) = async { terminate.as_mut()?.recv().await } => {}
        }
        stop.cancel();
    });
    token
}
