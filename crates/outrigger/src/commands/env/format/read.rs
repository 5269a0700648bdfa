//! Reads files of variables, those of other programs too.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Map, Value};

use super::Pairs;

/// An object in JSON, or lines of `NAME=value` as dotenv files and shells have them: `export` in front, comments,
/// single and double quotes, values of several lines. Of a name that comes twice the last value counts.
pub(crate) fn read(text: &str) -> Result<Pairs, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('{') { read_json(text) } else { read_lines(&text.replace("\r\n", "\n")) }
}

fn read_json(text: &str) -> Result<Pairs, String> {
    let object: Map<String, Value> = serde_json::from_str(text).map_err(|fault| fault.to_string())?;
    let pair = |(name, value): (String, Value)| match value {
        Value::String(value) => Ok((name, value)),
        Value::Number(_) | Value::Bool(_) => Ok((name, value.to_string())),
        _ => Err(format!("the value of `{name}` is neither text nor a number nor true or false")),
    };
    object.into_iter().map(pair).collect()
}

fn read_lines(text: &str) -> Result<Pairs, String> {
    let mut pairs = Pairs::new();
    let mut rest = text;
    while !rest.is_empty() {
        let number = 1 + text[..text.len() - rest.len()].matches('\n').count();
        let read = read_line(rest).map_err(|fault| format!("line {number}: {fault}"))?;
        rest = read.rest;
        let Some((name, value)) = read.pair else { continue };
        pairs.retain(|(there, _)| *there != name);
        pairs.push((name, value));
    }
    Ok(pairs)
}

struct Line<'a> {
    /// `None`: it was blank or a comment.
    pair: Option<(String, String)>,
    rest: &'a str,
}

fn read_line(text: &str) -> Result<Line<'_>, &'static str> {
    let (line, next) = text.split_once('\n').unwrap_or((text, ""));
    if line.trim_start().is_empty() || line.trim_start().starts_with('#') {
        return Ok(Line { pair: None, rest: next });
    }
    let (name, _) = line.split_once('=').ok_or("there is no `=`")?;
    let after = &text[name.len() + 1..];
    let name = name.trim();
    let name = match name.split_once(char::is_whitespace) {
        Some(("export", name)) => name.trim_start(),
        _ => name,
    };
    let start = after.trim_start_matches([' ', '\t']);
    let (value, rest) = if start.starts_with(['\'', '"']) {
        let mut chars = start.chars().peekable();
        let value = read_quoted(&mut chars)?;
        let left = chars.collect::<String>().len();
        let (end, rest) = start[start.len() - left..].split_once('\n').unwrap_or((&start[start.len() - left..], ""));
        if !matches!(end.trim_start().chars().next(), None | Some('#')) {
            return Err("there is something after the value's closing quote");
        }
        (value, rest)
    } else {
        (read_plain(&after[..line.len() - (text.len() - after.len())]), next)
    };
    Ok(Line { pair: Some((name.to_owned(), value)), rest })
}

/// Up to the end of the line, or to a `#` after a blank.
fn read_plain(line: &str) -> String {
    let comment = line.char_indices().find(|(at, c)| *c == '#' && line[..*at].ends_with([' ', '\t']));
    line[..comment.map_or(line.len(), |(at, _)| at)].trim().to_owned()
}

/// As a shell reads a word: quoted parts and escaped characters, one after the other.
fn read_quoted(chars: &mut Peekable<Chars<'_>>) -> Result<String, &'static str> {
    let mut value = String::new();
    while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
        match c {
            '\'' => loop {
                match chars.next().ok_or("the single quote is not closed")? {
                    '\'' => break,
                    c => value.push(c),
                }
            },
            '"' => loop {
                match chars.next().ok_or("the double quote is not closed")? {
                    '"' => break,
                    '\\' => unescape(chars.next().ok_or("the double quote is not closed")?, &mut value),
                    c => value.push(c),
                }
            },
            '\\' => value.extend(chars.next()),
            c => value.push(c),
        }
    }
    Ok(value)
}

/// What stands after a backslash in double quotes. Where there is nothing to escape, the backslash means itself.
fn unescape(c: char, value: &mut String) {
    match c {
        'n' => value.push('\n'),
        'r' => value.push('\r'),
        't' => value.push('\t'),
        '"' | '\\' | '$' | '`' => value.push(c),
        c => value.extend(['\\', c]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let shown: Vec<String> = read(text).unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(shown, expected, "{text:?}");
    }

    #[track_caller]
    fn refuse(text: &str, fault: &str) {
        let told = read(text).unwrap_err();
        assert!(told.contains(fault), "{text:?}: {told}");
    }

    #[test]
    fn plain_values_end_at_a_comment_or_with_the_line() {
        check(
            "# comment\n\nA=1\n B = two words # comment\nC=\nD=a#b\nE= # none\nF=#f\n",
            &["A=1", "B=two words", "C=", "D=a#b", "E=", "F=#f"],
        );
        check("URL=postgres://a:b@c/d?e=f", &["URL=postgres://a:b@c/d?e=f"]);
        check("WORDS=it's \"fine\"", &["WORDS=it's \"fine\""]);
    }

    #[test]
    fn quotes_keep_blanks_marks_and_lines() {
        check("A='$x # \\n' # comment\nB=\"a\\nb\\t\\\"\\$\\d\"\n", &["A=$x # \\n", "B=a\nb\t\"$\\d"]);
        check("A='one\ntwo'\nB=\"one\ntwo\"\nC=3", &["A=one\ntwo", "B=one\ntwo", "C=3"]);
        check("A='it'\\''s'\nB=''", &["A=it's", "B="]);
        check("NOTE=\"é\"#x", &["NOTE=é#x"]);
    }

    #[test]
    fn files_of_other_systems_and_shells_are_read() {
        check("\u{feff}A=1\r\nB='x\r\ny'\r\n", &["A=1", "B=x\ny"]);
        check("export A=1\nexport\tB='2'\nexported=3", &["A=1", "B=2", "exported=3"]);
        check("A=1\nB=2\nA=3", &["B=2", "A=3"]);
        check(" {\"A\": \"x\", \"B\": 1.5, \"C\": true}", &["A=x", "B=1.5", "C=true"]);
    }

    #[test]
    fn faults_name_their_line() {
        refuse("nothing", "line 1: there is no `=`");
        refuse("A=1\nB=\"open\n\n", "line 2: the double quote");
        refuse("A='1\n2'\nB='open", "line 3: the single quote");
        refuse("A='1' 2", "line 1: there is something after");
        refuse("{\"A\": [1]}", "`A`");
        refuse("{\"A\": 1", "line 1");
    }
}
