//! What commands print: tables for people, JSON for programs, and a spinner while they wait.

use std::fmt::Arguments;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::exit::{CommandResult, Failure};

/// Prints a line to standard output, as `println!` does.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::print(format_args!("{}\n", format_args!($($text)*))) };
}
pub(crate) use say;

/// As a shell reports a program that SIGPIPE has ended.
const BROKEN_PIPE: i32 = 128 + 13;

/// Prints to standard output. That cannot be done ends the program: when the reader has seen enough, without a word.
pub(crate) fn print(text: Arguments) {
    let Err(fault) = anstream::stdout().lock().write_fmt(text) else { return };
    if fault.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(BROKEN_PIPE);
    }
    Failure::new(1, format!("cannot write to standard output: {fault}")).report(false);
    std::process::exit(1);
}

/// Prints JSON, indented.
pub(crate) fn print_json(value: &impl Serialize) -> CommandResult {
    say!("{}", serde_json::to_string_pretty(value).context("the answer cannot be written as JSON")?);
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
        say!("{}", line.trim_end());
    }
}

/// There is one line to show it on.
static IS_WAITING: AtomicBool = AtomicBool::new(false);

/// Shows a spinner on a terminal when the work takes over half a second, unless it is part of a work that has one.
pub(crate) async fn with_spinner<T>(message: &str, work: impl Future<Output = T>) -> T {
    if IS_WAITING.swap(true, Ordering::Relaxed) {
        return work.await;
    }
    let done = spin(message, work).await;
    IS_WAITING.store(false, Ordering::Relaxed);
    done
}

async fn spin<T>(message: &str, work: impl Future<Output = T>) -> T {
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
