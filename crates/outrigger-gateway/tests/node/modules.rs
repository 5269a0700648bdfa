//! Where npm's packages are, if they are there.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;

/// Without them a test is skipped, but never where everything has to be tested.
pub(crate) fn modules() -> Option<OsString> {
    let modules = std::env::var_os("OUTRIGGER_NODE_MODULES").filter(|modules| Path::new(modules).join("jose").exists());
    if modules.is_none() {
        assert!(std::env::var_os("CI").is_none(), "OUTRIGGER_NODE_MODULES has no jose: run `cargo xtask test`");
        // Not `eprintln!`: what a passing test prints with it is not shown.
        let mut stderr = std::io::stderr();
        writeln!(stderr, "skipped: npm's packages are not here (cargo xtask test runs it)").unwrap();
    }
    modules
}
