//! What files in systemd's own directories say that packages have something to do about.

use super::contents;
use crate::account::{Account, UnreadableLine, parse_accounts};
use crate::model::{Destination, Unit};
use crate::source_dir::SourceDir;
use crate::unit_name::{is_template, is_unit_name};

const UNIT_DIRECTORY: &str = "/usr/lib/systemd/system/";
const ACCOUNT_DIRECTORY: &str = "/usr/lib/sysusers.d/";

/// Of a file; real ones have a few lines.
const MAX_BYTES: u64 = 64 << 10;

/// What is said of the unit that a regular file of this path describes, if it does.
pub(super) fn read_unit(source: &SourceDir, path: &str, destination: &Destination) -> Option<Unit> {
    let name = name_in(UNIT_DIRECTORY, destination)?;
    is_unit_name(name).then(|| Unit {
        is_template: is_template(name),
        is_installable: read_text(source, path).lines().any(|line| line.trim() == "[Install]"),
    })
}

/// The users and groups that a regular file of this path describes, and its lines that describe none although they should.
pub(super) fn read_accounts(
    source: &SourceDir,
    path: &str,
    destination: &Destination,
) -> (Vec<Account>, Vec<UnreadableLine>) {
    match name_in(ACCOUNT_DIRECTORY, destination) {
        Some(name) if name.ends_with(".conf") => parse_accounts(&read_text(source, path)),
        _ => (Vec::new(), Vec::new()),
    }
}

/// The name of what is installed right in a directory.
fn name_in<'a>(directory: &str, destination: &'a Destination) -> Option<&'a str> {
    let Destination::Path(path) = destination else { return None };
    path.strip_prefix(directory).filter(|name| !name.contains('/'))
}

/// Nothing where the file cannot be read, which is found elsewhere.
fn read_text(source: &SourceDir, path: &str) -> String {
    let read = source.open_file(path).and_then(|file| contents::read_limited(file, MAX_BYTES));
    read.map(|(bytes, _)| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
