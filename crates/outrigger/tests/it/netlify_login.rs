//! `netlify login`: the unmodified CLI asks, a person who is signed in to the dashboard answers.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use serde_json::Value;

use crate::demo::{Demo, command};
use crate::netlify::netlify_cli;

/// A browser with the session that the one-time link gave.
struct Person {
    http: reqwest::Client,
    origin: String,
    cookie: String,
}

impl Person {
    async fn sign_in(origin: &str, link: &str) -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        let answer = http.post(link).header(ORIGIN, origin).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        let cookie = answer.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        Self { http, origin: origin.to_owned(), cookie }
    }

    async fn get(&self, url: &str) -> String {
        let answer = self.http.get(url).header(COOKIE, &self.cookie).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap()
    }

    async fn decide(&self, ticket: &str, decision: &str) {
        let sent = self.http.post(format!("{}/authorize", self.origin)).header(ORIGIN, &self.origin);
        let form = format!("ticket={ticket}&decision={decision}");
        let sent = sent.header("content-type", "application/x-www-form-urlencoded").body(form);
        assert_eq!(sent.header(COOKIE, &self.cookie).send().await.unwrap().status(), 200);
    }
}

fn start_login(demo: &Demo, cli: &std::ffi::OsStr) -> Child {
    let mut login = Command::new(cli);
    login.arg("login").env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    login.env("HOME", demo.home.path()).env("BROWSER", "none").env("NO_UPDATE_NOTIFIER", "1");
    for report in ["TRACK", "IDENTIFY", "ERROR_REPORT"] {
        login.env(format!("NETLIFY_TEST_{report}_URL"), "http://127.0.0.1:1");
    }
    login.env("NETLIFY_API_URL", demo.get("api_url")).env("NETLIFY_WEB_UI", demo.get("dashboard_url"));
    login.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What the CLI says until it names the address that a browser shall open, and the ticket in it.
fn ticket(output: &mut impl std::io::BufRead) -> (String, String) {
    for line in output.lines() {
        let line = line.unwrap();
        if let Some((_, ticket)) = line.split_once("&ticket=") {
            let url = line.split_whitespace().find(|word| word.starts_with("http")).unwrap().to_owned();
            return (url, ticket.split_whitespace().next().unwrap().to_owned());
        }
    }
    panic!("the CLI named no address");
}

#[tokio::test]
async fn netlify_login_ends_with_a_token_or_with_the_persons_no() {
    let Some(cli) = netlify_cli() else { return };
    let demo = Demo::start();
    let origin = demo.get("dashboard_url").to_owned();
    let person = Person::sign_in(&origin, demo.get("sign_in_url")).await;

    let mut login = start_login(&demo, &cli);
    let mut output = BufReader::new(login.stdout.take().unwrap());
    let (url, id) = ticket(&mut output);
    assert!(url.starts_with(&origin), "{url}");
    assert!(person.get(&url).await.contains("Netlify CLI"));
    person.decide(&id, "deny").await;
    let mut said = String::new();
    login.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(!login.wait().unwrap().success());
    assert!(said.contains("the login was denied in the browser"), "{said}");

    let mut login = start_login(&demo, &cli);
    let mut output = BufReader::new(login.stdout.take().unwrap());
    let (_, id) = ticket(&mut output);
    person.decide(&id, "allow").await;
    let mut said = String::new();
    output.read_to_string(&mut said).unwrap();
    assert!(login.wait().unwrap().success(), "{said}");
    assert!(said.contains("You are now logged into your Netlify account!"), "{said}");
    let kept = std::fs::read_to_string(demo.home.path().join(".config/netlify/config.json")).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    let user = &kept["users"][kept["userId"].as_str().unwrap()];
    assert_eq!(user["email"], "demo@example.com");
    let token = user["auth"]["token"].as_str().unwrap();
    let used = person.http.get(format!("{}/sites", demo.get("api_url"))).bearer_auth(token).send().await.unwrap();
    assert_eq!(used.status(), 200);
    assert!(person.get(&format!("{origin}/settings")).await.contains("Netlify CLI, "));
}

#[tokio::test]
async fn an_operator_makes_a_link_that_signs_a_user_in() {
    let demo = Demo::start();
    let origin = demo.get("dashboard_url");
    let made = command(demo.home.path())
        .args(["users", "sign-in-link", "demo@example.com", "--public-url", origin, "--json", "--database-url"])
        .arg(format!("sqlite:{}", demo.data().join("outrigger.db").display()))
        .arg("--key-file")
        .arg(demo.data().join("outrigger.key"))
        .output()
        .unwrap();
    crate::demo::check(&made, 0);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let person = Person::sign_in(origin, made["sign_in_url"].as_str().unwrap()).await;
    assert!(person.get(&format!("{origin}/sites/harbor")).await.contains("No add-ons yet"));
}
