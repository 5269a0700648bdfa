//! A mail server that keeps to RFC 5321, but for what it was told to answer.

use std::io;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What it does at a command instead of the usual.
#[derive(Clone, Debug)]
pub(crate) enum Does {
    Says(&'static str),
    Hangs,
    HangsUp,
}

#[derive(Clone, Default)]
pub(crate) struct Script {
    /// Beginnings of lines, and what is done at them; `greeting` is the beginning of all.
    pub(crate) at: Vec<(&'static str, Does)>,
    pub(crate) extensions: Vec<&'static str>,
    /// Signs in whoever knows it.
    pub(crate) password: &'static str,
    pub(crate) tls: Option<TlsAcceptor>,
    /// TLS from the first byte.
    pub(crate) wrapped: bool,
}

impl Script {
    pub(crate) fn saying(at: &'static str, answer: &'static str) -> Self {
        Self { at: vec![(at, Does::Says(answer))], ..Self::default() }
    }

    fn at(&self, line: &str) -> Option<&Does> {
        self.at.iter().find(|(start, _)| line.starts_with(start)).map(|(_, does)| does)
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) data: String,
}

impl Mail {
    /// The value of a header, unfolded.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let head = self.data.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        let beginning = format!("{name}: ");
        head.lines().find_map(|line| line.strip_prefix(&beginning)).map(str::to_owned)
    }

    pub(crate) fn body(&self) -> &str {
        self.data.split_once("\r\n\r\n").unwrap().1
    }
}

#[derive(Clone, Default)]
pub(crate) struct Server {
    pub(crate) port: u16,
    script: Script,
    lines: Arc<Mutex<Vec<String>>>,
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl Server {
    pub(crate) async fn start(script: Script) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server { port: listener.local_addr().unwrap().port(), script, ..Server::default() };
        let this = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let this = this.clone();
                // Clients hang up on servers that do not behave.
                tokio::spawn(async move { drop(this.serve(stream).await) });
            }
        });
        server
    }

    /// What clients said, line by line, without the texts of messages.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        match &self.script.tls {
            Some(tls) if self.script.wrapped => self.converse(tls.accept(stream).await?, true).await.map(drop),
            tls => {
                let after = self.converse(stream, true).await?;
                match (after, tls) {
                    (Some(stream), Some(tls)) => self.converse(tls.accept(stream).await?, false).await.map(drop),
                    _ => Ok(()),
                }
            }
        }
    }

    /// Returns the stream when it is to be encrypted.
    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, greet: bool) -> io::Result<Option<S>> {
        let mut stream = BufStream::new(stream);
        if greet && !self.answer(&mut stream, "greeting", "220 mail.test ESMTP").await? {
            return Ok(None);
        }
        let mut mail = Mail::default();
        loop {
            let line = read_line(&mut stream).await?;
            self.lines.lock().unwrap().push(line.clone());
            let verb = line.split([' ', ':']).next().unwrap_or_default();
            let usual = match verb {
                "EHLO" => self.introduction(),
                "AUTH" => self.sign_in(&mut stream, &line).await?,
                "MAIL" => {
                    mail = Mail { from: address(&line), ..Mail::default() };
                    "250 OK".to_owned()
                }
                "RCPT" => "250 OK".to_owned(),
                "STARTTLS" => "220 go on".to_owned(),
                "QUIT" => "221 bye".to_owned(),
                "DATA" if mail.to.is_empty() => "503 nobody to send it to".to_owned(),
                "DATA" => "354 go on".to_owned(),
                _ => "500 what?".to_owned(),
            };
            if !self.answer(&mut stream, &line, &usual).await? {
                return Ok(None);
            }
            let well = self.script.at(&line).is_none();
            match verb {
                "RCPT" if well => mail.to.push(address(&line)),
                "DATA" if well && usual.starts_with("354") => {
                    mail.data = read_data(&mut stream).await?;
                    if !self.answer(&mut stream, ".", "250 2.0.0 queued as 4711").await? {
                        return Ok(None);
                    }
                    if self.script.at(".").is_none() {
                        self.mails.lock().unwrap().push(mail.clone());
                    }
                }
                "STARTTLS" if well => return Ok(Some(stream.into_inner())),
                "QUIT" => return Ok(None),
                _ => {}
            }
        }
    }

    /// Whether the conversation goes on.
    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufStream<S>,
        line: &str,
        usual: &str,
    ) -> io::Result<bool> {
        let answer = match self.script.at(line) {
            None => usual,
            Some(Does::Says(answer)) => answer,
            Some(Does::Hangs) => std::future::pending().await,
            Some(Does::HangsUp) => return Ok(false),
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        stream.flush().await?;
        Ok(true)
    }

    fn introduction(&self) -> String {
        let all = ["mail.test"].into_iter().chain(self.script.extensions.iter().copied()).collect::<Vec<_>>();
        let (last, others) = all.split_last().unwrap();
        others.iter().map(|line| format!("250-{line}\r\n")).collect::<String>() + "250 " + last
    }

    async fn sign_in<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufStream<S>,
        line: &str,
    ) -> io::Result<String> {
        let decode = |text: &str| String::from_utf8(STANDARD.decode(text).unwrap_or_default()).unwrap_or_default();
        let known = if let Some(initial) = line.strip_prefix("AUTH PLAIN ") {
            decode(initial) == format!("\0ada\0{}", self.script.password)
        } else {
            let mut said = Vec::new();
            for question in ["Username:", "Password:"] {
                stream.write_all(format!("334 {}\r\n", STANDARD.encode(question)).as_bytes()).await?;
                stream.flush().await?;
                said.push(decode(&read_line(stream).await?));
            }
            said == ["ada", self.script.password]
        };
        Ok(if known { "235 2.7.0 welcome" } else { "535 5.7.8 bad user name or password" }.to_owned())
    }
}

async fn read_line<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufStream<S>) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end_matches("\r\n").to_owned())
}

async fn read_data<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufStream<S>) -> io::Result<String> {
    let mut data = String::new();
    loop {
        let line = read_line(stream).await?;
        match line.strip_prefix('.') {
            Some("") => return Ok(data),
            Some(stuffed) => data.push_str(stuffed),
            None => data.push_str(&line),
        }
        data.push_str("\r\n");
    }
}

/// Between the angle brackets.
fn address(line: &str) -> String {
    line.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}
