use std::process::{Command, ExitCode};

use jiff::fmt::rfc2822;
use outrigger_db::{Clock as _, SystemClock};
use outrigger_platform::api::sites::SiteBody;
use outrigger_platform::api::users::UserBody;
use serde::Serialize;

use super::Context;
use crate::exit::CommandResult;
use crate::output::print_json;

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
    let origin = context.client.origin();
    match context.client.readiness().await {
        Ok(date) => {
            findings.push(finding("platform", "ok", format!("{origin} is ready")));
            findings.push(check_clock(date.as_deref()));
            findings.push(match context.client.get::<UserBody>("/user").await {
                Ok(user) => finding("token", "ok", format!("signed in as {}", user.email)),
                Err(failure) => finding("token", "failure", format!("{failure}; run `outrigger login`")),
            });
            findings.push(check_site(context).await);
        }
        Err(failure) => {
            let text = format!("{failure}; start it, or say where it is with --platform or OUTRIGGER_URL");
            findings.push(finding("platform", "failure", text));
        }
    }
    findings.push(check_program("node", "node", "the netlify CLI needs Node 18 or newer"));
    let netlify = std::env::var("OUTRIGGER_NETLIFY_CLI").unwrap_or_else(|_| "netlify".to_owned());
    findings.push(check_program("netlify", &netlify, "`npm install -g netlify-cli@17.38.1` installs it"));
    let failed = findings.iter().any(|finding| finding.verdict == "failure");
    if context.json {
        print_json(&findings)?;
    } else {
        for Finding { what, verdict, text } in &findings {
            anstream::println!("{verdict:<8} {what:<9} {text}");
        }
    }
    Ok(ExitCode::from(u8::from(failed)))
}

fn finding(what: &'static str, verdict: &'static str, text: impl Into<String>) -> Finding {
    Finding { what, verdict, text: text.into() }
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
        Err(failure) => finding("site", "failure", format!("{failure}; `outrigger sites list` shows yours")),
    }
}

fn check_program(what: &'static str, program: &str, advice: &str) -> Finding {
    match Command::new(program).arg("--version").env("CI", "true").output() {
        Ok(ran) if ran.status.success() => {
            let version = String::from_utf8_lossy(&ran.stdout).lines().next().unwrap_or_default().to_owned();
            finding(what, "ok", version)
        }
        _ => finding(what, "warning", format!("not found; {advice}")),
    }
}
