//! What Djblets' integrations framework does, and which of our tests shows that ours does it too: each of its
//! capabilities, each behaviour that its own tests assert, each failure that was seen when it was driven over its edges.
//!
//! A test is named by its file and its function, below this crate's folder. `file#text` names an example in the
//! documentation of that file which has `text` in it and must not compile. What has no test has a reason.

use std::fs;
use std::path::Path;

use By::{Shown, Without};

mod capabilities;
mod failures;
mod their_tests;

/// One thing that Djblets does, or did wrong.
pub(super) struct Row {
    what: &'static str,
    by: By,
}

enum By {
    /// These tests.
    Shown(&'static [&'static str]),
    /// None, for this reason.
    Without(&'static str),
}

pub(super) const fn shown(what: &'static str, tests: &'static [&'static str]) -> Row {
    Row { what, by: Shown(tests) }
}

pub(super) const fn without(what: &'static str, reason: &'static str) -> Row {
    Row { what, by: Without(reason) }
}

fn source(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Whether the source has this function, with a test attribute among the lines right above it.
fn has_test(source: &str, function: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim_start).collect();
    let begins = [format!("fn {function}("), format!("async fn {function}(")];
    lines.iter().enumerate().any(|(at, line)| {
        let above = lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        begins.iter().any(|begin| line.starts_with(begin.as_str()))
            && above.into_iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

/// Whether the documentation has an example with this text that must not compile.
fn refuses(source: &str, text: &str) -> bool {
    let examples = source.split("```compile_fail").skip(1);
    examples.map(|rest| rest.split("```").next().unwrap_or_default()).any(|example| example.contains(text))
}

#[track_caller]
fn check(rows: &[Row], expected: usize) {
    assert_eq!(rows.len(), expected);
    for (at, row) in rows.iter().enumerate() {
        assert!(rows[..at].iter().all(|other| other.what != row.what), "`{}` is there twice", row.what);
        match row.by {
            Without(reason) => assert!(reason.len() > 20, "`{}` needs a reason", row.what),
            Shown(tests) => {
                assert!(!tests.is_empty(), "`{}` names no test", row.what);
                tests.iter().for_each(|test| check_test(row.what, test));
            }
        }
    }
}

#[track_caller]
fn check_test(what: &str, test: &str) {
    let found = match (test.split_once('#'), test.split_once("::")) {
        (Some((file, text)), _) => refuses(&source(file), text),
        (None, Some((file, function))) => has_test(&source(file), function),
        (None, None) => false,
    };
    assert!(found, "there is no test `{test}`, which is to show `{what}`");
}

#[test]
fn every_capability_of_djblets_has_a_test_or_a_reason() {
    check(capabilities::ROWS, 51);
}

#[test]
fn every_behaviour_that_djblets_tests_is_tested_or_has_a_reason() {
    check(their_tests::ROWS, 49);
}

#[test]
fn every_failure_of_djblets_has_a_test_that_it_does_not_happen_here() {
    check(failures::ROWS, 31);
}

#[test]
fn a_test_is_only_found_where_there_is_one() {
    let source = "#[test]\nfn one() {}\n\nfn helper() {}\n\n#[tokio::test]\n// Why.\nasync fn two() {}\n";
    assert!(has_test(source, "one") && has_test(source, "two"));
    assert!(!has_test(source, "helper") && !has_test(source, "tw") && !has_test(source, "three"));
}
