//! Two servers: one that answers, in all the ways in which a server may, and one that does not. What they do with a
//! request stands in its path: `/<what>/<nonce>/<length of the answer>`.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the good one does.
pub(crate) const GOOD: &[&str] =
    &["plain", "chunked", "last", "hang-up", "forged", "early", "echo", "hints", "nothing"];
/// What the bad one does, when it does not answer.
pub(crate) const BAD: &[&str] = &["reset", "stall", "garbage", "short", "broken-chunk", "rest", "silence", "plain"];

/// The body of an answer: of no other request.
pub(crate) fn body(nonce: &str, length: usize) -> Vec<u8> {
    nonce.bytes().cycle().take(length).collect()
}

pub(crate) async fn start(does: &'static [&'static str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            // How a connection ends is the gateway's concern.
            tokio::spawn(async move { drop(serve(BufReader::new(stream), does).await) });
        }
    });
    address
}

struct Asked {
    what: String,
    nonce: String,
    length: usize,
    body_length: usize,
}

async fn read_head(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Asked>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return Ok(None),
        }
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let mut parts = path.trim_start_matches('/').split('/');
    let mut part = || parts.next().unwrap_or_default().to_owned();
    let (what, nonce, length) = (part(), part(), part().parse().unwrap_or(0));
    let body_length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    Ok(Some(Asked { what, nonce, length, body_length }))
}

async fn serve(mut stream: BufReader<TcpStream>, does: &[&str]) -> io::Result<()> {
    while let Some(asked) = read_head(&mut stream).await? {
        assert!(does.contains(&&*asked.what), "{} was sent to the other server", asked.what);
        if asked.what == "early" {
            stream.write_all(&whole(&asked)).await?;
        }
        let mut sent = vec![0; asked.body_length];
        stream.read_exact(&mut sent).await?;
        let goes_on = match does {
            GOOD => answer(&mut stream, &asked, &sent).await?,
            _ => fail(&mut stream, &asked).await?,
        };
        if !goes_on {
            break;
        }
    }
    Ok(())
}

fn head(asked: &Asked, more: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nx-nonce: {}\r\n{more}\r\n", asked.nonce)
}

fn whole(asked: &Asked) -> Vec<u8> {
    let head = head(asked, &format!("content-length: {}\r\n", asked.length));
    [head.into_bytes(), body(&asked.nonce, asked.length)].concat()
}

/// Whether the connection goes on.
async fn answer(stream: &mut BufReader<TcpStream>, asked: &Asked, sent: &[u8]) -> io::Result<bool> {
    match asked.what.as_str() {
        "chunked" => {
            stream.write_all(head(asked, "transfer-encoding: chunked\r\n").as_bytes()).await?;
            for piece in body(&asked.nonce, asked.length).chunks(5000) {
                let piece = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
                stream.write_all(&piece).await?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            stream.write_all(b"0\r\nx-end: 1\r\n\r\n").await?;
        }
        "last" => {
            let text = head(asked, &format!("content-length: {}\r\nconnection: close\r\n", asked.length));
            stream.write_all(&[text.into_bytes(), body(&asked.nonce, asked.length)].concat()).await?;
            return Ok(false);
        }
        // Without a word, perhaps while the next request is on its way.
        "hang-up" => {
            stream.write_all(&whole(asked)).await?;
            tokio::time::sleep(Duration::from_micros(fastrand::u64(..3000))).await;
            return Ok(false);
        }
        // What nobody asked for must not become the answer to somebody else.
        "forged" => {
            let forged = b"HTTP/1.1 200 OK\r\nx-nonce: forged\r\ncontent-length: 6\r\n\r\nforged";
            stream.write_all(&[&whole(asked)[..], forged].concat()).await?;
        }
        "echo" => {
            let head = head(asked, &format!("content-length: {}\r\n", sent.len()));
            stream.write_all(&[head.as_bytes(), sent].concat()).await?;
        }
        "hints" => {
            stream.write_all(b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n").await?;
            stream.write_all(&whole(asked)).await?;
        }
        "nothing" => {
            let text = format!("HTTP/1.1 204 No Content\r\nx-nonce: {}\r\n\r\n", asked.nonce);
            stream.write_all(text.as_bytes()).await?;
        }
        // That was before.
        "early" => {}
        _ => stream.write_all(&whole(asked)).await?,
    }
    Ok(true)
}

async fn fail(stream: &mut BufReader<TcpStream>, asked: &Asked) -> io::Result<bool> {
    let half = body(&asked.nonce, asked.length / 2);
    match asked.what.as_str() {
        "stall" => tokio::time::sleep(Duration::from_secs(1)).await,
        "garbage" => stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").await?,
        "short" => {
            let head = head(asked, &format!("content-length: {}\r\n", asked.length));
            stream.write_all(&[head.into_bytes(), half].concat()).await?;
        }
        "broken-chunk" => {
            let head = head(asked, "transfer-encoding: chunked\r\n");
            let chunk = format!("{:x}\r\n", half.len());
            stream.write_all(&[head.as_bytes(), chunk.as_bytes(), &half, b"\r\nnonsense\r\n"].concat()).await?;
        }
        "plain" => {
            stream.write_all(&whole(asked)).await?;
            return Ok(true);
        }
        // More than it said.
        "rest" => {
            stream.write_all(&[whole(asked), body("rest", 1000)].concat()).await?;
            return Ok(true);
        }
        "silence" => {
            let head = head(asked, &format!("content-length: {}\r\n", asked.length));
            stream.write_all(&[head.into_bytes(), half].concat()).await?;
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        // "reset": what is left unread makes it one.
        _ => stream.get_ref().set_zero_linger()?,
    }
    Ok(false)
}
