//! Files that belong to the user alone, and where they are.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::exit::{CommandResult, Failure};

/// Only its owner may read the file, and nobody ever sees half of it.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    // Of this process alone: two that write the same file must not write into one draft.
    name.push(format!(".{}.new", std::process::id()));
    let draft = PathBuf::from(name);
    let written = write_new(&draft, content).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // Best effort: the error that is told is the first one.
        let _ = fs::remove_file(&draft);
    }
    written
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    // One that a crash left behind may have other permissions.
    let _ = fs::remove_file(path);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// The folder that an XDG variable names, or its default below HOME. As the XDG Base Directory Specification has it,
/// relative paths do not count.
pub(crate) fn base_folder(variable: &str, below_home: &str) -> CommandResult<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable).or_else(|| Some(absolute("HOME")?.join(below_home))).ok_or_else(|| {
        Failure::usage(format!("neither {variable} nor HOME is set"))
            .hint(format!("set {variable} to a folder of your own"))
    })
}
