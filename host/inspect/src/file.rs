//! Files on disk.

use std::fs::File;
use std::path::Path;

use opkg::regular_file;

use crate::error::Error;

/// Opens a regular file.
pub(crate) fn open_regular_file(path: &Path) -> Result<File, Error> {
    regular_file::open(path)
        .map_err(|error| Error::InvalidPackage { path: path.to_owned(), reason: error.to_string() })
}
