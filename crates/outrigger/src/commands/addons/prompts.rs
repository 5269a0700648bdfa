//! Asks for options on a terminal. Elsewhere nothing is asked; the server says what is missing.

use inquire::{Password, PasswordDisplayMode, Select, Text};
use serde_json::Value;

use super::{Config, text};
use crate::exit::{CommandResult, Failure};
use crate::terminal;

/// Asks for required options that were not given.
pub(super) fn complete(manifest: &Value, mut config: Config) -> CommandResult<Config> {
    let declared = manifest["config"].as_object();
    let is_missing = |name: &str, option: &Value| {
        option["required"] == true && option["default"].is_null() && !config.contains_key(name)
    };
    let missing: Vec<(&String, &Value)> =
        declared.into_iter().flatten().filter(|(name, option)| is_missing(name, option)).collect();
    if missing.is_empty() {
        return Ok(config);
    }
    if !terminal::is_there() {
        let names: Vec<String> = missing.iter().map(|(name, _)| format!("--{name}")).collect();
        return Err(Failure::usage(format!("missing options: {}", names.join(", ")))
            .hint("give them as --NAME VALUE; on a terminal you are asked"));
    }
    for (name, option) in missing {
        if let Some(value) = ask(name, option, None)? {
            config.insert(name.clone(), value);
        }
    }
    Ok(config)
}

/// Asks for every option, with the present value as the answer to start from.
pub(super) fn change(manifest: &Value, mut config: Config) -> CommandResult<Config> {
    if !terminal::is_there() {
        return Err(Failure::usage("no options were given, and there is no terminal to ask on")
            .hint("give them as --NAME VALUE; `outrigger addons show` lists them"));
    }
    for (name, option) in manifest["config"].as_object().into_iter().flatten() {
        if let Some(value) = ask(name, option, config.get(name))? {
            config.insert(name.clone(), value);
        }
    }
    Ok(config)
}

/// `None`: left as it is.
fn ask(name: &str, option: &Value, present: Option<&Value>) -> CommandResult<Option<Value>> {
    let title = option["displayName"].as_str().unwrap_or(name);
    let question = format!("{title}:");
    let help = option["description"].as_str().unwrap_or_default();
    let start = present.or(Some(&option["default"])).filter(|value| !value.is_null()).map(text).unwrap_or_default();
    let asked = if let Some(choices) = option["enum"].as_array() {
        let choices: Vec<String> = choices.iter().map(text).collect();
        let cursor = choices.iter().position(|choice| *choice == start).unwrap_or(0);
        Select::new(&question, choices).with_starting_cursor(cursor).with_help_message(help).prompt()
    } else if option["secret"] == true {
        let question = if present.is_some() { format!("{title} (blank keeps it):") } else { question };
        Password::new(&question)
            .without_confirmation()
            .with_display_mode(PasswordDisplayMode::Masked)
            .with_help_message(help)
            .prompt()
    } else {
        Text::new(&question).with_initial_value(&start).with_help_message(help).prompt()
    };
    let answer = terminal::answer(asked)?;
    Ok(Some(answer).filter(|answer| !answer.is_empty()).map(Value::from))
}
