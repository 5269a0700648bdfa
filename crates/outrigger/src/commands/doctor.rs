use std::ffi::OsStr;
use std::process::{Command, ExitCode};

use anyhow::Context as _;
use jiff::fmt::rfc2822;
use outrigger_db::{Clock as _, SystemClock};
use outrigger_platform::api::sites::SiteBody;
use outrigger_platform::api::users::UserBody;
use serde::Serialize;

use super::Context;
use super::netlify::{self, TESTED_NETLIFY_CLI};
use crate::exit::{CommandResult, Failure};
use crate::output::{print_json, say, with_spinner};

/// Signatures and sign-in links live for minutes; more than this makes them fail now and then.
const MOST_SECONDS_APART: i64 = 20;

#[derive(Serialize)]
struct Finding {
    what: &'static str,
    /// `ok`, `warning` or `failure`.
    verdict: &'static str,
    /// What was found, and what to do about it.
    text: String,
}

pub(super) async fn run(context: &Context) -> CommandResult<ExitCode> {
    let mut findings = Vec::new();
    if let Some(other) = &context.kept_for_other {
        let text = format!("kept for {other}, and so not used here; `outrigger login` signs in here");
        findings.push(finding("sign-in", "warning", text));
    }
    match context.client.readiness().await {
        Ok(date) => {
            findings.push(finding("platform", "ok", format!("{} is ready", context.client.origin())));
            findings.push(check_clock(date.as_deref()));
            let user = context.client.get::<UserBody>("/user").await;
            let signed_in = user.is_ok();
            findings.push(match user {
                Ok(user) => finding("token", "ok", format!("signed in as {}", user.email)),
                Err(failure) => failed("token", &failure),
            });
            if signed_in {
                findings.push(check_site(context).await);
            }
        }
        Err(failure) => findings.push(failed("platform", &failure)),
    }
    let programs = tokio::task::spawn_blocking(|| [check_node(), check_netlify_cli()]);
    findings.extend(with_spinner("looking for programs", programs).await.context("the search for programs failed")?);
    let failed = findings.iter().any(|finding| finding.verdict == "failure");
    if context.json {
        print_json(&findings)?;
    } else {
        for Finding { what, verdict, text } in &findings {
            say!("{verdict:<8} {what:<9} {text}");
        }
    }
    Ok(ExitCode::from(u8::from(failed)))
}

fn finding(what: &'static str, verdict: &'static str, text: impl Into<String>) -> Finding {
    Finding { what, verdict, text: text.into() }
}

fn failed(what: &'static str, failure: &Failure) -> Finding {
    let advice = failure.hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default();
    finding(what, "failure", format!("{failure}{advice}"))
}

fn check_clock(date: Option<&str>) -> Finding {
    let Some(theirs) = date.and_then(|date| rfc2822::parse(date).ok()) else {
        return finding("clock", "warning", "the platform does not tell its time");
    };
    let apart = SystemClock.now().duration_since(theirs.timestamp()).as_secs().abs();
    if apart > MOST_SECONDS_APART {
        return finding("clock", "warning", format!("{apart} s apart from the platform's; set one of them right"));
    }
    finding("clock", "ok", "agrees with the platform's")
}

async fn check_site(context: &Context) -> Finding {
    if context.site_if_any().is_none() {
        return finding("site", "warning", "none is chosen; use --site, OUTRIGGER_SITE or `outrigger login --site`");
    }
    let site = match context.site_path("") {
        Ok(path) => context.client.get::<SiteBody>(&path).await,
        Err(failure) => Err(failure),
    };
    match site {
        Ok(site) => finding("site", "ok", format!("{} ({})", site.name, site.id)),
        Err(failure) => failed("site", &failure.hint("`outrigger sites list` shows yours")),
    }
}

fn check_node() -> Finding {
    const OLDEST: u32 = 18;
    let Some(version) = version_of("node".as_ref()) else {
        return finding("node", "warning", format!("not found; the netlify CLI needs Node {OLDEST} or newer"));
    };
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major < OLDEST) {
        return finding("node", "warning", format!("{version}; the netlify CLI needs {OLDEST} or newer"));
    }
    finding("node", "ok", version)
}

fn check_netlify_cli() -> Finding {
    let install = format!("`npm install -g netlify-cli@{TESTED_NETLIFY_CLI}` installs it");
    match version_of(&netlify::program()) {
        None => {
            finding("netlify", "warning", format!("not found; {install}, or OUTRIGGER_NETLIFY_CLI says where it is"))
        }
        Some(version) if version.contains(TESTED_NETLIFY_CLI) => finding("netlify", "ok", version),
        Some(version) => {
            let text = format!("{version}; only {TESTED_NETLIFY_CLI} is known to work, {install}");
            finding("netlify", "warning", text)
        }
    }
}

/// The first line that the program prints about its version.
fn version_of(program: &OsStr) -> Option<String> {
    let ran = Command::new(program).arg("--version").env("CI", "true").output().ok()?;
    let text = String::from_utf8_lossy(&ran.stdout);
    ran.status.success().then(|| text.lines().next().unwrap_or_default().to_owned())
}
