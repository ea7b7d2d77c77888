//! `opm import-set`: all packages of a package set are asked for.

use std::io::Read;

use fs_err as fs;
use opkg_engine::package_set::{self, MAX_FILE_SIZE};
use opkg_shell::UsageError;

use crate::args::ImportSetArgs;
use crate::commands::requests::request_all;
use crate::errors::{CliError, Context};
use crate::exit::ExitStatus;
use crate::session::Session;

/// Runs the command.
///
/// # Errors
/// When the file is no package set, a target does not exist, or the database fails.
pub fn run(session: &Session, arguments: &ImportSetArgs) -> Result<ExitStatus, CliError> {
    let file = arguments.file.display();
    let mut bytes = Vec::new();
    fs::File::open(&arguments.file)?.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_SIZE {
        let help = "this is no real package set; look at what wrote this file";
        return Err(
            UsageError::new(format!("{file} is larger than {} KiB", MAX_FILE_SIZE >> 10), help).into()
        );
    }
    let text = String::from_utf8(bytes).context(format_args!("{file} is not in UTF-8"))?;
    let set = package_set::parse(&text).map_err(|error| {
        let help = "a package set is <package_set> with <packages>, in which each <opkg> names a package";
        UsageError::new(format!("{file}, {error}"), help)
    })?;
    session.shell.status(&format!(
        "package set {}: {} packages",
        set.name.escape_debug(),
        set.packages.len()
    ));
    request_all(session, &set.packages, &arguments.goal, arguments.new)
}
