//! What the client prints: tables for people, JSON for programs, and a spinner while it waits.

use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::exit::{CommandResult, Failure};

/// Prints JSON, indented.
pub(crate) fn print_json(value: &impl Serialize) -> CommandResult {
    let text = serde_json::to_string_pretty(value).map_err(|fault| Failure::new(1, fault.to_string()))?;
    anstream::println!("{text}");
    Ok(())
}

/// Prints rows under a header.
pub(crate) fn print_table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.map(str::to_uppercase));
    for row in rows {
        table.add_row(row);
    }
    for line in table.lines() {
        anstream::println!("{}", line.trim_end());
    }
}

/// Shows a spinner on a terminal when the work takes over half a second.
pub(crate) async fn with_spinner<T>(message: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let bar = tokio::select! {
        done = &mut work => return done,
        () = tokio::time::sleep(Duration::from_millis(500)) => ProgressBar::new_spinner(),
    };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.set_message(message.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    let done = work.await;
    bar.finish_and_clear();
    done
}
