//! Every line that `demo` prints for people to try is tried, in the order in which it is printed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use crate::demo::{command, signal};
use crate::netlify::netlify_cli;

fn has_curl() -> bool {
    let has_curl = Command::new("curl").arg("--version").output().is_ok();
    if !has_curl {
        assert!(std::env::var_os("CI").is_none(), "CI must not skip curl: install it");
        let _ = std::io::stderr().lock().write_all(b"skipped: what demo prints for curl (cargo xtask test runs it)\n");
    }
    has_curl
}

#[test]
fn every_line_that_the_demo_prints_works() {
    let home = tempfile::tempdir().unwrap();
    let mut demo = command(home.path()).args(["demo", "--port", "0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut exports = Vec::new();
    let mut commands = Vec::new();
    for line in BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap) {
        let Some(line) = line.strip_prefix("  ") else {
            if line == "Stop with Ctrl-C." {
                break;
            }
            continue;
        };
        match line.split([' ', '=']).next().unwrap() {
            "export" => exports.push(line.to_owned()),
            "outrigger" | "netlify" | "NETLIFY_API_URL" | "curl" => commands.push(line.to_owned()),
            // The link that signs in, and what it is for.
            "Dashboard" => commands.push(format!("curl --fail --silent {}", line.rsplit(' ').next().unwrap())),
            "" if line.trim_start().starts_with("http://") => {
                commands.push(format!("curl --fail {}", line.trim_start()))
            }
            "API" | "Account" | "Site" | "Add-on" | "Data" | "Upstash" | "" => {}
            other => panic!("is `{other}` something to try? {line}"),
        }
    }
    assert!(exports.len() == 2 && commands.len() > 8, "{exports:#?} {commands:#?}");

    let cli = netlify_cli();
    let has_curl = has_curl();
    let scratch = tempfile::tempdir().unwrap();
    for line in commands {
        if (cli.is_none() && line.contains("netlify")) || (!has_curl && line.starts_with("curl")) {
            continue;
        }
        let mut shell = Command::new("sh");
        shell
            .env_clear()
            .env("HOME", scratch.path())
            .current_dir(scratch.path())
            .stdin(Stdio::null())
            .env("CI", "true");
        let folders = cli.iter().map(|cli| std::path::Path::new(cli).parent().unwrap().display().to_string());
        let path: Vec<String> = folders.chain([std::env::var("PATH").unwrap()]).collect();
        // As in the netlify CLI's own test: the other host that it asks is not to be reached.
        let preload = concat!("--require=\"", env!("CARGO_MANIFEST_DIR"), "/src/netlify/preload.cjs\"");
        if line.starts_with("NETLIFY_API_URL") {
            shell.env("NODE_OPTIONS", preload).env("OUTRIGGER_EXTENSIONS_URL", "http://127.0.0.1:1");
        }
        let ran = shell.env("PATH", path.join(":")).arg("-ec").arg(format!("{}\n{line}", exports.join("\n")));
        let ran = ran.output().unwrap();
        assert!(
            ran.status.success(),
            "{line}\n{}{}",
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr)
        );
        if line.ends_with("service-instances") && cli.is_some() {
            assert!(String::from_utf8_lossy(&ran.stdout).contains("TALLY_URL"), "{line}");
        }
        if line.ends_with("dev:exec -- env") {
            assert!(String::from_utf8_lossy(&ran.stdout).contains("\nTALLY_URL="), "{line}");
        }
    }
    signal(&demo, "INT");
    assert!(demo.wait().unwrap().success());
}
