use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::postgres::Server;
use crate::tools::{self, OutsideWorld};

/// Runs the suite once per engine. The answer is the exit code of the first run that fails.
pub(crate) fn run(args: &[&str]) -> Result<ExitCode> {
    let clock = Clock(Instant::now());
    clock.step("tools");
    let programs = tools::postgres_programs()?;
    let outside = tools::outside_world()?;

    clock.step("cargo test, on SQLite");
    let (cargo_args, harness_args) = split(args);
    let on_sqlite = cargo_test(cargo_args, &outside)
        .arg("--")
        .args(harness_args)
        .env_remove("DATABASE_URL")
        .status()
        .context("cargo")?;
    if !on_sqlite.success() {
        return Ok(code_of(on_sqlite));
    }

    clock.step("a throw-away PostgreSQL");
    let server = Server::start(&programs)?;
    clock.step("cargo test, on PostgreSQL");
    // The same selection and features, so that nothing is built again. What does not depend on the engine has run:
    // the doc tests, and the tests in modules called `on_sqlite`, which have an SQLite database whatever is set.
    let on_postgres = cargo_test(cargo_args, &outside)
        .arg("--tests")
        .args(["--", "--skip", "on_sqlite::"])
        .args(harness_args)
        .env("DATABASE_URL", server.url())
        .status()
        .context("cargo")?;
    Ok(code_of(on_postgres))
}

/// What is for cargo, and what is for the tests: `-p outrigger -- nodes` has both.
fn split<'a>(args: &'a [&'a str]) -> (&'a [&'a str], &'a [&'a str]) {
    match args.iter().position(|arg| *arg == "--") {
        Some(at) => (&args[..at], &args[at + 1..]),
        None => (args, &[]),
    }
}

fn cargo_test(args: &[&str], outside: &OutsideWorld) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["test", "--all-features"]).envs(outside.variables()).current_dir(workspace());
    // Arguments may select packages, which `--workspace` would overrule.
    if args.is_empty() {
        command.arg("--workspace")
    } else {
        command.args(args)
    };
    command
}

fn code_of(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}

/// Names each step as it starts, with the time gone by: the last lines printed are cargo's own.
struct Clock(Instant);

impl Clock {
    fn step(&self, name: &str) {
        println!("==> [{:.1} s] {name}", self.0.elapsed().as_secs_f32());
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn arguments_of_the_tests_come_after_two_dashes() {
        assert_eq!(split(&["-p", "outrigger", "--", "nodes"]), (&["-p", "outrigger"][..], &["nodes"][..]));
        assert_eq!(split(&["-p", "outrigger"]), (&["-p", "outrigger"][..], &[][..]));
    }
}
