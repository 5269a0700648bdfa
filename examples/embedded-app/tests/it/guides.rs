//! The guides quote what is compiled and run: each of their blocks is compared with its source, byte for byte.
//!
//! A block stands below a comment that names its source: `<!-- src/host.rs: host -->` for what stands between
//! `[guide: host]` and `[end]` there, `<!-- output: migration --sqlite -->` for what the program prints,
//! `<!-- run: --ephemeral -->` for how it is started. After a change,
//! `UPDATE_GUIDES=1 cargo test -p embedded-app guides` copies the sources into the guides.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn example() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn guide(name: &str) -> PathBuf {
    example().join("../../docs").join(name)
}

/// What stands between the marks, shifted to the left.
fn region(source: &str, name: &str) -> String {
    let begins = |line: &&str| line.trim_start_matches(['/', '#', ' ']).trim_end() == format!("[guide: {name}]");
    let lines = source.lines().skip_while(|line| !begins(line)).skip(1);
    let lines: Vec<&str> = lines.take_while(|line| !line.trim_end().ends_with(" [end]")).collect();
    assert!(!lines.is_empty(), "there is no `[guide: {name}]`");
    let indent = lines.iter().filter(|line| !line.trim().is_empty()).map(|line| line.len() - line.trim_start().len());
    let indent = indent.min().unwrap_or(0);
    lines.iter().map(|line| format!("{}\n", line.get(indent..).unwrap_or_default())).collect()
}

fn board(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_embedded-app"));
    command.args(arguments.split(' '));
    command
}

/// How the program is started so, which is tried.
fn started(arguments: &str) -> String {
    let mut process = board(arguments).args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut printed = BufReader::new(process.stdout.take().unwrap());
    printed.read_line(&mut line).unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(line.starts_with("The board is at http://"), "{line}");
    format!("cargo run -p embedded-app -- {arguments}\n")
}

/// What the comment above a block says that it is.
fn quoted(reference: &str) -> String {
    let (place, what) = reference.split_once(": ").unwrap_or_else(|| panic!("`{reference}` names no source"));
    match place {
        "output" => return String::from_utf8(board(what).output().unwrap().stdout).unwrap(),
        "run" => return started(what),
        _ => {}
    }
    let file = example().join(place);
    region(&std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())), what)
}

/// The guide with each block replaced by what it quotes, and the references in it.
fn fresh(text: &str) -> (String, Vec<String>) {
    let (mut fresh, mut references) = (String::new(), Vec::new());
    let mut lines = text.lines();
    let mut reference: Option<&str> = None;
    while let Some(line) = lines.next() {
        fresh.push_str(line);
        fresh.push('\n');
        if line.starts_with("```") {
            let reference = reference.unwrap_or_else(|| panic!("the block `{line}` names no source"));
            let source = quoted(reference);
            assert!(!source.contains("```"), "{reference} cannot be quoted");
            fresh.push_str(&source);
            fresh.push_str("```\n");
            references.push(reference.to_owned());
            assert!(lines.any(|line| line == "```"), "the block of {reference} has no end");
        }
        reference = line.strip_prefix("<!-- ").and_then(|line| line.strip_suffix(" -->"));
    }
    (fresh, references)
}

#[track_caller]
fn check(name: &str) -> Vec<String> {
    let path = guide(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let (fresh, references) = fresh(&text);
    if std::env::var_os("UPDATE_GUIDES").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    } else {
        let differs = text.lines().zip(fresh.lines()).position(|(is, should)| is != should);
        assert!(text == fresh, "{name} is out of date at line {differs:?}; UPDATE_GUIDES=1 renews it");
    }
    references
}

#[test]
fn every_block_of_the_guides_is_in_the_source() {
    let mut quoted = check("guide-supporting-integrations.md");
    quoted.extend(check("guide-writing-integrations.md"));
    assert!(quoted.len() >= 20, "{quoted:?}");
}

#[test]
fn whatever_is_marked_for_a_guide_is_in_one() {
    let guides: String = ["guide-supporting-integrations.md", "guide-writing-integrations.md"]
        .map(|name| std::fs::read_to_string(guide(name)).unwrap())
        .concat();
    let mut marked = BTreeMap::new();
    let sources = std::fs::read_dir(example().join("src")).unwrap().map(|entry| entry.unwrap().path());
    for source in sources.filter(|path| path.extension().is_some_and(|ending| ending == "rs")) {
        let name = source.file_name().unwrap().to_string_lossy().into_owned();
        for line in std::fs::read_to_string(&source).unwrap().lines() {
            let mark = line.trim_start().strip_prefix("// [guide: ").and_then(|mark| mark.strip_suffix(']'));
            if let Some(mark) = mark {
                marked.insert(format!("<!-- src/{name}: {mark} -->"), ());
            }
        }
    }
    assert!(!marked.is_empty());
    for reference in marked.keys() {
        assert!(guides.contains(reference.as_str()), "no guide has {reference}");
    }
}
