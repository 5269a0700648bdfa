//! One address before several nodes: each request goes to the next of them.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

pub(crate) struct Alternator {
    listener: TcpListener,
    requests: Arc<AtomicUsize>,
}

impl Alternator {
    pub(crate) fn bind() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap(), requests: Arc::default() }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    /// Until the test process ends.
    pub(crate) fn forward_to(&self, nodes: [SocketAddr; 2]) {
        let (listener, requests) = (self.listener.try_clone().unwrap(), self.requests.clone());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let requests = requests.clone();
                thread::spawn(move || {
                    // A client that goes away in the middle is its own affair.
                    let _ = forward(client, || nodes[requests.fetch_add(1, Ordering::Relaxed) % nodes.len()]);
                });
            }
        });
    }

    /// How many requests have gone through; of each two that follow each other, one to each node.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

/// One request and its answer. The connection ends with it, so that the next request is the next node's.
fn forward(client: TcpStream, next: impl FnOnce() -> SocketAddr) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match name.to_ascii_lowercase().as_str() {
            "connection" => continue,
            "content-length" => length = value.trim().parse().map_err(io::Error::other)?,
            "transfer-encoding" => return Err(io::Error::other("no client of ours sends chunks")),
            _ => {}
        }
        if line.trim_end().is_empty() {
            break;
        }
        head.extend_from_slice(line.as_bytes());
    }
    head.extend_from_slice(b"connection: close\r\n\r\n");
    let mut node = TcpStream::connect(next())?;
    node.write_all(&head)?;
    io::copy(&mut reader.take(length), &mut node)?;
    io::copy(&mut node, &mut &client)?;
    client.shutdown(Shutdown::Both)
}
