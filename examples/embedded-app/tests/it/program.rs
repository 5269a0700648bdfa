//! The program as people start it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

fn board() -> Command {
    Command::new(env!("CARGO_BIN_EXE_embedded-app"))
}

fn output(arguments: &[&str]) -> (bool, String, String) {
    let output = board().args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_migration_is_printed_for_both_engines() {
    for engine in ["--sqlite", "--postgres"] {
        let (done, sql, _) = output(&["migration", engine]);
        assert!(done && sql.contains("ADD COLUMN extra_owner TEXT REFERENCES person(id) ON DELETE CASCADE;"), "{sql}");
        assert_eq!(sql.lines().count(), 2, "{sql}");
    }
    let (done, _, error) = output(&["migration"]);
    assert!(!done && error.contains("--postgres") && error.contains("--sqlite"), "{error}");
}

/// Ended with the test, whatever becomes of it.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn it_works_at_once_and_keeps_its_data() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for _ in 0..2 {
        let mut command = board();
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(&data).stdout(Stdio::piped());
        let mut started = Started(command.spawn().unwrap());
        let mut line = String::new();
        // Kept: a program whose output nobody takes may end.
        let mut printed = BufReader::new(started.0.stdout.take().unwrap());
        printed.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("The board is at ").unwrap_or_else(|| panic!("{line}"));
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let page = client.get(format!("{url}/sign-in")).send().await.unwrap().text().await.unwrap();
        // The sample is there, once.
        assert_eq!(page.matches("value=\"ben\"").count(), 1, "{page}");
    }
}
