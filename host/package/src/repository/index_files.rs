//! The files of an index, and how packages are read for it.

use std::io::{Read, Take};
use std::path::Path;

use fs_err as fs;
use opkg::regular_file;

use crate::deb822::ControlFileError;
use crate::error::Error;

/// The index of the packages of one format.
#[derive(Default)]
pub(super) struct IndexFiles {
    /// Path within the directory, and contents.
    pub(super) files: Vec<(String, Vec<u8>)>,
    /// Further paths of some of them, each with the first one.
    pub(super) copies: Vec<(String, String)>,
    /// Symbolic links, each with the file of the same directory that it leads to.
    pub(super) links: Vec<(String, String)>,
    /// Files and directories that an earlier index may have had; what is not among `files` is removed.
    pub(super) obsolete: Vec<String>,
    /// Why it is not signed, although there is a key.
    pub(super) unsigned: Option<UnsignedReason>,
}

/// Why an index is not signed, although there is a key; of packages it is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsignedReason {
    /// It has no place for a signature.
    NoPlace,
    /// Whoever reads it takes signatures of RSA keys alone.
    OtherKey,
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

/// Packages that are read before what they say goes into the lists, by several threads.
pub(super) const PACKAGES_AT_A_TIME: usize = 256;

/// Bytes of the lists of an index before they are compressed; they are made in memory.
const MAX_INDEX_BYTES: usize = 512 << 20;

/// A package's file, opened, unless it is something else under such a name: a device, a link out of the directory. No
/// more of it can be read than it had then.
pub(super) fn open_package(directory: &Path, name: &str) -> Result<Take<fs::File>, Error> {
    let path = directory.join(name);
    let refuse = |reason: &str| Err(cannot_index(directory, name, reason));
    let is_unprintable = |c: char| c.is_whitespace() || c.is_control() || c == char::REPLACEMENT_CHARACTER;
    if name.contains(is_unprintable) {
        return refuse("its name has a blank or a character that cannot be printed");
    }
    if !fs::symlink_metadata(&path)?.is_file() {
        return refuse("it is not a regular file");
    }
    // It may have become something else meanwhile.
    let file = regular_file::open_no_follow(&path)
        .map_err(|error| cannot_index(directory, name, format!("it cannot be opened: {error}")))?;
    let found = file.metadata()?;
    Ok(fs::File::from_parts(file, path).take(found.len()))
}

/// Fails when the lists of an index have become longer than any reader would take.
pub(super) fn limit_index(directory: &Path, bytes: usize) -> Result<(), Error> {
    if bytes <= MAX_INDEX_BYTES {
        return Ok(());
    }
    let what = format!("packages whose lists have more than {} MiB", MAX_INDEX_BYTES >> 20);
    Err(Error::TooMuchToIndex { directory: directory.to_owned(), what })
}

pub(super) fn cannot_index(directory: &Path, name: &str, reason: impl Into<IndexError>) -> Error {
    Error::CannotIndex { file: directory.join(name), reason: reason.into().0 }
}
