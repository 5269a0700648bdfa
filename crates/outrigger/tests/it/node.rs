//! A running `serve`.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

pub(crate) struct Node {
    /// What it logged when it was ready.
    ready: Value,
    process: Child,
}

impl Node {
    pub(crate) fn start(mut serve: Command) -> Self {
        let mut process = serve.stderr(Stdio::piped()).spawn().unwrap();
        // Off a terminal, logs are lines of JSON.
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut before = String::new();
        let ready = log.by_ref().find_map(|line| {
            let told: Value = serde_json::from_str(&line).unwrap_or_default();
            before += &format!("{line}\n");
            (told["fields"]["message"] == "ready").then(|| told["fields"].clone())
        });
        // A full pipe would stop the node.
        std::thread::spawn(move || log.for_each(drop));
        Self { ready: ready.unwrap_or_else(|| panic!("the node is not ready: {before}")), process }
    }

    /// Where it listens, for what is told by this name.
    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        self.ready[name].as_str().unwrap_or_else(|| panic!("no {name}: {}", self.ready)).parse().unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
