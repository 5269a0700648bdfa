//! Variables as files: dotenv, JSON, and lines for a POSIX shell.

use std::fmt::Write as _;

use serde_json::{Map, Value};

mod read;

pub(super) use read::read;

/// Names and values, in the order of the file.
pub(super) type Pairs = Vec<(String, String)>;

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
                let object: Map<String, Value> =
                    pairs.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
                let _ = writeln!(text, "{:#}", Value::Object(object));
            }
        }
        text
    }
}

/// Between single quotes, in which no reader changes anything; a value that has one itself, or a carriage return, goes
/// between double quotes with escapes.
fn quote_dotenv(value: &str) -> String {
    if !value.contains(['\'', '\r']) {
        return format!("'{value}'");
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        match c {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '"' | '\\' | '$' | '`' => {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(value: &str) -> Pairs {
        vec![("NAME".to_owned(), value.to_owned()), ("OTHER".to_owned(), "x".to_owned())]
    }

    proptest! {
        #[test]
        fn dotenv_gives_back_what_it_was_given(value in "(?s)[^\0]*") {
            prop_assert_eq!(read(&Format::Dotenv.write(&pairs(&value))).unwrap(), pairs(&value));
        }

        #[test]
        fn json_gives_back_what_it_was_given(value in "(?s)[^\0]*") {
            prop_assert_eq!(read(&Format::Json.write(&pairs(&value))).unwrap(), pairs(&value));
        }

        #[test]
        fn shell_lines_give_back_what_they_were_given(value in "(?s)[^\0\r]*") {
            prop_assert_eq!(read(&Format::Shell.write(&pairs(&value))).unwrap(), pairs(&value));
        }

        #[test]
        fn a_real_shell_gives_back_what_it_was_given(value in "(?s)[^\0]{0,40}") {
            let script = format!("{}printf %s \"$NAME\"", Format::Shell.write(&pairs(&value)));
            let ran = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
            prop_assert_eq!(String::from_utf8_lossy(&ran.stdout), value);
        }

        #[test]
        fn no_file_makes_the_reader_panic(text in "(?s)[ -~\n\r\u{feff}é]*") {
            let _ = read(&text);
        }
    }
}
