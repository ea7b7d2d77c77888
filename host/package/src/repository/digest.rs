//! Checksums of files, as indices list them.

use std::io::{self, Read};

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::hex::hex;

/// Size and checksums of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sums {
    /// Bytes.
    pub(super) size: u64,
    pub(super) md5: String,
    pub(super) sha1: String,
    pub(super) sha256: String,
}

impl Sums {
    /// Reads to the end.
    pub(super) fn of(mut data: impl Read) -> io::Result<Self> {
        let (mut md5, mut sha1, mut sha256) = (Md5::new(), Sha1::new(), Sha256::new());
        let mut size = 0;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = data.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            let read = &buffer[..count];
            md5.update(read);
            sha1.update(read);
            sha256.update(read);
            size += count as u64;
        }
        let (md5, sha1, sha256) = (hex(&md5.finalize()), hex(&sha1.finalize()), hex(&sha256.finalize()));
        Ok(Self { size, md5, sha1, sha256 })
    }
}
