//! `opm import-set`: all packages of a package set are asked for.

use std::io::Read;

use anyhow::{Context, Result};
use fs_err as fs;
use opkg_opm::package_set::{self, LARGEST};

use crate::failure::UsageError;
use crate::opm::args::ImportSet;
use crate::opm::commands::ask::request_all;
use crate::opm::exit::Exit;
use crate::opm::session::Session;

/// Runs the command.
///
/// # Errors
/// When the file is no package set, a target does not exist, or the database fails.
pub fn run(session: &Session, arguments: &ImportSet) -> Result<Exit> {
    let file = arguments.file.display();
    let mut bytes = Vec::new();
    fs::File::open(&arguments.file)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        let help = "this is no real package set; look at what wrote this file";
        return Err(UsageError::new(format!("{file} is larger than {} KiB", LARGEST >> 10), help).into());
    }
    let text = String::from_utf8(bytes).with_context(|| format!("{file} is not in UTF-8"))?;
    let set = package_set::parse(&text).map_err(|error| {
        let help = "a package set is <package_set> with <packages>, in which each <opkg> names a package";
        UsageError::new(format!("{file}, {error}"), help)
    })?;
    session.shell.status(&format!(
        "package set {}: {} packages",
        set.name.escape_debug(),
        set.packages.len()
    ));
    request_all(session, &set.packages, &arguments.goal)
}
