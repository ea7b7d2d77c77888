//! Files of plugins, which may be anything: in a directory that others write to, as large as they like.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use crate::error::LoadErrorKind;

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// When it cannot be read, is no regular file or a link to one, or is larger.
pub(crate) fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, LoadErrorKind> {
    // Opening a pipe would wait until somebody writes to it.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file =
        File::options().read(true).custom_flags(flags).open(path).map_err(LoadErrorKind::Unreadable)?;
    let found = file.metadata().map_err(LoadErrorKind::Unreadable)?;
    if !found.is_file() {
        return Err(LoadErrorKind::NotAFile);
    }
    if found.len() > limit {
        return Err(LoadErrorKind::TooLarge { limit });
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(LoadErrorKind::Unreadable)?;
    // It has grown meanwhile.
    if bytes.len() as u64 > limit {
        return Err(LoadErrorKind::TooLarge { limit });
    }
    Ok(bytes)
}
