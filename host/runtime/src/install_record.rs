//! Where a plugin comes from, and the checksum that is noted where somebody installed it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::component_file::read_limited;
use crate::error::LoadErrorKind;

/// Of the file beside a plugin.
const MAX_RECORD_BYTES: u64 = 64 << 10;

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

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Named => "named with --plugin",
            Self::SearchPath => "from OPKG_PLUGIN_PATH",
            Self::User => "installed by the user",
            Self::System => "of the system",
            Self::Embedded => "built in",
        })
    }
}

/// What is noted beside an installed plugin, in `<id>.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct InstallRecord {
    pub(crate) sha256: String,
}

/// Whether a file is still what was installed. Only the user's own directory is held to that: the others are
/// kept by somebody else.
///
/// # Errors
/// When it is not, or nobody can tell.
pub(crate) fn verify_checksum(origin: &Origin, path: &Path, found: &str) -> Result<(), LoadErrorKind> {
    if *origin != Origin::User {
        return Ok(());
    }
    let record = record_path(path);
    let bytes = match read_limited(&record, MAX_RECORD_BYTES) {
        Ok(bytes) => bytes,
        Err(LoadErrorKind::Unreadable(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Err(LoadErrorKind::NoInstallRecord);
        }
        Err(LoadErrorKind::Unreadable(error)) => {
            return Err(LoadErrorKind::InvalidRecord { path: record, reason: error.to_string() });
        }
        Err(_) => {
            let reason = "it is not a small regular file".into();
            return Err(LoadErrorKind::InvalidRecord { path: record, reason });
        }
    };
    match serde_json::from_slice::<InstallRecord>(&bytes) {
        Ok(record) if record.sha256 == found => Ok(()),
        Ok(record) => Err(LoadErrorKind::ChecksumMismatch {
            recorded: opkg_interface::text::one_line(&record.sha256),
            found: found.to_owned(),
        }),
        Err(error) => Err(LoadErrorKind::InvalidRecord { path: record, reason: error.to_string() }),
    }
}

/// The file beside a plugin that holds its record.
pub(crate) fn record_path(plugin: &Path) -> PathBuf {
    plugin.with_extension("json")
}
