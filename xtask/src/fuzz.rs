//! Runs the fuzz targets of the gateway, each for a while. They are built for themselves, with the instruments that tell
//! libFuzzer which input reaches something new; what it found stays below `target/fuzz` and is where the next run begins.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

const MANIFEST: &str = "crates/outrigger-gateway/fuzz/Cargo.toml";
const TARGETS: [&str; 2] = ["head", "page"];

/// Coverage as libFuzzer reads it, and checks that release builds leave out.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cdebug-assertions \
    -Coverflow-checks";

pub(crate) fn run(seconds: &str) -> Result<ExitCode> {
    let seconds: u32 = seconds.parse().context("say for how many seconds each target is to run")?;
    let host = host()?;
    for target in TARGETS {
        let corpus = Path::new("target/fuzz/corpus").join(target);
        fs::create_dir_all(&corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
        let found = format!("-artifact_prefix=target/fuzz/{target}-");
        let ran = Command::new("cargo")
            .args(["run", "--locked", "--release", "--target-dir", "target/fuzz", "--target", &host])
            .args(["--manifest-path", MANIFEST, "--bin", target, "--"])
            .args([&format!("-max_total_time={seconds}"), "-timeout=10", "-max_len=4096", &found])
            .arg(&corpus)
            // For the target alone: what builds it is not to be instrumented.
            .env("RUSTFLAGS", FLAGS)
            .status()
            .context("cannot run cargo")?;
        if !ran.success() {
            eprintln!("fuzz target `{target}` failed: the input is below target/fuzz, its name is printed above");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The machine's own target, as rustc calls it.
fn host() -> Result<String> {
    let told = Command::new("rustc").arg("-vV").output().context("cannot run rustc")?;
    let told = String::from_utf8(told.stdout).context("rustc tells no text")?;
    match told.lines().find_map(|line| line.strip_prefix("host: ")) {
        Some(host) => Ok(host.to_owned()),
        None => bail!("rustc does not say what machine this is"),
    }
}
