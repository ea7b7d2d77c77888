//! Size and checksum of a source.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use opkg::model::PayloadDigest;
use sha2::{Digest, Sha256};

/// Bytes of a source, at most.
pub const MAX_SOURCE_BYTES: u64 = 64 << 30;

/// Of a file, from its beginning to its end; it is at its beginning afterwards. Nothing of one that is larger than
/// [`MAX_SOURCE_BYTES`].
pub(crate) fn of_file(file: &mut File) -> io::Result<Option<PayloadDigest>> {
    if file.metadata()?.len() > MAX_SOURCE_BYTES {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(0))?;
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        size += count as u64;
        if size > MAX_SOURCE_BYTES {
            return Ok(None);
        }
        hash.update(&buffer[..count]);
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(Some(PayloadDigest { size, sha256: hash.finalize().into() }))
}
