//! An add-on's options on the command line. Which there are only its manifest knows, so clap cannot parse them.

use serde_json::Value;

use super::Config;
use crate::exit::{CommandResult, Failure};

/// What stood behind the slug.
#[derive(Debug, PartialEq)]
pub(super) struct Options {
    pub(super) config: Config,
    pub(super) replace: bool,
    pub(super) json: bool,
}

impl Options {
    /// `--name value`, `--name=value`, and a lone `--name` for true. Values go as text; the server knows the types.
    pub(super) fn parse(words: &[String], json: bool) -> CommandResult<Self> {
        let mut parsed = Self { config: Config::new(), replace: false, json };
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--").filter(|name| !name.is_empty()) else {
                return Err(Failure::usage(format!("`{word}` is no option; write --NAME VALUE")));
            };
            match name {
                "replace" => parsed.replace = true,
                "json" => parsed.json = true,
                _ => {
                    let (name, value) = match name.split_once('=') {
                        Some((name, value)) => (name, Value::from(value)),
                        None => match words.next_if(|next| !next.starts_with("--")) {
                            Some(value) => (name, Value::from(value.as_str())),
                            None => (name, Value::Bool(true)),
                        },
                    };
                    parsed.config.insert(name.to_owned(), value);
                }
            }
        }
        Ok(parsed)
    }
}

/// After the add-on's first option all that follow are the add-on's. Who meant one of ours there is told.
pub(super) fn explain(failure: Failure, config: &Config) -> Failure {
    match ["site", "platform", "token"].into_iter().find(|name| config.contains_key(*name)) {
        Some(name) if failure.code == 2 => failure.hint(format!(
            "if you meant the site, platform or token to use: --{name} comes before the add-on's options"
        )),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(line: &str, config: Value, replace: bool) {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let parsed = Options::parse(&words, false).unwrap();
        assert_eq!((Value::Object(parsed.config), parsed.replace), (config, replace), "{line}");
    }

    #[test]
    fn options_are_read_in_every_spelling() {
        check("", json!({}), false);
        check("--a b --c=d", json!({ "a": "b", "c": "d" }), false);
        check("--a= --b -5 --on", json!({ "a": "", "b": "-5", "on": true }), false);
        check("--on --replace --a b=c", json!({ "on": true, "a": "b=c" }), true);
        for wrong in [&["x".to_owned()], &["--".to_owned()], &["-x".to_owned()]] {
            assert_eq!(Options::parse(wrong, false).unwrap_err().code, 2);
        }
    }
}
