//! The gateway of a demo: its site over HTTP and in a real Chromium.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::chromium::Chromium;
use crate::demo::{Demo, check, command};
use crate::node::Node;

const SNIPPET: &str = "fetch('/.netlify/tally/visits'";

/// The demo's site, as a visitor without a browser sees it.
struct Visitor<'d> {
    http: reqwest::Client,
    demo: &'d Demo,
}

impl<'d> Visitor<'d> {
    fn of(demo: &'d Demo) -> Self {
        let host = format!("{}.localhost", demo.get("site_name"));
        let http = reqwest::Client::builder().resolve(&host, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        Self { http: http.build().unwrap(), demo }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.demo.get("site_url"))
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.http.get(self.url(path)).header("accept", "text/html").send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Until what was changed has arrived at the gateway.
    async fn until(&self, path: &str, what: &str, is_so: impl Fn(u16, &str) -> bool) {
        let arrived = async {
            loop {
                let (status, text) = self.get(path).await;
                if is_so(status, &text) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), arrived).await.expect(what);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_add_on_is_in_the_pages_and_below_the_site_until_it_is_deleted() {
    let demo = Demo::start();
    let visitor = Visitor::of(&demo);
    let (status, page) = visitor.get("/").await;
    assert!(status == 200 && page.contains("Harbor") && !page.contains(SNIPPET), "{status} {page}");
    assert_eq!(visitor.get("/nothing").await.0, 404);
    assert_eq!(visitor.get("/.netlify/tally").await.0, 404);

    demo.run(&["addons", "create", "tally", "--label", "Visitors", "--start", "41"]);
    visitor.until("/", "the snippet arrives", |_, page| page.contains(SNIPPET)).await;
    let (_, page) = visitor.get("/").await;
    assert_eq!(page.matches(SNIPPET).count(), 1);
    assert!(page.find(SNIPPET) < page.find("</head>"), "{page}");
    // The add-on counts only what is signed for this instance: the gateway's signature is right.
    let counted = visitor.http.post(visitor.url("/.netlify/tally/visits")).send().await.unwrap();
    assert_eq!(counted.json::<Value>().await.unwrap(), json!({ "label": "Visitors", "count": 42 }));
    // A visitor cannot sign.
    let forged = visitor.http.get(visitor.url("/.netlify/tally")).header("X-NF-Sign", "a.b.c").send().await.unwrap();
    assert_eq!(forged.json::<Value>().await.unwrap()["count"], 42);

    demo.run(&["addons", "snippets", "tally", "off"]);
    visitor.until("/", "the snippets are off", |_, page| !page.contains(SNIPPET)).await;
    assert_eq!(visitor.get("/.netlify/tally").await.0, 200);
    demo.run(&["addons", "snippets", "tally", "on"]);
    visitor.until("/", "the snippets are on", |_, page| page.contains(SNIPPET)).await;
    let id = demo.json(&["snippets", "list"])[0]["id"].as_str().unwrap().to_owned();
    demo.run(&["snippets", "roll-out", &id, "--share", "0"]);
    visitor.until("/", "it is for nobody", |_, page| !page.contains(SNIPPET)).await;

    demo.run(&["addons", "delete", "tally", "--force"]);
    visitor.until("/.netlify/tally", "the route is gone", |status, _| status == 404).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_has_another_origin_and_names_of_its_own() {
    let demo = Demo::start();
    let visitor = Visitor::of(&demo);
    // The platform itself is a web server too.
    demo.run(&["sites", "origin", &demo.origin]);
    visitor.until("/readyz", "the other origin", |_, text| text == "ready").await;
    demo.run(&["sites", "domains", "harbor.example"]);
    let gateway: SocketAddr = demo.get("gateway_url").trim_start_matches("http://").parse().unwrap();
    let http = reqwest::Client::builder().resolve("harbor.example", gateway).build().unwrap();
    let own = format!("http://harbor.example:{}/readyz", gateway.port());
    let arrived = async {
        while http.get(&own).send().await.unwrap().text().await.unwrap() != "ready" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), arrived).await.expect("its own name");
    // Nobody's name, and no name at all.
    for host in ["other.example", "127.0.0.1"] {
        let answer = http.get(demo.get("gateway_url")).header("host", host).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{host}");
    }
    demo.run(&["sites", "origin", ""]);
    visitor.until("/", "the folder again", |status, text| status == 200 && text.contains("Harbor")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_says_what_a_page_becomes() {
    let demo = Demo::start();
    let site = demo.get("site_url").to_owned();
    assert!(demo.run(&["snippets", "preview", &site]).contains("no snippets"));
    demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
    let file = demo.home.path().join("page.html");
    let shown = demo.run(&["snippets", "preview", &site, "--output", file.to_str().unwrap()]);
    assert!(shown.contains(&format!("  + <script>addEventListener('load', () => {SNIPPET}")), "{shown}");
    let told = demo.json(&["snippets", "preview", &site]);
    let added = told["insertions"][0]["html"].as_str().unwrap();
    assert_eq!(told["after_bytes"].as_u64().unwrap() - told["before_bytes"].as_u64().unwrap(), added.len() as u64);
    assert!(std::fs::read_to_string(file).unwrap().contains(added));
    // What is no page is said to be none.
    let text = demo.fail(5, &["snippets", "preview", &format!("{}/readyz", demo.origin)]);
    assert!(text.contains("no HTML page"), "{text}");
    demo.fail(4, &["snippets", "preview", &format!("{site}/nothing")]);
    demo.fail(6, &["snippets", "preview", "http://127.0.0.1:1/"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_counts_its_visits() {
    let Some(browser) = Chromium::start().await else { return };
    let demo = Demo::start();
    browser.screen(900, 620, 1.0).await;
    browser.goto(format!("{}/", demo.get("site_url"))).await;
    assert!(browser.text("#count").await.contains("No add-on counts"));
    demo.run(&["addons", "create", "tally", "--label", "Visitors"]);
    Visitor::of(&demo).until("/", "the snippet arrives", |_, page| page.contains(SNIPPET)).await;
    for count in ["1", "2"] {
        browser.goto(format!("{}/", demo.get("site_url"))).await;
        // The page looks again every two seconds: the first look may come before the visit is counted.
        let counted = async {
            while browser.text("#count b").await != count {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), counted).await.expect("the visit is counted");
    }
    if let Some(folder) = std::env::var_os("OUTRIGGER_PICTURES") {
        browser.picture(&PathBuf::from(folder).join("site.png")).await;
    }
}

/// Writes a certificate for a name to `cert.pem` and `key.pem`, and gives it.
fn certify(name: &str, folder: &Path) -> reqwest::Certificate {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    reqwest::Certificate::from_der(made.cert.der()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_has_https_for_its_sites_and_takes_a_new_certificate_while_it_runs() {
    let home = tempfile::tempdir().unwrap();
    let first = certify("shop.localhost", home.path());
    let outrigger = |arguments: &[&str]| {
        let mut outrigger = command(home.path());
        outrigger
            .args(arguments)
            .env("OUTRIGGER_DATABASE_URL", format!("sqlite:{}", home.path().join("o.db").display()))
            .env("OUTRIGGER_KEY_FILE", home.path().join("o.key"));
        outrigger
    };
    let made = outrigger(&["init", "--email", "ada@example.com", "--json"]).output().unwrap();
    check(&made, 0);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let folder = home.path().join("sites/shop");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("index.html"), "Welcome").unwrap();
    let file = |name: &str| home.path().join(name).display().to_string();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--gateway-tls-listen", "127.0.0.1:0"];
    let (certificate, key, sites) = (file("cert.pem"), file("key.pem"), file("sites"));
    let files = ["--certificate", &certificate, "--key", &key, "--sites-dir", &sites];
    let node = Node::start(outrigger(&[&serve[..], &files].concat()));
    let create = outrigger(&["sites", "create", "shop"])
        .env("OUTRIGGER_URL", format!("http://{}", node.address("address")))
        .env("OUTRIGGER_TOKEN", made["token"].as_str().unwrap())
        .output();
    check(&create.unwrap(), 0);

    let address = node.address("gateway_tls");
    let url = format!("https://shop.localhost:{}/", address.port());
    let welcomed = async |trusted: &reqwest::Certificate| {
        let client = reqwest::Client::builder().resolve("shop.localhost", address);
        let client = client.tls_certs_only([trusted.clone()]).build().unwrap();
        let answer = client.get(&url).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    };
    let eventually = async |trusted: &reqwest::Certificate| {
        while !welcomed(trusted).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), eventually(&first)).await.expect("the first certificate");
    let second = certify("shop.localhost", home.path());
    tokio::time::timeout(Duration::from_secs(20), eventually(&second)).await.expect("the second certificate");
    assert!(!welcomed(&first).await);
}
