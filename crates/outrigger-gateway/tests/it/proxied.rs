//! Proxied URLs: paths, headers and proof, as the add-ons guide describes them.

use jiff::Timestamp;
use outrigger_addon::proxied::RequestClaims;
use outrigger_addon::signature::verify;
use outrigger_gateway::{Origin, Settings};
use serde_json::json;

use crate::world::{HOST, SECRET, World, answers, body, echo, fault, header, settings, site, status, surroundings};

#[tokio::test]
async fn a_request_arrives_below_the_endpoint_with_its_proof() {
    let tally = echo().await;
    let mut with_hooks = site(None, Some(tally));
    with_hooks.function_hooks = Some(json!({ "login": ["https://shop.example/on-login"] }));
    let world = World::start(with_hooks);
    for (asked, arrived) in [
        ("/.netlify/tally", "/base"),
        ("/.netlify/tally/", "/base"),
        ("/.netlify/tally/a/b?q=1&q=2", "/base/a/b?q=1&q=2"),
        ("/.netlify/tally/a%20b/%C3%BC?x=%2F..", "/base/a%20b/%C3%BC?x=%2F.."),
        ("/.netlify/tally/a/", "/base/a/"),
    ] {
        assert_eq!(world.echoed(asked, "").await["target"], arrived, "{asked}");
    }
    let echoed = world.echoed("/.netlify/tally/a", "accept: text/plain\r\n").await;
    assert_eq!(header(&echoed, "host"), [tally.to_string()]);
    assert_eq!(header(&echoed, "accept"), ["text/plain"]);
    assert_eq!(header(&echoed, "x-nf-uuid"), ["uuid-1"]);
    assert_eq!(header(&echoed, "x-nf-id"), ["instance-1"]);
    assert_eq!(header(&echoed, "x-nf-site-url"), ["https://shop.example"]);
    assert_eq!(header(&echoed, "x-forwarded-host"), [HOST]);
    assert_eq!(header(&echoed, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(header(&echoed, "x-forwarded-prefix"), ["/.netlify/tally"]);
    let now = Timestamp::now();
    let claims: RequestClaims =
        verify(header(&echoed, "x-nf-sign")[0], &[SECRET], now, std::time::Duration::ZERO).unwrap();
    assert!((290..=300).contains(&(claims.exp - now.as_second())), "{claims:?}");
    assert_eq!(claims.site_url.as_deref(), Some("https://shop.example"));
    assert_eq!(claims.id.as_deref(), Some("instance-1"));
    assert_eq!(claims.netlify_id.as_deref(), Some("uuid-1"));
    assert_eq!(claims.function_hooks, Some(json!({ "login": ["https://shop.example/on-login"] })));
}

#[tokio::test]
async fn what_is_not_for_an_add_on_goes_to_the_origin_without_proof() {
    let origin = echo().await;
    let mut shop = site(Some(origin), Some(echo().await));
    shop.origin = Some(Origin::Upstream(format!("http://{origin}/app/").parse().unwrap()));
    let world = World::start(shop);
    for (asked, arrived) in [
        ("/", "/app/"),
        ("/a?b", "/app/a?b"),
        ("/.netlify/unknown/a", "/app/.netlify/unknown/a"),
        ("/x/.netlify/tally", "/app/x/.netlify/tally"),
    ] {
        let echoed = world.echoed(asked, "X-NF-Sign: forged\r\n").await;
        assert_eq!(echoed["target"], arrived, "{asked}");
        assert_eq!(header(&echoed, "x-nf-sign"), Vec::<&str>::new());
        assert_eq!(header(&echoed, "x-forwarded-prefix"), Vec::<&str>::new());
    }
}

#[tokio::test]
async fn forged_headers_of_the_family_are_dropped_in_any_spelling() {
    let world = World::start(site(None, Some(echo().await)));
    let forged = "X-NF-Sign: forged\r\nx_nf_sign: forged\r\nX-Nf_Id: forged\r\nX.NF.UUID: forged\r\nX-NF-Other: forged\r\n\
        X-Forwarded-For: forged\r\nX_Forwarded_Host: forged\r\nForwarded: for=forged\r\nX-Real-IP: forged\r\n";
    let echoed = world.echoed("/.netlify/tally", forged).await;
    assert!(!echoed.to_string().contains("forged"), "{echoed}");
    assert_eq!(header(&echoed, "x-nf-id"), ["instance-1"]);
}

#[tokio::test]
async fn names_of_headers_and_paths_are_settings() {
    let tally = echo().await;
    let settings = Settings { header_prefix: "x-own-".to_owned(), path_prefix: "/-/".to_owned(), ..settings() };
    let world = World::with(settings, surroundings(), site(Some(tally), Some(tally)));
    let echoed = world.echoed("/-/tally/a", "X-Own-Id: forged\r\nX-NF-Id: kept\r\n").await;
    assert_eq!(echoed["target"], "/base/a");
    assert_eq!(header(&echoed, "x-own-id"), ["instance-1"]);
    assert_eq!(header(&echoed, "x-nf-id"), ["kept"]);
    assert_eq!(world.echoed("/.netlify/tally/a", "").await["target"], "/.netlify/tally/a");
}

#[tokio::test]
async fn no_path_leaves_the_endpoint() {
    let world = World::start(site(Some(echo().await), Some(echo().await)));
    for hidden in ["/.netlify/tally/..%2f..%2fx", "/.netlify/tally/%252e%252e/x", "/.netlify/tally/..\\x", "/a%00b"] {
        let answer = world.get(hidden).await;
        assert_eq!(fault(&answer), (400, "bad_path".to_owned(), "downstream".to_owned()), "{hidden}");
    }
    // These climb within the site, and are the origin's.
    for (asked, arrived) in [("/.netlify/tally/../../x", "/x"), ("/.netlify/tally/%2e%2e/x", "/.netlify/x")] {
        let echoed = world.echoed(asked, "").await;
        assert_eq!((echoed["target"].as_str(), header(&echoed, "x-nf-sign").len()), (Some(arrived), 0), "{asked}");
    }
    assert_eq!(world.echoed("/.netlify/tally/a%2Fb", "").await["target"], "/base/a%2Fb");
}

#[tokio::test]
async fn all_methods_pass_but_those_that_mean_the_gateway() {
    let world = World::start(site(None, Some(echo().await)));
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "M-SEARCH"] {
        let request = format!(
            "{method} /.netlify/tally HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello"
        );
        let answer = world.raw(&request).await;
        let echoed: serde_json::Value = serde_json::from_str(body(&answer)).unwrap();
        assert_eq!((echoed["method"].as_str(), echoed["body"].as_str()), (Some(method), Some("hello")), "{answer}");
    }
    for method in ["TRACE", "CONNECT"] {
        let target = if method == "CONNECT" { HOST } else { "/.netlify/tally" };
        let request = format!("{method} {target} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n\r\n");
        assert_eq!(status(&world.raw(&request).await), 405);
    }
}

#[tokio::test]
async fn addresses_and_cookies_come_back_below_the_proxied_url() {
    let tally = answers(
        "HTTP/1.1 302 Found\r\nlocation: /base/in?x=1\r\nset-cookie: a=1; Path=/base/x; HttpOnly\r\n\
         set-cookie: b=2; Domain=up.example; Path=/\r\nkeep-alive: timeout=5\r\nconnection: close, x-own\r\n\
         x-own: 1\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    let answer = World::start(site(None, Some(tally))).get("/.netlify/tally").await;
    assert!(answer.contains("\r\nlocation: /.netlify/tally/in?x=1\r\n"), "{answer}");
    assert!(answer.contains("\r\nset-cookie: a=1; Path=/.netlify/tally/x; HttpOnly\r\n"), "{answer}");
    assert!(answer.contains("\r\nset-cookie: b=2; Path=/.netlify/tally/\r\n"), "{answer}");
    assert!(!answer.contains("keep-alive") && !answer.contains("x-own"), "{answer}");
}

#[tokio::test]
async fn a_trace_goes_on_and_names_the_request() {
    let world = World::start(site(Some(echo().await), None));
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let echoed = world.echoed("/", &format!("traceparent: 00-{id}-00f067aa0ba902b7-01\r\n")).await;
    assert!(header(&echoed, "traceparent")[0].starts_with(&format!("00-{id}-")), "{echoed}");
    let answer = world.get("/").await;
    let own = answer.split("x-request-id: ").nth(1).unwrap().split('\r').next().unwrap();
    assert!(answer.contains(&format!("00-{own}-")), "the upstream knows the request by the same id: {answer}");
}

#[tokio::test]
async fn an_add_on_without_an_address_is_told_of() {
    let world = World::start(site(None, None));
    assert_eq!(fault(&world.get("/.netlify/tally").await).1, "no_endpoint");
    assert_eq!(fault(&world.get("/").await).1, "no_such_page");
}

#[tokio::test]
async fn a_folder_is_a_site() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    write("index.html", "<p>Front");
    write("sub/index.html", "<p>Sub");
    write("404.html", "<p>Not here");
    write(".env", "SECRET=1");
    let mut shop = site(None, Some(echo().await));
    shop.origin = Some(Origin::Files(folder.path().to_owned()));
    let world = World::start(shop);
    let front = world.get("/").await;
    assert!(front.contains("content-type: text/html") && body(&front) == "<p>Front", "{front}");
    assert_eq!(body(&world.get("/sub/").await), "<p>Sub");
    let range = format!("GET / HTTP/1.1\r\nhost: {HOST}\r\nrange: bytes=3-4\r\nconnection: close\r\n\r\n");
    assert_eq!(body(&world.raw(&range).await), "Fr");
    for missing in ["/none", "/none?x", "/.env", "/%2eenv", "/../../etc/passwd"] {
        let answer = world.get(missing).await;
        assert!(status(&answer) == 404 && !answer.contains("SECRET"), "{answer}");
    }
    assert_eq!(body(&world.get("/none").await), "<p>Not here");
    assert_eq!(world.echoed("/.netlify/tally/x", "").await["target"], "/base/x");
}
