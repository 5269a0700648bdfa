//! The begin of a page, read without a parser as long as that is sure to find what a parser would (HTML sections 13.2.5
//! and 13.2.6.4): most heads hold a few kinds of elements, written in the usual way. Pure.

use memchr::{memchr, memmem};

/// What was read of a page.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Begin {
    /// How many bytes; they end between two tokens.
    pub(super) length: usize,
    pub(super) is_document: bool,
    pub(super) html_is_open: bool,
    pub(super) head_is_open: bool,
    /// Whether what follows ends the head. If it does not, a parser has to go on from here.
    pub(super) is_at_end_of_head: bool,
}

/// Reads as far as it is sure.
pub(super) fn read(page: &[u8]) -> Begin {
    let mut begin = Begin::default();
    while let Some(token) = token(&page[begin.length..]) {
        match token {
            Token::Passed(length) => begin.length += length,
            Token::Doctype(length) => {
                begin.is_document = true;
                begin.length += length;
            }
            Token::Html(length) if !begin.html_is_open && !begin.head_is_open => {
                (begin.is_document, begin.html_is_open) = (true, true);
                begin.length += length;
            }
            Token::Head(length) if !begin.head_is_open => {
                (begin.is_document, begin.head_is_open) = (true, true);
                begin.length += length;
            }
            Token::EndOfHead if begin.head_is_open => return Begin { is_at_end_of_head: true, ..begin },
            Token::Body => return Begin { is_at_end_of_head: true, ..begin },
            Token::Html(_) | Token::Head(_) | Token::EndOfHead => break,
        }
    }
    begin
}

/// Each with its length, where something may follow it that belongs to the head.
enum Token {
    Passed(usize),
    Doctype(usize),
    Html(usize),
    Head(usize),
    EndOfHead,
    Body,
}

/// `None` for what is unusual, or not whole.
fn token(text: &[u8]) -> Option<Token> {
    let blanks = text.iter().take_while(|byte| is_blank(**byte)).count();
    if blanks > 0 {
        return Some(Token::Passed(blanks));
    }
    match text.strip_prefix(b"<")? {
        [b'!', b'-', b'-', ..] => comment(text).map(Token::Passed),
        [b'!', rest @ ..] => doctype(rest).map(|length| Token::Doctype(length + 2)),
        [b'/', rest @ ..] => is_named(rest, b"head").and_then(end_of_tag).map(|_| Token::EndOfHead),
        rest => element(text, rest),
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c')
}

fn comment(text: &[u8]) -> Option<usize> {
    let inner = &text[4..];
    let is_odd = inner.starts_with(b">") || inner.starts_with(b"->");
    let end = memmem::find(inner, b"-->").filter(|end| !is_odd && memmem::find(&inner[..*end], b"--!>").is_none())?;
    Some(4 + end + 3)
}

fn doctype(text: &[u8]) -> Option<usize> {
    let rest = is_named(text, b"doctype")?;
    Some(text.len() - rest.len() + memchr(b'>', rest)? + 1)
}

fn element(text: &[u8], after_bracket: &[u8]) -> Option<Token> {
    let length = after_bracket.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let (name, rest) = after_bracket.split_at(length);
    if name.len() > LONGEST_NAME || !rest.first().is_some_and(|byte| is_blank(*byte) || matches!(byte, b'/' | b'>')) {
        return None;
    }
    let mut lower = [0; LONGEST_NAME];
    let lower = &mut lower[..length];
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    if lower == b"body" {
        return Some(Token::Body);
    }
    let attributes = attributes(rest)?;
    let length = text.len() - rest.len() + attributes.len();
    match &*lower {
        b"html" => Some(Token::Html(length)),
        b"head" => Some(Token::Head(length)),
        // It may hold a policy, which is for the parser to find.
        b"meta" if contains_any_case(attributes, b"http-equiv") => None,
        b"meta" | b"link" | b"base" => Some(Token::Passed(length)),
        // The slash means nothing there, but is not usual.
        _ if attributes.ends_with(b"/>") => None,
        b"title" | b"style" | b"script" => {
            let inner = raw_text(&text[length..], lower)?;
            Some(Token::Passed(length + inner))
        }
        _ => None,
    }
}

/// As long as that of any element that is known here.
const LONGEST_NAME: usize = 6;

/// What is between the name of an element and the end of its tag, that included.
fn attributes(text: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    loop {
        at += count(&text[at..], |byte| is_blank(byte) || byte == b'/');
        if *text.get(at)? == b'>' {
            return Some(&text[..=at]);
        }
        let name =
            count(&text[at..], |byte| !is_blank(byte) && !matches!(byte, b'/' | b'>' | b'=' | b'"' | b'\'' | b'<'));
        if name == 0 {
            return None;
        }
        at += name;
        let blanks = count(&text[at..], is_blank);
        if text.get(at + blanks) == Some(&b'=') {
            at += blanks + 1;
            at += count(&text[at..], is_blank);
            at += value(&text[at..])?;
        }
        // Whatever else follows is no usual attribute.
        if !text.get(at).is_some_and(|byte| is_blank(*byte) || matches!(byte, b'/' | b'>')) {
            return None;
        }
    }
}

fn value(text: &[u8]) -> Option<usize> {
    match text.first()? {
        quote @ (b'"' | b'\'') => Some(memchr(*quote, &text[1..])? + 2),
        _ => {
            let length = count(text, |byte| !is_blank(byte) && byte != b'>');
            let is_usual = !text[..length].iter().any(|byte| matches!(byte, b'"' | b'\'' | b'<' | b'=' | b'`'));
            (length > 0 && is_usual).then_some(length)
        }
    }
}

/// The length of what is in an element that holds no elements, with the tag that ends it.
fn raw_text(text: &[u8], name: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr(b'<', &text[at..])? + 1;
        // Scripts may hide their end behind this.
        if name == b"script" && text[at..].starts_with(b"!--") {
            return None;
        }
        if let Some(rest) = text[at..].strip_prefix(b"/").and_then(|rest| is_named(rest, name)) {
            return Some(text.len() - end_of_tag(rest)?.len());
        }
    }
}

/// What follows this name, if the text begins with it.
fn is_named<'t>(text: &'t [u8], name: &[u8]) -> Option<&'t [u8]> {
    let (begin, rest) = text.split_at_checked(name.len())?;
    let is_whole = rest.first().is_some_and(|byte| is_blank(*byte) || matches!(byte, b'/' | b'>'));
    (begin.eq_ignore_ascii_case(name) && is_whole).then_some(rest)
}

/// What follows a tag without attributes, whose name was read.
fn end_of_tag(text: &[u8]) -> Option<&[u8]> {
    text[count(text, is_blank)..].strip_prefix(b">")
}

fn count(text: &[u8], is_meant: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|byte| is_meant(**byte)).count()
}

fn contains_any_case(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(understood: &str, rest: &str, is_at_end_of_head: bool) {
        let begin = read(format!("{understood}{rest}").as_bytes());
        assert_eq!(
            (begin.length, begin.is_at_end_of_head),
            (understood.len(), is_at_end_of_head),
            "{understood}|{rest}"
        );
    }

    #[test]
    fn usual_heads_are_read_to_their_end() {
        for head in [
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=utf-8><title>a < b</title>\n",
            "<!DOCTYPE html PUBLIC \"-//W3C//DTD\"><HTML><HEAD><LINK rel=a href='/b?c>d'/><script src=a async></script>",
            "<html><head><!-- </head> --><style>a > b { content: \"</head>\" }</style><base href=/ ><meta a=\"\" b = c>",
            "<head><script>if (a < b) '</head>'</script >",
        ] {
            check(head, "</head><body>", true);
            check(head, "</HEAD\n>", true);
            check(head, "<body class=a>", true);
        }
    }

    #[test]
    fn what_is_unusual_is_left_to_the_parser() {
        for rest in [
            "",
            "text",
            "<p>",
            "<head>",
            "<html>",
            "</title>",
            "</head",
            "</head x>",
            "<bod",
            "<body",
            "<title>x",
            "<title/>x</title>",
            "<title>x</title y>",
            "<script><!-- </script>",
            "<script>x</scripts>",
            "<meta http-equiv=refresh>",
            "<meta HTTP-EQUIV=refresh>",
            "<meta a\"b>",
            "<meta =a>",
            "<meta a=>",
            "<meta a=b\"c>",
            "<meta a=\"b\"c>",
            "<meta a='b>",
            "<meta",
            "<noscript>",
            "<template>",
            "<!-->",
            "<!--->-->",
            "<!-- --!> -->",
            "<!-- ",
            "<!doctypes>",
            "<!doctype",
            "<?xml?>",
            "<",
        ] {
            check("<html><head> ", rest, false);
        }
        check("", "</head>", false);
    }
}
