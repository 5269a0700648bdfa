//! The invariants of ARCHITECTURE.md that Cargo cannot keep.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}

/// No file below `src` says any of the words, but those whose path contains one of the exceptions.
#[track_caller]
fn check(krate: &str, words: &[&str], only_in: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(krate).join("src");
    let all = sources(&folder);
    assert!(!all.is_empty());
    for path in all {
        let name = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
        if only_in.iter().any(|place| name.starts_with(place)) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for word in words {
            assert!(!text.contains(word), "{krate}/src/{name} says `{word}`");
        }
    }
}

#[test]
fn sql_is_in_the_store_only() {
    let words = ["sea_orm::", "sqlx::", "sea_query::"];
    check("outrigger-platform", &words, &["store"]);
    check("outrigger", &words, &[]);
    check("outrigger-provider", &words, &[]);
}

#[test]
fn the_lower_layers_know_no_web_framework() {
    for layer in ["outrigger-addon", "outrigger-db"] {
        check(layer, &["axum"], &[]);
    }
    let above = ["api", "auth", "dashboard", "error.rs", "router.rs", "server.rs", "lib.rs"];
    check("outrigger-platform", &["axum"], &above);
}

#[test]
fn jobs_know_no_operation_and_operations_no_surface() {
    check("outrigger-platform", &["crate::ops"], &["api", "dashboard", "ops", "lib.rs"]);
    check("outrigger-platform", &["crate::api"], &["api", "router.rs", "lib.rs"]);
    check("outrigger-platform", &["crate::dashboard"], &["dashboard", "router.rs", "lib.rs"]);
}

#[test]
fn partners_are_called_from_jobs_and_at_registration_only() {
    check("outrigger-platform", &["provider."], &["jobs", "provider_client.rs", "ops/addons.rs"]);
    check("outrigger-platform", &["reqwest::Client::builder"], &[]);
    check("outrigger-integrations", &["reqwest::Client::builder"], &["outbound.rs"]);
}

#[test]
fn a_store_function_that_names_no_tenant_says_so() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    for name in ["sites.rs", "instances.rs", "env_vars.rs", "snippets.rs", "build_hooks.rs", "deliveries.rs"] {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        for signature in text.split("pub async fn ").skip(1) {
            let function = signature.split('(').next().unwrap();
            let first = signature.split("&self,").nth(1).unwrap_or_default().trim_start();
            let tenant = ["site:", "account:", "accounts:", "level:"].iter().any(|tenant| first.starts_with(tenant));
            let says_so = function.ends_with("_anywhere") || function == "build_hook_of_instance";
            assert!(tenant || says_so, "{name}: `{function}` reads across tenants without saying so");
        }
    }
}
