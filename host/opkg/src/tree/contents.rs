//! What is in a file: its hash, its beginning, its text. Reading is bounded whatever the file does meanwhile.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256};

use crate::limits;

/// Opens a regular file. Links are not followed, and a named pipe is no reason to wait.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

/// The first bytes of a file, up to a limit; whether there are more.
pub(crate) fn read_limited(file: File, limit: u64) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    let is_longer = bytes.len() as u64 > limit;
    if is_longer {
        bytes.pop();
    }
    Ok((bytes, is_longer))
}

/// What there is to know about a file without keeping it.
pub(super) struct FileDigest {
    pub size: u64,
    pub sha256: [u8; 32],
    /// The first [`limits::MAX_SHEBANG_BYTES`].
    pub head: Vec<u8>,
}

/// Reads a file to its end, but no more than `limit` bytes; nothing where it is longer. `each` gets one piece after the
/// other.
pub(super) fn digest(
    mut file: File,
    limit: u64,
    mut each: impl FnMut(&[u8]),
) -> io::Result<Option<FileDigest>> {
    if file.metadata()?.len() > limit {
        return Ok(None);
    }
    let mut hash = Sha256::new();
    let mut head = Vec::new();
    let mut size = 0u64;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        size += count as u64;
        if size > limit {
            return Ok(None);
        }
        let bytes = &buffer[..count];
        hash.update(bytes);
        each(bytes);
        let wanted = limits::MAX_SHEBANG_BYTES.saturating_sub(head.len()).min(count);
        head.extend_from_slice(&bytes[..wanted]);
    }
    Ok(Some(FileDigest { size, sha256: hash.finalize().into(), head }))
}

/// The hash of nothing, which stands for a link.
pub(super) fn empty_hash() -> [u8; 32] {
    Sha256::digest([]).into()
}

/// Whether a file is a component of WebAssembly, or a module: what its beginning says.
pub(super) fn is_wasm(head: &[u8]) -> bool {
    head.starts_with(b"\0asm")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_files_are_left() {
        assert!(open(Path::new("/dev/zero")).is_err());
    }
}
