//! Files of plugins, which may be anything: in a directory that others write to, as large as they like.

use std::io::{self, ErrorKind, Read};
use std::path::Path;

use opkg::regular_file;

use crate::error::LoadErrorKind;

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// When it cannot be read, is no regular file or a link to one, or is larger.
pub(crate) fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, LoadErrorKind> {
    let file = regular_file::open(path).map_err(|error| match error.kind() {
        ErrorKind::InvalidInput => LoadErrorKind::NotAFile,
        _ => unreadable(error),
    })?;
    let found = file.metadata().map_err(unreadable)?;
    if found.len() > limit {
        return Err(LoadErrorKind::TooLarge { limit });
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    // It has grown meanwhile.
    if bytes.len() as u64 > limit {
        return Err(LoadErrorKind::TooLarge { limit });
    }
    Ok(bytes)
}

fn unreadable(error: io::Error) -> LoadErrorKind {
    match error.kind() {
        // It is not the file's fault.
        ErrorKind::OutOfMemory => LoadErrorKind::Engine(error.to_string()),
        _ => LoadErrorKind::Unreadable(error),
    }
}
