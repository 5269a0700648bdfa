//! Takes secrets out of texts that are kept or shown, in every spelling in which they come back to us.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;
use url::Url;

/// What stands in place of a secret.
pub(crate) const BLOT: &str = "***";
/// Shorter values are no secrets; without them a text would be all blots.
const SHORTEST: usize = 4;
/// How much of the beginning of a secret, at the end of a text that was cut there, gives it away.
const TELLING: usize = 6;
/// The most that is read of a text, in bytes.
const MOST_READ: usize = 16 * 1024;
/// The most that is kept of a text, in characters.
const LONGEST_TEXT: usize = 500;

/// The secrets of one configuration, in all spellings.
pub(crate) struct Redactor {
    /// Looked for as they are, and with any of their bytes percent-encoded.
    parts: Vec<String>,
    /// Looked for as they are.
    needles: Vec<String>,
}

impl Redactor {
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut parts: Vec<String> = secrets.into_iter().flat_map(parts).collect();
        parts.sort_unstable();
        parts.dedup();
        let mut needles = Vec::new();
        parts.iter().for_each(|part| spell(part, &mut needles));
        needles.retain(|needle| needle.len() >= SHORTEST);
        needles.sort_unstable();
        needles.dedup();
        Self { parts, needles }
    }

    /// The text without secrets.
    pub(crate) fn text(&self, text: &str) -> String {
        let found = self.needles.iter().flat_map(|needle| find(text, needle));
        let encoded = self.parts.iter().flat_map(|part| find_encoded(text, part));
        let mut ranges: Vec<(usize, usize)> = found.chain(encoded).collect();
        ranges.sort_unstable();
        let mut clean = String::with_capacity(text.len());
        let mut at = 0;
        for (start, end) in ranges {
            if start > at || !clean.ends_with(BLOT) {
                clean.push_str(&text[at..start]);
                clean.push_str(BLOT);
            }
            at = at.max(end);
        }
        clean.push_str(&text[at..]);
        clean
    }

    /// The text without secrets, on one line and of bounded length.
    pub(crate) fn line(&self, text: &str) -> String {
        let end = (0..=text.len().min(MOST_READ)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let clean = self.text(&text[..end]);
        let words: Vec<&str> = clean.split(|c: char| c.is_whitespace() || c.is_control()).collect();
        let line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(LONGEST_TEXT) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }

    /// JSON without secrets, in keys, texts and numbers.
    pub(crate) fn json(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Number(number) if self.needles.iter().any(|needle| number.to_string().contains(needle)) => {
                BLOT.into()
            }
            Value::Array(items) => items.into_iter().map(|item| self.json(item)).collect(),
            Value::Object(entries) => {
                entries.into_iter().map(|(key, value)| (self.text(&key), self.json(value))).collect()
            }
            other => other,
        }
    }
}

/// Where the needle is in the text, its beginning at the very end of the text included.
fn find<'a>(text: &'a str, needle: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
    let whole = text.match_indices(needle).map(|(start, found)| (start, start + found.len()));
    let cut = (TELLING..needle.len())
        .rev()
        .filter(|end| needle.is_char_boundary(*end))
        .find(|end| text.ends_with(&needle[..*end]))
        .map(|length| (text.len() - length, text.len()));
    whole.chain(cut)
}

/// Where the part is in the text with any of its bytes percent-encoded, as each of the many encoders there are has its
/// own idea which ones need it.
fn find_encoded<'a>(text: &'a str, part: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
    let starts = text.char_indices().map(|(start, _)| start);
    starts.filter_map(|start| Some((start, start + encoded_length(&text.as_bytes()[start..], part.as_bytes())?)))
}

/// How long the part is at the beginning of the text, if it is there.
fn encoded_length(text: &[u8], part: &[u8]) -> Option<usize> {
    let mut at = 0;
    for byte in part {
        at += match text.get(at..)? {
            [b'%', high, low, ..] if escaped(*high, *low) == Some(*byte) => 3,
            [b'+', ..] if *byte == b' ' => 1,
            [first, ..] if first == byte => 1,
            _ => return None,
        };
    }
    Some(at)
}

fn escaped(high: u8, low: u8) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// The secret, and those parts of it that give it away on their own: the path of an address, the lines of a key.
fn parts(secret: &str) -> Vec<String> {
    let mut parts = vec![secret.to_owned(), secret.trim().to_owned()];
    parts.extend(secret.lines().map(str::trim).filter(|line| line.len() >= 16).map(str::to_owned));
    if let Ok(url) = secret.trim().parse::<Url>() {
        parts.push(url.as_str().to_owned());
        parts.extend(url.password().map(str::to_owned));
        parts.extend(url.query().map(str::to_owned));
        parts.extend(Some(url.path()).filter(|path| path.len() >= 8).map(str::to_owned));
        parts.extend(url.path_segments().into_iter().flatten().filter(|part| part.len() >= 16).map(str::to_owned));
        parts.extend(url.query_pairs().map(|(_, value)| value.into_owned()).filter(|value| value.len() >= 8));
    }
    parts.retain(|part| part.len() >= SHORTEST);
    parts
}

fn spell(part: &str, needles: &mut Vec<String>) {
    needles.push(part.to_owned());
    let json = Value::from(part).to_string();
    let json = &json[1..json.len() - 1];
    needles.push(json.to_owned());
    // Some encoders escape slashes, and everything outside ASCII.
    needles.push(json.replace('/', "\\/"));
    needles.push(ascii_json(json));
    needles.push(format!("{part:?}").trim_matches('"').to_owned());
    needles.push(part.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
    for shift in 0..3 {
        needles.extend(base64_core(&STANDARD_NO_PAD.encode(shifted(part, shift)), part.len(), shift));
        needles.extend(base64_core(&URL_SAFE_NO_PAD.encode(shifted(part, shift)), part.len(), shift));
    }
    let hex = part.bytes().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    needles.push(hex.to_uppercase());
    needles.push(hex);
}

fn ascii_json(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    ascii
}

/// The secret as it stands after `shift` other bytes, as in `user:password`.
fn shifted(part: &str, shift: usize) -> Vec<u8> {
    [&b"\0\0\0"[..shift], part.as_bytes()].concat()
}

/// Those digits of base64 that are made of the secret alone, whatever stands before and after it.
fn base64_core(encoded: &str, length: usize, shift: usize) -> Option<String> {
    let first = (shift * 8).div_ceil(6);
    let last = (shift + length) * 8 / 6;
    // A short core would be found in every text.
    encoded.get(first..last).filter(|core| core.len() >= 6).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    const TOKEN: &str = "xox?b/1+2\"3 é&tok=en";

    #[track_caller]
    fn check(secret: &str, text: &str) {
        let clean = Redactor::new([secret]).text(text);
        assert!(clean.contains(BLOT) && clean.len() < text.len() + 3, "`{text}` became `{clean}`");
        let before = text.split(['|']).next().unwrap();
        assert!(clean.starts_with(before), "`{text}` became `{clean}`");
    }

    #[test]
    fn a_secret_is_blotted_out_in_every_spelling() {
        let encoded: String = url::form_urlencoded::byte_serialize(TOKEN.as_bytes()).collect();
        let mut query: Url = "https://h/".parse().unwrap();
        query.query_pairs_mut().append_pair("t", TOKEN);
        let mut path: Url = "https://h/".parse().unwrap();
        path.path_segments_mut().unwrap().push(TOKEN);
        let texts = [
            TOKEN.to_owned(),
            encoded.clone(),
            encoded.to_lowercase(),
            query.query().unwrap()[2..].to_owned(),
            path.path()[1..].to_owned(),
            serde_json::to_string(TOKEN).unwrap(),
            serde_json::to_string(TOKEN).unwrap().replace('/', "\\/"),
            format!("{TOKEN:?}"),
            STANDARD.encode(TOKEN),
            URL_SAFE.encode(TOKEN),
            STANDARD.encode(format!("u:{TOKEN}")),
            STANDARD.encode(format!("me:{TOKEN}!")),
            STANDARD.encode(format!("you:{TOKEN}")),
            TOKEN.bytes().map(|byte| format!("{byte:02X}")).collect(),
        ];
        for text in texts {
            // What is left of base64 is the neighbours' digits, and those that they share with the secret.
            let clean = Redactor::new([TOKEN]).text(&format!("before |{text}| after"));
            let left = clean.len() - "before |***| after".len();
            assert!(clean.contains(BLOT) && left <= 9, "`{text}` became `{clean}`");
        }
    }

    #[test]
    fn an_address_is_known_by_its_path_and_its_query() {
        let hook = "https://hooks.example/services/T000/B000/XXXXXXXXXXXXXXXXXXXXXXXX";
        check(hook, "POST |/services/T000/B000/XXXXXXXXXXXXXXXXXXXXXXXX answered 404");
        check(hook, "unknown id |XXXXXXXXXXXXXXXXXXXXXXXX");
        check("https://h.example/?token=abcdefgh12", "bad token |abcdefgh12");
        check("https://user:pass-word@h.example/", "bad password |pass-word");
        check("HTTPS://H.example", "cannot connect to |https://h.example/");
    }

    #[test]
    fn the_lines_of_a_key_are_secrets_too() {
        check("-----BEGIN KEY-----\nMIIabcdefghijklmnop\n-----END KEY-----", "bad line |MIIabcdefghijklmnop");
    }

    #[test]
    fn a_text_that_was_cut_within_a_secret_is_blotted_out_to_its_end() {
        check("abcdefghijklmnop", "the answer was |abcdefghij");
        assert_eq!(Redactor::new(["abcdefghijklmnop"]).text("ab"), "ab");
    }

    #[test]
    fn overlapping_secrets_become_one_blot_and_short_ones_none() {
        let redactor = Redactor::new(["secret-one", "one-and-two", "abc", ""]);
        assert_eq!(redactor.text("secret-one-and-two, abc"), "***, abc");
        assert_eq!(redactor.text("secret-onesecret-one"), "***");
        assert_eq!(redactor.text(""), "");
    }

    #[test]
    fn json_stays_json() {
        let redactor = Redactor::new(["12345678", "s3cret-key"]);
        let value = serde_json::json!({ "a": ["s3cret-key!", 12345678, 1, null], "s3cret-key": true });
        assert_eq!(redactor.json(value), serde_json::json!({ "a": ["***!", "***", 1, null], "***": true }));
    }

    #[test]
    fn lines_are_short_and_single() {
        let redactor = Redactor::new(["s3cret-key"]);
        assert_eq!(redactor.line(" a\r\n\tb\0 s3cret-key \u{1b}[31m"), "a b *** [31m");
        assert_eq!(redactor.line(&"é".repeat(600)).chars().count(), LONGEST_TEXT + 1);
    }
}
