//! What cargo cannot do by itself: `cargo xtask help`.

use std::env;
use std::process::ExitCode;

use anyhow::{Result, bail};

mod fuzz;
mod postgres;
mod test;
mod tools;

const HELP: &str = "\
cargo xtask COMMAND

  test [-- ARGS]  Install what the suite needs where it is missing (PostgreSQL, Node, npm packages, Chromium), then run
                  it on SQLite and on a throw-away PostgreSQL. ARGS go to cargo test, for instance `-- -p outrigger-db`.
  fuzz SECONDS    Run each fuzz target of the gateway for so long. Needs a C++ compiler.
  help            This text.
";

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["test"] => test::run(&[]),
        ["test", "--", cargo_args @ ..] => test::run(cargo_args),
        ["fuzz", seconds] => fuzz::run(seconds),
        ["help"] => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        other => bail!("`{}` is no command of xtask: see `cargo xtask help`", other.join(" ")),
    }
}
