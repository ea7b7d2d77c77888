//! Files that are read whole.

use std::io::Read;
use std::path::Path;

use opkg::regular_file;

use crate::error::Error;
use crate::limits::MAX_FILE_BYTES;

/// All of a regular file.
pub(crate) fn read_regular_file(path: &Path) -> Result<Vec<u8>, Error> {
    let unsound = |reason: String| Error::InvalidPackage { path: path.to_owned(), reason };
    let file = regular_file::open(path).map_err(|error| unsound(error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unsound(error.to_string()))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(unsound(format!("it is larger than {} GiB", MAX_FILE_BYTES >> 30)));
    }
    Ok(bytes)
}
