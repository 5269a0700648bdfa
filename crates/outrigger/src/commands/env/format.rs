//! Variables as files: dotenv, JSON, and lines for a POSIX shell.

use std::fmt::Write as _;

#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Format {
    Dotenv,
    Json,
    Shell,
}

impl Format {
    pub(super) fn write(self, pairs: &[(String, String)]) -> String {
        let mut text = String::new();
        match self {
            Self::Dotenv => pairs.iter().for_each(|(name, value)| {
                let _ = writeln!(text, "{name}={}", quote_dotenv(value));
            }),
            Self::Shell => pairs.iter().for_each(|(name, value)| {
                let _ = writeln!(text, "export {name}={}", quote_shell(value));
            }),
            Self::Json => {
                let pairs = pairs.iter().map(|(name, value)| (name.clone(), value.clone().into()));
                let _ = writeln!(text, "{:#}", serde_json::Value::Object(pairs.collect()));
            }
        }
        text
    }
}

/// Between double quotes, with `\n`, `\r`, `\"`, `\\` and `\$` escaped.
fn quote_dotenv(value: &str) -> String {
    let mut quoted = String::from("\"");
    for c in value.chars() {
        match c {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '"' | '\\' | '$' => {
                quoted.push('\\');
                quoted.push(c);
            }
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Between single quotes nothing has a meaning but the single quote itself (POSIX, Shell Command Language, 2.2.2).
fn quote_shell(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}

/// Reads lines of `NAME=value`, `export` in front allowed, `#` comments, single and double quotes.
pub(super) fn read_dotenv(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let fault = |what: &str| format!("line {}: {what}", number + 1);
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=').ok_or_else(|| fault("there is no `=`"))?;
        let value = read_value(value.trim()).map_err(|what| fault(&what))?;
        pairs.push((name.trim().to_owned(), value));
    }
    Ok(pairs)
}

fn read_value(value: &str) -> Result<String, String> {
    if let Some(rest) = value.strip_prefix('\'') {
        let end = rest.find('\'').ok_or("the single quote is not closed")?;
        return Ok(rest[..end].to_owned());
    }
    let Some(rest) = value.strip_prefix('"') else {
        let end = value.find(" #").unwrap_or(value.len());
        return Ok(value[..end].trim_end().to_owned());
    };
    let mut read = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok(read),
            '\\' => match chars.next() {
                Some('n') => read.push('\n'),
                Some('r') => read.push('\r'),
                Some('t') => read.push('\t'),
                Some(other) => read.push(other),
                None => break,
            },
            _ => read.push(c),
        }
    }
    Err("the double quote is not closed".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(value: &str) -> Vec<(String, String)> {
        vec![("NAME".to_owned(), value.to_owned())]
    }

    proptest! {
        #[test]
        fn dotenv_gives_back_what_it_was_given(value in "[^\0]*") {
            let value = value.replace(['\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'], "");
            prop_assert_eq!(read_dotenv(&Format::Dotenv.write(&pairs(&value))).unwrap(), pairs(&value));
        }

        #[test]
        fn a_real_shell_gives_back_what_it_was_given(value in "[^\0]{0,40}") {
            let script = format!("{}printf %s \"$NAME\"", Format::Shell.write(&pairs(&value)));
            let ran = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
            prop_assert_eq!(String::from_utf8_lossy(&ran.stdout), value);
        }

        #[test]
        fn no_file_makes_the_reader_panic(text in "\\PC*") {
            let _ = read_dotenv(&text);
        }
    }

    #[test]
    fn files_of_other_programs_are_read() {
        let text = "# comment\nexport A=1\nB = two words # comment\nC='$x #'\nD=\"a\\nb\"\nE=\n";
        let read = read_dotenv(text).unwrap();
        let shown: Vec<String> = read.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(shown, ["A=1", "B=two words", "C=$x #", "D=a\nb", "E="]);
        assert!(read_dotenv("nothing").unwrap_err().contains("line 1"));
        assert!(read_dotenv("A=1\nB=\"open").unwrap_err().contains("line 2"));
    }
}
