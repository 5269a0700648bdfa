//! Finds, or installs, the programs that the suite works with. Each says in one line which of the two it was.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};

use crate::test::workspace;

/// What the suite compares itself with.
pub(crate) struct OutsideWorld {
    node_modules: PathBuf,
    chromium: PathBuf,
    chromedriver: PathBuf,
}

impl OutsideWorld {
    /// How the tests are told where everything is.
    pub(crate) fn variables(&self) -> [(&'static str, PathBuf); 4] {
        [
            ("OUTRIGGER_NETLIFY_CLI", self.node_modules.join(".bin/netlify")),
            ("OUTRIGGER_NODE_MODULES", self.node_modules.clone()),
            ("OUTRIGGER_CHROMIUM", self.chromium.clone()),
            ("OUTRIGGER_CHROMEDRIVER", self.chromedriver.clone()),
        ]
    }
}

/// The folder of `initdb` and `postgres`.
pub(crate) fn postgres_programs() -> Result<PathBuf> {
    if let Some(folder) = find_postgres() {
        println!("postgresql: found in {}", folder.display());
        return Ok(folder);
    }
    apt_install("postgresql: not found", &["postgresql"])?;
    find_postgres().context("the package postgresql is installed, but brought no `initdb`")
}

pub(crate) fn outside_world() -> Result<OutsideWorld> {
    match (version_of("node"), version_of("npm")) {
        (Some(node), Some(npm)) => println!("node: found {node} with npm {npm}"),
        _ => apt_install("node and npm: not both found", &["nodejs", "npm"])?,
    }
    // Tests take these from the system: they open terminals and follow what `demo` prints.
    require("script", "bsdutils")?;
    require("curl", "curl")?;
    // Found on PATH by the emulator that the tests start.
    require("redis-server", "redis-server")?;
    // Ends a redis-server with whoever started it.
    require("setpriv", "util-linux")?;
    // Runs code that pages show.
    require("python3", "python3")?;
    let chromium = require("chromium", "chromium")?;
    let chromedriver = require("chromedriver", "chromium-driver")?;
    let node_modules = npm_install(&workspace().join("xtask/node"), &workspace().join("target/xtask/node"))?;
    Ok(OutsideWorld { node_modules, chromium, chromedriver })
}

/// The program, from its Debian package where there is none yet.
fn require(program: &str, package: &str) -> Result<PathBuf> {
    if let Some(found) = on_path(program) {
        println!("{program}: found {}", found.display());
        return Ok(found);
    }
    apt_install(&format!("{program}: not found"), &[package])?;
    on_path(program).with_context(|| format!("the package {package} is installed, but brought no `{program}`"))
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn find_postgres() -> Option<PathBuf> {
    let mut debian: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path()).collect())
        .unwrap_or_default();
    debian.sort_by_key(|version| std::cmp::Reverse(major_version(version)));
    let on_path = env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let folders = debian.into_iter().map(|version| version.join("bin")).chain(on_path);
    folders.into_iter().find(|folder| ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file()))
}

/// Of a folder such as `/usr/lib/postgresql/15`.
fn major_version(folder: &Path) -> Option<u32> {
    folder.file_name()?.to_str()?.split('.').next()?.parse().ok()
}

fn version_of(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn apt_install(what: &str, packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    let by_hand = format!("{what}. Install the Debian package(s) `{names}`, or the same from elsewhere onto PATH");
    ensure!(version_of("apt-get").is_some(), "{by_hand}: there is no apt-get here");
    ensure!(is_root()?, "{by_hand}: `apt-get install` needs root");
    println!("{what}: apt-get install {names}");
    apt_get(&["update", "--quiet=2"])?;
    apt_get(&[&["install", "--yes", "--quiet=2", "--no-install-recommends"], packages].concat())
}

fn apt_get(args: &[&str]) -> Result<()> {
    succeed(Command::new("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive"))
}

pub(crate) fn is_root() -> Result<bool> {
    Ok(id("-u", None)? == 0)
}

/// A user's or group's number, as `id` tells it; without a name, of whoever runs this.
pub(crate) fn id(which: &str, user: Option<&str>) -> Result<u32> {
    let output = Command::new("id").arg(which).args(user).output().context("id")?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().with_context(|| format!("there is no user {}", user.unwrap_or_default()))
}

/// Installs exactly what the lock file in `pinned` says. No package's own install script is run.
fn npm_install(pinned: &Path, installed: &Path) -> Result<PathBuf> {
    let node_modules = installed.join("node_modules");
    let lock = fs::read(pinned.join("package-lock.json")).context("xtask/node/package-lock.json")?;
    // npm writes this file last, so what an interrupted run left behind is not taken for whole.
    let finished = node_modules.join(".package-lock.json");
    if finished.exists() && fs::read(installed.join("package-lock.json")).is_ok_and(|was| was == lock) {
        println!("npm packages: found in {}", installed.display());
    } else {
        println!("npm packages: npm ci in {} (about a minute)", installed.display());
        if finished.exists() {
            fs::remove_file(&finished).with_context(|| finished.display().to_string())?;
        }
        fs::create_dir_all(installed).with_context(|| installed.display().to_string())?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(pinned.join(file), installed.join(file)).with_context(|| format!("xtask/node/{file}"))?;
        }
        let options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        succeed(Command::new("npm").arg("ci").args(options).current_dir(installed))?;
    }
    Ok(node_modules)
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?} cannot be started"))?;
    if !status.success() {
        bail!("{command:?} failed ({status}); what it printed above says why");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_15_is_newer_than_9_6() {
        let [old, new] = ["/usr/lib/postgresql/9.6", "/usr/lib/postgresql/15"].map(|it| major_version(Path::new(it)));
        assert_eq!((old, new), (Some(9), Some(15)));
        assert!(new > old);
    }

    #[test]
    fn the_lock_file_names_no_address() {
        let lock = fs::read_to_string(workspace().join("xtask/node/package-lock.json")).unwrap();
        assert!(lock.contains("node_modules/netlify-cli"));
        assert!(!lock.contains("://"), "leave out `resolved`, `funding` and `deprecated`");
    }
}
