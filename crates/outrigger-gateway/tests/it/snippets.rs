//! Snippets in the pages of a site, and nowhere else.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use outrigger_gateway::{Origin, PageSnippet, Site, SnippetPosition};
use tokio::io::AsyncWriteExt as _;

use crate::world::{HOST, World, body, echo, header, site, upstream};

const PAGE: &str = "<!doctype html><html><head><title>Shop</title></head><body><p>Hello</p></body></html>";
const WITH: &str = "<!doctype html><html><head><title>Shop</title><script>head()</script></head><body><p>Hello</p>\
    <script>foot()</script></body></html>";

fn snippets() -> Vec<PageSnippet> {
    let snippet =
        |id: &str, position, html: &str| PageSnippet { id: id.to_owned(), position, html: html.to_owned(), share: 100 };
    vec![
        snippet("1", SnippetPosition::Footer, "<script>foot()</script>"),
        snippet("2", SnippetPosition::Head, "<script>head()</script>"),
    ]
}

fn shop(origin: SocketAddr) -> Site {
    Site { snippets: snippets(), ..site(Some(origin), Some(origin)) }
}

/// Answers everything with this head, to which a length is added, and this body.
async fn origin(head: &str, page: impl Into<Vec<u8>>) -> SocketAddr {
    let (head, page) = (head.to_owned(), page.into());
    upstream(move |mut gateway, _| {
        let (head, page) = (head.clone(), page.clone());
        async move {
            gateway.until("\r\n\r\n").await;
            gateway.send(&format!("{head}content-length: {}\r\nconnection: close\r\n\r\n", page.len())).await;
            let _ = gateway.0.write_all(&page).await;
        }
    })
    .await
}

const HTML: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\n";

/// The body of an answer that ends with its connection or is chunked.
fn page_of(answer: &str) -> String {
    let rest = body(answer);
    if !answer.contains("transfer-encoding: chunked") {
        return rest.to_owned();
    }
    let (mut page, mut rest) = (String::new(), rest);
    while let Some((size, more)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        page.push_str(&more[..size]);
        rest = &more[size + 2..];
    }
    page
}

async fn ask(world: &World, path: &str, lines: &str) -> String {
    let head = format!("GET {path} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n");
    world.raw(&format!("{head}{lines}\r\n")).await
}

#[tokio::test]
async fn a_page_of_the_site_gets_them_and_an_add_ons_does_not() {
    let head = format!("{HTML}etag: \"a\"\r\nlast-modified: x\r\naccept-ranges: bytes\r\n");
    let world = World::start(shop(origin(&head, PAGE).await));
    let answer = ask(&world, "/", "accept: text/html\r\n").await;
    assert_eq!(page_of(&answer), WITH);
    for gone in ["content-length", "etag", "last-modified", "accept-ranges"] {
        assert!(!answer.contains(gone), "{answer}");
    }
    let answer = ask(&world, "/.netlify/tally", "accept: text/html\r\n").await;
    assert_eq!(page_of(&answer), PAGE);
}

#[tokio::test]
async fn a_folder_of_files_gets_them_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), PAGE).unwrap();
    std::fs::write(folder.path().join("data.json"), "{\"a\": \"<html><head></head></html>\"}").unwrap();
    let origin = Some(Origin::Files(folder.path().to_owned()));
    let world = World::start(Site { snippets: snippets(), origin, ..site(None, None) });
    assert_eq!(page_of(&ask(&world, "/", "").await), WITH);
    assert_eq!(
        page_of(&ask(&world, "/", "accept: text/html\r\nif-modified-since: Fri, 01 Jan 2100 00:00:00 GMT\r\n").await),
        WITH
    );
    assert!(!page_of(&ask(&world, "/data.json", "").await).contains("script"));
}

#[tokio::test]
async fn what_is_no_page_stays_as_it_is() {
    let world = World::start(shop(origin(HTML, PAGE).await));
    for part in [
        "sec-fetch-dest: empty\r\n",
        "hx-request: true\r\n",
        "x-requested-with: XMLHttpRequest\r\n",
        "turbo-frame: cart\r\n",
        "accept: text/css,*/*;q=0.1\r\nsec-fetch-dest: style\r\n",
        "accept: application/json\r\n",
    ] {
        assert_eq!(page_of(&ask(&world, "/", part).await), PAGE, "{part}");
    }
    for page in ["sec-fetch-dest: document\r\n", "accept: */*\r\n", "accept: application/xml,Text/HTML;q=0.9\r\n"] {
        assert_eq!(page_of(&ask(&world, "/", page).await), WITH, "{page}");
    }
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-16\r\n",
        "HTTP/1.1 206 Partial Content\r\ncontent-type: text/html\r\ncontent-range: bytes 0-9/99\r\n",
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncache-control: public, no-transform\r\n",
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-encoding: unknown\r\n",
    ] {
        let world = World::start(shop(origin(head, PAGE).await));
        let answer = ask(&world, "/", "").await;
        assert!(body(&answer) == PAGE && answer.contains("content-length"), "{answer}");
    }
    for part in ["<li>One</li><li>Two</li></body>", "plain text"] {
        let world = World::start(shop(origin(HTML, part).await));
        assert_eq!(page_of(&ask(&world, "/", "").await), part);
    }
}

#[tokio::test]
async fn only_what_is_surely_a_page_is_asked_for_whole() {
    let world = World::start(Site { snippets: snippets(), ..site(Some(echo().await), None) });
    let validator = "if-none-match: x\r\naccept-encoding: gzip\r\n";
    for (lines, expected) in [
        ("accept: text/html,*/*\r\n", ["", "identity"]),
        ("sec-fetch-dest: document\r\n", ["", "identity"]),
        // What a browser sends for a script, where there is no HTTPS.
        ("accept: */*\r\n", ["x", "gzip"]),
        ("sec-fetch-dest: script\r\n", ["x", "gzip"]),
        ("", ["x", "gzip"]),
    ] {
        let got = world.echoed("/", &format!("{lines}{validator}")).await;
        assert_eq!(["if-none-match", "accept-encoding"].map(|name| header(&got, name).concat()), expected, "{lines}");
    }
}

#[tokio::test]
async fn a_page_that_was_changed_is_compressed_for_who_understands_that() {
    let page = PAGE.replace("Hello", &"Hello ".repeat(1000));
    let world = World::start(shop(origin(HTML, page.clone()).await));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}/", world.address);
    let get = |coding: &'static str| {
        client.get(&url).header("host", HOST).header("accept", "text/html").header("accept-encoding", coding).send()
    };
    for (accepted, used) in [("gzip", Some("gzip")), ("identity", None), ("gzip;q=0, br;q=0", None)] {
        let answer = get(accepted).await.unwrap();
        let headers = answer.headers();
        let told = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!((told("content-encoding").as_deref(), told("vary").as_deref()), (used, Some("accept-encoding")));
        let bytes = answer.bytes().await.unwrap();
        let text = match used {
            Some(_) => {
                assert!(bytes.len() < 1000, "{} bytes", bytes.len());
                let mut text = String::new();
                flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
                text
            }
            None => String::from_utf8(bytes.to_vec()).unwrap(),
        };
        assert_eq!(text, WITH.replace("Hello", &"Hello ".repeat(1000)));
    }
}

#[tokio::test]
async fn an_origin_that_compresses_anyway_is_understood() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(PAGE.as_bytes()).unwrap();
    let head = format!("{HTML}content-encoding: gzip\r\n");
    let world = World::start(shop(origin(&head, gzip.finish().unwrap()).await));
    let answer = ask(&world, "/", "").await;
    assert!(!answer.contains("content-encoding"), "{answer}");
    assert_eq!(page_of(&answer), WITH);
    // What is no gzip breaks off, as an answer does that is shorter than it says.
    let world = World::start(shop(origin(&head, "no gzip").await));
    let answer = ask(&world, "/", "").await;
    assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn it_comes_in_any_pieces_and_goes_on_while_the_page_is_made() {
    let origin = upstream(|mut gateway, _| async move {
        gateway.until("\r\n\r\n").await;
        gateway.send(&format!("{HTML}connection: close\r\n\r\n<!doctype html><head></head><body>first")).await;
        gateway.until("never").await;
    })
    .await;
    let world = World::start(shop(origin));
    let mut client = world.connect().await;
    client.send(&format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
    let begin = client.until("first").await;
    let (_, behind) = begin.split_once("<script>head()</script>").unwrap_or_else(|| panic!("{begin}"));
    assert!(behind.contains("</head>"), "{begin}");
    // Compressed it goes out as early.
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request =
        client.get(format!("http://{}/", world.address)).header("host", HOST).header("accept-encoding", "gzip");
    let mut answer = request.send().await.unwrap();
    let (mut coded, mut text) = (Vec::new(), String::new());
    while !text.contains("first") {
        coded.extend_from_slice(&answer.chunk().await.unwrap().unwrap());
        text.clear();
        // It is not at its end yet.
        let _ = flate2::read::GzDecoder::new(&coded[..]).read_to_string(&mut text);
    }
    let dribbling = upstream(|mut gateway, _| async move {
        gateway.until("\r\n\r\n").await;
        gateway.send(&format!("{HTML}connection: close\r\n\r\n")).await;
        for byte in PAGE.chars() {
            gateway.send(&byte.to_string()).await;
            tokio::task::yield_now().await;
        }
    })
    .await;
    let world = World::start(shop(dribbling));
    assert_eq!(page_of(&ask(&world, "/", "").await), WITH);
}

#[tokio::test]
async fn a_page_that_breaks_off_breaks_off() {
    let origin = upstream(|mut gateway, _| async move {
        gateway.until("\r\n\r\n").await;
        gateway.send(&format!("{HTML}content-length: 1000\r\n\r\n<!doctype html><head></head><body>half")).await;
    })
    .await;
    let world = World::start(shop(origin));
    let answer = ask(&world, "/", "").await;
    assert!(answer.contains("half") && !answer.contains("foot()") && !answer.ends_with("0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn policies_are_met_by_nonce_and_by_hash_and_never_weakened() {
    let with_nonce = WITH.replace("<script>", "<script nonce=\"abc\">");
    let hashes = ["head()", "foot()"].map(|script| {
        use base64::Engine as _;
        use sha2::Digest as _;
        base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(script.as_bytes()))
    });
    for (policy, expected_policy, page) in [
        ("script-src 'nonce-abc'", "script-src 'nonce-abc'".to_owned(), with_nonce.as_str()),
        ("script-src 'self'", "script-src 'self'".to_owned(), WITH),
        (
            "default-src 'sha256-AA'",
            format!("default-src 'sha256-AA' 'sha256-{}' 'sha256-{}'", hashes[0], hashes[1]),
            WITH,
        ),
    ] {
        let head = format!("{HTML}content-security-policy: {policy}\r\n");
        let world = World::start(shop(origin(&head, PAGE).await));
        let answer = ask(&world, "/", "").await;
        assert!(answer.contains(&format!("content-security-policy: {expected_policy}\r\n")), "{answer}");
        assert_eq!(page_of(&answer), page);
    }
    let meta = "<meta http-equiv=\"Content-Security-Policy\" content=\"script-src 'nonce-abc'\">";
    let world = World::start(shop(origin(HTML, PAGE.replace("<title>", &format!("{meta}<title>"))).await));
    assert_eq!(page_of(&ask(&world, "/", "").await), with_nonce.replace("<title>", &format!("{meta}<title>")));
}

#[tokio::test]
async fn two_gateways_in_a_row_put_each_in_once() {
    let inner = World::start(shop(origin(HTML, PAGE).await));
    let mut outer = site(Some(inner.address), None);
    outer.hosts.push(format!("{HOST}.outer"));
    outer.snippets = snippets();
    outer.snippets.push(PageSnippet {
        id: "3".to_owned(),
        position: SnippetPosition::Head,
        html: "<script>outer()</script>".to_owned(),
        share: 100,
    });
    // The inner one knows the site by the address at which the outer one asks it.
    let mut known = shop(origin(HTML, PAGE).await);
    known.hosts.push("127.0.0.1".to_owned());
    inner.gateway.table().put(known).unwrap();
    let world = World::start(outer);
    let page = page_of(&ask(&world, "/", "").await);
    assert_eq!(page, WITH.replace("head()</script>", "head()</script><script>outer()</script>"));
}

#[tokio::test]
async fn a_share_is_a_share_of_the_visitors_and_each_keeps_what_they_have() {
    let origin = origin(HTML, PAGE).await;
    let mut surroundings = crate::world::surroundings();
    surroundings.trusted_proxy = Arc::new(|_| true);
    let shop = |share| {
        let snippets = snippets().into_iter().map(|snippet| PageSnippet { share, ..snippet }).collect();
        Site { snippets, ..site(Some(origin), None) }
    };
    let world = World::with(crate::world::settings(), surroundings, shop(30));
    let seen = async || {
        let mut seen = Vec::new();
        for visitor in 0..60 {
            let page = page_of(&ask(&world, "/", &format!("x-forwarded-for: 192.0.2.{visitor}\r\n")).await);
            seen.push(page.contains("head()"));
        }
        seen
    };
    let few = seen().await;
    let count = few.iter().filter(|has| **has).count();
    assert!((5..35).contains(&count), "{count} of 60 at 30 percent");
    assert_eq!(seen().await, few);
    world.gateway.table().put(shop(70)).unwrap();
    let more = seen().await;
    assert!(few.iter().zip(&more).all(|(few, more)| *more || !*few) && more != few);
    world.gateway.table().put(shop(0)).unwrap();
    assert!(!seen().await.contains(&true));
}

#[tokio::test]
async fn a_page_without_end_and_a_slow_reader_take_no_memory() {
    const ALL: usize = 128 * 1024 * 1024;
    let written = Arc::new(AtomicUsize::new(0));
    let counter = written.clone();
    let origin = upstream(move |mut gateway, _| {
        let counter = counter.clone();
        async move {
            gateway.until("\r\n\r\n").await;
            gateway.send(&format!("{HTML}connection: close\r\n\r\n<!doctype html><head></head><body>")).await;
            while counter.load(Ordering::Relaxed) < ALL && gateway.0.write_all(&[b'x'; 65536]).await.is_ok() {
                counter.fetch_add(65536, Ordering::Relaxed);
            }
        }
    })
    .await;
    let world = World::start(shop(origin));
    let mut client = world.connect().await;
    client.send(&format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
    let mut before = usize::MAX;
    while before != written.load(Ordering::Relaxed) {
        before = written.load(Ordering::Relaxed);
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    assert!((1..64 * 1024 * 1024).contains(&before), "{before} bytes are on their way");
}
