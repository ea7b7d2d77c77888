//! The files of an index, and how packages are read for it.

use std::path::Path;

use fs_err as fs;
use opkg::regular_file;

use crate::deb822::ControlFileError;
use crate::error::Error;

/// The index of the packages of one format.
pub(super) struct IndexFiles {
    /// Path within the directory, and contents.
    pub(super) files: Vec<(String, Vec<u8>)>,
    /// Files and directories that an earlier index may have had; what is not among `files` is removed.
    pub(super) obsolete: Vec<String>,
}

/// Why a package cannot go into an index. Reads as a sentence about its file.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct IndexError(String);

impl From<String> for IndexError {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}

impl From<&str> for IndexError {
    fn from(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

impl From<ControlFileError> for IndexError {
    fn from(error: ControlFileError) -> Self {
        Self(error.to_string())
    }
}

/// A package's file, opened, unless it is something else under such a name: a device, a link out of the directory.
pub(super) fn open_package(directory: &Path, name: &str) -> Result<fs::File, Error> {
    let path = directory.join(name);
    let is_unprintable = |c: char| c.is_whitespace() || c.is_control() || c == char::REPLACEMENT_CHARACTER;
    if name.contains(is_unprintable) {
        return Err(cannot_index(
            directory,
            name,
            "its name has a blank or a character that cannot be printed",
        ));
    }
    if !fs::symlink_metadata(&path)?.is_file() {
        return Err(cannot_index(directory, name, "it is not a regular file"));
    }
    let file = regular_file::open_no_follow(&path)
        .map_err(|error| cannot_index(directory, name, format!("it cannot be opened: {error}")))?;
    Ok(fs::File::from_parts(file, path))
}

pub(super) fn cannot_index(directory: &Path, name: &str, reason: impl Into<IndexError>) -> Error {
    Error::CannotIndex { file: directory.join(name), reason: reason.into().0 }
}
