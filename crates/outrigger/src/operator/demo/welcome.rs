//! What the demo says when it is ready. A test runs every line of it that is a command.

use std::path::Path;

use outrigger_platform::app::SharedApp;

use super::{DataDir, State};
use crate::demo::addon;
use crate::upstash::StandIn;

pub(super) fn welcome(app: &SharedApp, state: &State, data: &DataDir, sign_in_url: &str, stand_in: &StandIn) -> String {
    let origin = app.urls.origin();
    let api = app.urls.api();
    let kept = if data.ephemeral { "nothing is kept" } else { "kept for the next start" };
    let path = path_line().unwrap_or_default();
    let site_url = format!("http://{}.localhost:{}", state.site_name, app.config.gateway_listen().port());
    let State { token, site_id, site_name, account_slug, .. } = state;
    let slug = addon::SLUG;
    let (email, key) = (&stand_in.account.email, &stand_in.account.api_key);
    format!(
        "Outrigger is ready.

  API       {api}   (OpenAPI: {origin}/api/openapi.json)
  Account   {account_slug}
  Site      {site_name} ({site_id})
            {site_url}/
  Add-on    {slug}
  Data      {} ({kept})
  Dashboard {sign_in_url}
            (signs you in, once, within half an hour)
  Upstash   {email} with the key {key}
            (a stand-in on this machine; connect at {origin}/sites/{site_name}/surfaces/upstash)

In another terminal:

{path}  export OUTRIGGER_URL={origin} OUTRIGGER_SITE={site_id} OUTRIGGER_TOKEN={token}

  outrigger addons plan {slug} --label Visitors
  outrigger addons create {slug} --label Visitors
  outrigger env list
  outrigger run -- env
  outrigger snippets preview {site_url}/
  curl --fail {site_url}/.netlify/{slug}
  outrigger addons delete {slug} --force

With the netlify CLI (npm install -g netlify-cli@17.38.1):

  NETLIFY_API_URL={api} NETLIFY_AUTH_TOKEN={token} NETLIFY_SITE_ID={site_id} netlify addons:create {slug} --label Visitors
  outrigger netlify -- addons:list
  outrigger netlify -- env:list
  outrigger netlify -- dev:exec -- env

With curl:

  curl --fail -H 'Authorization: Bearer {token}' {api}/sites/{site_id}/service-instances

Stop with Ctrl-C.",
        data.path.display()
    )
}

/// Puts the program that runs on the PATH, unless it is there already: the demo may have been started by cargo.
fn path_line() -> Option<String> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?;
    let on_path = std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|it| it == folder));
    (!on_path).then(|| format!("  export PATH={}:\"$PATH\"\n", quoted(folder)))
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}
