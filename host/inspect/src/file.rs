//! Files that are read whole.

use std::io::Read;
use std::path::Path;

use fs_err as fs;

use crate::error::Error;

/// Bytes of a file that is read at all. All formats have trouble above it.
const MAX_FILE_BYTES: u64 = 2 << 30;

/// All of a regular file.
pub(crate) fn read_regular_file(path: &Path) -> Result<Vec<u8>, Error> {
    let unsound = |reason: String| Error::InvalidPackage { path: path.to_owned(), reason };
    // Asked before it is opened: opening a pipe would wait.
    let is_regular = fs::metadata(path)?.is_file();
    if !is_regular {
        return Err(unsound("it is no regular file".into()));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(unsound(format!("it is larger than {} GiB", MAX_FILE_BYTES >> 30)));
    }
    Ok(bytes)
}
