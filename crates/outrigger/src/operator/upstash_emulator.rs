//! Upstash on this machine: nothing is kept, and every key is drawn anew.

use std::path::PathBuf;

use anyhow::Context as _;
use outrigger_upstash::emulator::{EmulatedAccount, EmulatedDatabase, Emulator, find_redis_server};
use serde_json::json;
use tokio::net::TcpListener;

use super::{Sources, start_logging, stop_signal};
use crate::exit::{CommandResult, Failure};
use crate::output::{print_json, say};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Port of the developer API and the databases, on loopback; 0 for any free one
    #[arg(long, default_value_t = 8079)]
    port: u16,
    /// E-mail of the account that is there from the start
    #[arg(long, default_value = "you@example.com")]
    email: String,
    /// A database that is there from the start; may be given several times
    #[arg(long = "database", value_name = "NAME", default_value = "cache")]
    databases: Vec<String>,
    /// The program behind the databases; default: the one on PATH
    #[arg(long, value_name = "FILE")]
    redis_server: Option<PathBuf>,
}

pub(super) async fn run(args: Args, json: bool) -> CommandResult {
    start_logging("warn");
    let stop = stop_signal()?;
    let redis_server = redis_server(args.redis_server)?;
    let listener = TcpListener::bind(("127.0.0.1", args.port)).await.map_err(|fault| {
        Failure::new(1, format!("cannot listen on port {}: {fault}", args.port))
            .hint("choose another with --port; 0 takes any free one")
    })?;
    let Sources { clock, entropy } = Sources::system();
    let has_redis = redis_server.is_some();
    let started = Emulator::start(listener, redis_server, clock, entropy, stop);
    let (emulator, running) = started.context("the emulator does not start")?;
    let account = emulator.add_account(&args.email);
    let databases: Vec<_> = args.databases.iter().map(|name| emulator.create_database(&account, name)).collect();
    if json {
        print_json(&document(&emulator, &account, &databases, has_redis))?;
    } else {
        say!("{}", welcome(&emulator, &account, &databases, has_redis));
    }
    Ok(running.await.context("the emulator stopped")?)
}

fn redis_server(named: Option<PathBuf>) -> CommandResult<Option<PathBuf>> {
    match named {
        Some(file) if file.is_file() => Ok(Some(file)),
        Some(file) => Err(Failure::usage(format!("there is no program {}", file.display()))
            .hint("leave out --redis-server to use the one on PATH")),
        None => Ok(find_redis_server()),
    }
}

fn document(
    emulator: &Emulator,
    account: &EmulatedAccount,
    databases: &[EmulatedDatabase],
    has_redis: bool,
) -> serde_json::Value {
    let database =
        |it: &EmulatedDatabase| json!({ "id": it.id, "name": it.name, "url": it.url, "token": it.rest_token });
    json!({
        "api_url": emulator.api_url(),
        "email": account.email,
        "api_key": account.api_key,
        "redis_server": has_redis,
        "databases": databases.iter().map(database).collect::<Vec<_>>(),
    })
}

fn welcome(emulator: &Emulator, account: &EmulatedAccount, databases: &[EmulatedDatabase], has_redis: bool) -> String {
    let api = emulator.api_url();
    let origin = api.as_str().trim_end_matches("/v2");
    let EmulatedAccount { email, api_key } = account;
    let hint = match has_redis {
        true => "",
        false => {
            "\nThere is no redis-server on PATH, so the databases take no commands: install the Debian \
             package redis-server.\n"
        }
    };
    let each = databases.iter().map(|database| {
        let EmulatedDatabase { name, url, rest_token, .. } = database;
        format!("\n  # {name}\n  export UPSTASH_REDIS_REST_URL={url} UPSTASH_REDIS_REST_TOKEN={rest_token}\n")
    });
    let databases: String = each.collect();
    format!(
        "A stand-in for Upstash is ready. Nothing is kept.

  API      {api}
  E-mail   {email}
  API key  {api_key}
{hint}
The databases, for clients of Upstash:
{databases}
The platform with it:

  outrigger serve --upstash-api-url {api} --allow-private-addresses

A bad day, for the next request:

  curl --json '{{\"half\":\"developer\",\"kind\":\"failed\",\"times\":1}}' {origin}/emulator/faults

Stop with Ctrl-C."
    )
}
