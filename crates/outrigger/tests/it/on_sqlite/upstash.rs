//! Upstash in a demo, from the dashboard to a client that is given nothing but the site's variables.

use std::io::Write as _;
use std::process::Command;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use serde_json::Value;

use crate::demo::{Demo, check};
use crate::netlify::netlify_cli;

/// Somebody in a browser without a script.
pub(super) struct Tab {
    http: reqwest::Client,
    origin: String,
    cookie: String,
}

impl Tab {
    pub(super) async fn sign_in(demo: &Demo) -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        let answer = http.post(demo.get("sign_in_url")).send().await.unwrap();
        let cookie = answer.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        Self { http, origin: demo.origin.clone(), cookie }
    }

    pub(super) async fn get(&self, path: &str) -> String {
        let request = self.http.get(format!("{}{path}", self.origin)).header(COOKIE, &self.cookie);
        request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap()
    }

    /// Presses a button of the page that is at this path, and gives the page that follows.
    pub(super) async fn press(&self, path: &str, page: &str, event: &str, inputs: &[(&str, &str)]) -> String {
        let (visit, step) = (hidden(page, "visit"), hidden(page, "step"));
        let known = [("visit", visit), ("step", step), ("event", event)];
        let pairs = known.iter().chain(inputs);
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let body: Vec<String> = pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let request = self.http.post(format!("{}{path}", self.origin)).header(COOKIE, &self.cookie);
        let answer = request.body(body.join("&")).send().await.unwrap().error_for_status().unwrap();
        match answer.headers().get(LOCATION) {
            Some(to) => self.get(to.to_str().unwrap()).await,
            None => answer.text().await.unwrap(),
        }
    }
}

/// What a hidden field of a page says.
fn hidden<'a>(page: &'a str, name: &str) -> &'a str {
    let rest = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{name} in {page}")).1;
    rest.split('"').next().unwrap()
}

/// Connects the demo's site and adds the database of its account at the stand-in.
async fn add_database(demo: &Demo) {
    let tab = Tab::sign_in(demo).await;
    let surface = format!("/sites/{}/surfaces/upstash", demo.get("site_name"));
    let page = tab.get(&surface).await;
    let page = tab.press(&surface, &page, "enable", &[]).await;
    let account = |name: &str| demo.info["upstash"][name].as_str().unwrap();
    let inputs = [("i.connect_email", account("email")), ("i.connect_api-key", account("api_key"))];
    let page = tab.press(&surface, &page, "submit:connect", &inputs).await;
    assert!(page.contains("No database yet."), "{page}");
    let path = format!("{surface}/integrate-database");
    let page = tab.get(&path).await;
    let options = page.split_once("id=\"e-integrate-database\"").unwrap().1;
    let id = options.split("<option value=\"").nth(2).unwrap().split('"').next().unwrap().to_owned();
    let page = tab.press(&path, &page, "submit:integrate", &[("i.integrate_database", &id)]).await;
    assert!(page.contains("ORDERS_REDIS_REST_TOKEN"), "{page}");
}

#[test]
fn a_database_of_the_dashboard_is_used_with_nothing_but_its_variables() {
    let demo = Demo::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(add_database(&demo));
    let names = ["ORDERS_REDIS_REST_FULL_URL", "ORDERS_REDIS_REST_TOKEN", "ORDERS_REDIS_REST_URL"];
    let listed: Value = demo.json(&["env", "list"]);
    for name in names {
        assert!(listed.to_string().contains(name), "{listed:#}");
    }
    let Some(cli) = netlify_cli() else { return };
    let mut run = demo.outrigger();
    run.env("OUTRIGGER_NETLIFY_CLI", &cli).current_dir(demo.home.path());
    let ran = run.args(["netlify", "--", "env:list", "--json"]).output().unwrap();
    check(&ran, 0);
    let printed = String::from_utf8(ran.stdout).unwrap();
    assert!(names.iter().all(|name| printed.contains(name)), "{printed}");

    let (Some(packages), true) = (std::env::var_os("OUTRIGGER_NODE_MODULES"), has_redis()) else { return };
    let script = r#"
        const { Redis } = require(process.env.OUTRIGGER_NODE_MODULES + "/@upstash/redis");
        const env = process.env;
        const redis = new Redis({ url: env.ORDERS_REDIS_REST_FULL_URL, token: env.ORDERS_REDIS_REST_TOKEN });
        redis.set("greeting", { hello: "wörld" }).then(() => redis.get("greeting")).then((value) => console.log(value.hello));
    "#;
    let mut run: Command = demo.outrigger();
    run.args(["run", "--", "node", "-e", script]);
    let ran = run.env("OUTRIGGER_NODE_MODULES", packages).env("UPSTASH_DISABLE_TELEMETRY", "1").output().unwrap();
    check(&ran, 0);
    assert_eq!(String::from_utf8(ran.stdout).unwrap().trim(), "wörld");
}

/// Without one the databases say what is missing, and there is nothing to try.
fn has_redis() -> bool {
    let found = outrigger_upstash::emulator::find_redis_server().is_some();
    if !found {
        assert!(std::env::var_os("CI").is_none(), "CI must not skip Redis: install redis-server");
        // Straight to the terminal: the test runner shows the output of failed tests only.
        let _ = std::io::stderr().lock().write_all(b"skipped: redis-server (cargo xtask test runs it)\n");
    }
    found
}
