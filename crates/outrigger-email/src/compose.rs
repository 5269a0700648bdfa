//! From an announcement to a message: values in, values out.

use std::time::SystemTime;

use jiff::Timestamp;
use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Mailbox, MessageBuilder};
use outrigger_integrations::{Announcement, DeliveryId, EmailAddress, Host, Level, SendError};

use crate::EmailSettings;

const MAX_SUBJECT: usize = 150;

/// The message for all of the configuration's people. Each attempt at a delivery makes the same `Message-ID`, so that
/// mailboxes show a message once that was sent twice.
pub(crate) fn mail<H: Host>(
    settings: &EmailSettings<H>,
    announcement: &Announcement,
    delivery: &DeliveryId,
    now: Timestamp,
) -> Result<Message, SendError> {
    let domain = ascii_domain(&settings.from).unwrap_or("localhost");
    let mut builder = Message::builder()
        .from(mailbox(&settings.from)?)
        .date(SystemTime::from(now))
        .message_id(Some(format!("<{delivery}@{domain}>")))
        .subject(subject(settings.subject_prefix.as_deref(), announcement))
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN);
    // Answering machines keep silent (RFC 3834).
    builder = with_raw_header(builder, "Auto-Submitted", "auto-generated");
    for address in &settings.to {
        builder = builder.to(mailbox(address)?);
    }
    builder.body(body(announcement)).map_err(|error| SendError::refused(format!("the message cannot be made: {error}")))
}

/// The domain of an address, if it can be written in ASCII only.
pub(crate) fn ascii_domain(address: &EmailAddress) -> Option<&str> {
    address.as_str().rsplit_once('@').map(|(_, domain)| domain).filter(|domain| domain.is_ascii())
}

fn mailbox(address: &EmailAddress) -> Result<Mailbox, SendError> {
    let parsed = address.as_str().parse();
    let parsed =
        parsed.map_err(|error| SendError::broken(format!("`{address}` is no address to write to: {error}")))?;
    Ok(Mailbox::new(None, parsed))
}

fn with_raw_header(builder: MessageBuilder, name: &'static str, value: &str) -> MessageBuilder {
    builder.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned()))
}

/// One line, whatever is in the title: a line break in it must not become a header.
fn subject(prefix: Option<&str>, announcement: &Announcement) -> String {
    let level = match announcement.level {
        Level::Info | Level::Success => "",
        Level::Warning => "Warning: ",
        Level::Error => "Failure: ",
    };
    let all = [prefix.unwrap_or_default(), level, &announcement.title].join(" ");
    let line = all.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = line.collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MAX_SUBJECT { line } else { line.chars().take(MAX_SUBJECT - 1).chain(['…']).collect() }
}

fn body(announcement: &Announcement) -> String {
    let mut parts = vec![announcement.title.clone()];
    if !announcement.text.is_empty() {
        parts.push(announcement.text.clone());
    }
    if !announcement.fields.is_empty() {
        let lines = announcement.fields.iter().map(|(name, value)| format!("{name}: {value}"));
        parts.push(lines.collect::<Vec<_>>().join("\n"));
    }
    parts.extend(announcement.url.clone());
    parts.join("\n\n") + "\n"
}
