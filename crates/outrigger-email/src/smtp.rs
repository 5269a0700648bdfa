//! The conversation with the server.

use std::time::Duration;

use lettre::Message;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailParameter};
use lettre::transport::smtp::response::Response;
use outrigger_integrations::{Host, Outbound, Sent};

use crate::EmailSettings;
use crate::failure::{Failure, words};

mod connection;

/// How long a server may take to say good-bye. Nothing depends on it any more.
const GOODBYE: Duration = Duration::from_secs(1);

/// Connects and signs in, and sends nothing.
pub(crate) async fn check<H: Host>(settings: &EmailSettings<H>, outbound: &Outbound) -> Result<(), Failure> {
    in_time(outbound, async {
        let mut server = signed_in(settings, outbound).await?;
        say_goodbye(&mut server).await;
        Ok(())
    })
    .await
}

/// Hands the message to the server. People whose addresses the server refuses for good hold up nobody else; it is an
/// error if nobody is left.
pub(crate) async fn send<H: Host>(
    settings: &EmailSettings<H>,
    outbound: &Outbound,
    mail: &Message,
) -> Result<Sent, Failure> {
    in_time(outbound, async {
        let mut server = signed_in(settings, outbound).await?;
        let sent = hand_over(&mut server, mail).await?;
        say_goodbye(&mut server).await;
        Ok(sent)
    })
    .await
}

async fn in_time<T>(outbound: &Outbound, conversation: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::time::timeout(outbound.timeout(), conversation).await.unwrap_or(Err(Failure::TooLong))
}

async fn signed_in<H: Host>(settings: &EmailSettings<H>, outbound: &Outbound) -> Result<AsyncSmtpConnection, Failure> {
    let mut server = connection::open(settings, outbound).await?;
    if let (Some(username), Some(password)) = (&settings.username, &settings.password) {
        let credentials = Credentials::new(username.clone(), password.expose().clone());
        server.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(Failure::SignIn)?;
    }
    Ok(server)
}

async fn hand_over(server: &mut AsyncSmtpConnection, mail: &Message) -> Result<Sent, Failure> {
    let envelope = mail.envelope();
    let from = Mail::new(envelope.from().cloned(), parameters(server, envelope)?);
    server.command(from).await.map_err(Failure::Sender)?;
    let refused = name_recipients(server, envelope).await?;
    if refused.len() == envelope.to().len() {
        return Err(Failure::Recipients(refused));
    }
    server.command(Data).await.map_err(Failure::Message)?;
    let answer = server.message(&mail.formatted()).await.map_err(Failure::Message)?;
    Ok(Sent { status: Some(answer.code().into()), summary: summary(&answer, &refused) })
}

/// Addresses in other scripts than ours need a server that knows them. The text is always encoded.
fn parameters(server: &AsyncSmtpConnection, envelope: &Envelope) -> Result<Vec<MailParameter>, Failure> {
    let mut addresses = envelope.from().into_iter().chain(envelope.to());
    if addresses.all(|address| AsRef::<str>::as_ref(address).is_ascii()) {
        return Ok(Vec::new());
    }
    if server.server_info().supports_feature(Extension::SmtpUtfEight) {
        return Ok(vec![MailParameter::SmtpUtfEight]);
    }
    Err(Failure::Script)
}

/// Those whom the server refuses for good, with its words. It is an error if one may be accepted later: the message is
/// then sent later, to all, rather than twice to some.
async fn name_recipients(server: &mut AsyncSmtpConnection, envelope: &Envelope) -> Result<Vec<String>, Failure> {
    let mut refused = Vec::new();
    for recipient in envelope.to() {
        match server.command(Rcpt::new(recipient.clone(), Vec::new())).await {
            Ok(_) => {}
            Err(error) if error.is_permanent() => refused.push(format!("{recipient} ({})", words(&error))),
            Err(error) => return Err(Failure::Message(error)),
        }
    }
    Ok(refused)
}

async fn say_goodbye(server: &mut AsyncSmtpConnection) {
    // The message is accepted or the check is over; an error here changes nothing.
    let _ = tokio::time::timeout(GOODBYE, server.quit()).await;
}

fn summary(answer: &Response, refused: &[String]) -> String {
    let said = answer.message().collect::<Vec<_>>().join(" ");
    if refused.is_empty() { said } else { format!("{said}; not to {}", refused.join(", ")) }
}
