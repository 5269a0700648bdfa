use std::io::{self, BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::{env, thread};

use anyhow::{Context, Result, bail};

use crate::tools::{id, is_root};

/// A PostgreSQL on loopback with an empty data folder; both are gone when this is dropped.
pub(crate) struct Server {
    script: Child,
    port: u16,
}

impl Server {
    pub(crate) fn start(programs: &Path) -> Result<Server> {
        let port = free_port()?;
        let mut script = script(programs, port);
        if is_root()? {
            // The server refuses to run as root.
            script.uid(id("-u", Some("postgres"))?).gid(id("-g", Some("postgres"))?);
        }
        let server = Server::launch(script, port)?;
        println!("postgresql: runs on 127.0.0.1:{port}");
        Ok(server)
    }

    fn launch(mut script: Command, port: u16) -> Result<Server> {
        let mut script = script.spawn().context("sh")?;
        let log = script.stderr.take().expect("standard error is piped");
        // Made before the wait, so that a server that is not ready is stopped like any other.
        let server = Server { script, port };
        wait_until_ready(log)?;
        Ok(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        if let Err(error) = self.script.wait() {
            eprintln!("postgresql: may still run on port {}: {error}", self.port);
        }
    }
}

fn script(programs: &Path, port: u16) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", include_str!("postgres.sh"), "postgres.sh"])
        .arg(programs)
        .arg(port.to_string())
        // The user postgres may not enter the folder that root is in.
        .current_dir(env::temp_dir())
        // Ctrl-C in a terminal goes to a whole group: the script has to outlive it to clean up.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("a free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

fn wait_until_ready(log: ChildStderr) -> Result<()> {
    let mut log = BufReader::new(log);
    let mut seen = String::new();
    while !seen.ends_with("database system is ready to accept connections\n") {
        if log.read_line(&mut seen).context("PostgreSQL's log")? == 0 {
            bail!("PostgreSQL did not start; its own words:\n{seen}");
        }
    }
    // A full pipe would stop the server.
    thread::spawn(move || io::copy(&mut log, &mut io::sink()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_cannot_start_says_why() {
        let folder = env::temp_dir().join("no-postgres-here");
        let error = Server::launch(script(&folder, 1), 1).err().unwrap().to_string();
        assert!(error.contains("no-postgres-here/initdb"), "{error}");
    }
}
