//! Where a plugin comes from, and the checksum that is noted where somebody installed it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Problem;

/// Where a plugin comes from, in the order in which they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Named one by one.
    Named,
    /// A directory of the search path.
    SearchPath,
    /// The user's own.
    User,
    /// The machine's.
    System,
    /// Part of the program.
    Embedded,
}

/// What is noted beside an installed plugin, in `<id>.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) sha256: String,
}

/// Whether a file is still what was installed. Only the user's own directory is held to that: the others are
/// kept by somebody else.
///
/// # Errors
/// When it is not, or nobody can tell.
pub(crate) fn verify(origin: &Origin, path: &Path, found: &str) -> Result<(), Problem> {
    if *origin != Origin::User {
        return Ok(());
    }
    let record = record_of(path);
    let bytes = match fs::read(&record) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Problem::Unrecorded),
        Err(error) => return Err(Problem::BadRecord { path: record, reason: error.to_string() }),
    };
    match serde_json::from_slice::<Record>(&bytes) {
        Ok(record) if record.sha256 == found => Ok(()),
        Ok(record) => {
            Err(Problem::Changed { recorded: crate::text::one_line(&record.sha256), found: found.to_owned() })
        }
        Err(error) => Err(Problem::BadRecord { path: record, reason: error.to_string() }),
    }
}

/// The file beside a plugin that holds its record.
pub(crate) fn record_of(plugin: &Path) -> PathBuf {
    plugin.with_extension("json")
}
