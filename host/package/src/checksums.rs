//! Size and checksums of a file, as control files and indices list them.

use std::io::{self, Read};

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use opkg::digest::hex;

/// Of one file, the checksums in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checksums {
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) md5: String,
    pub(crate) sha1: String,
    pub(crate) sha256: String,
}

impl Checksums {
    /// Reads to the end.
    pub(crate) fn compute(mut data: impl Read) -> io::Result<Self> {
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

/// A control field's list of files, a line each: checksum, size, name.
pub(crate) fn format_checksum_list<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a Checksums)>,
    sum: impl Fn(&'a Checksums) -> &'a str,
) -> String {
    files.into_iter().map(|(name, sums)| format!("\n {} {} {name}", sum(sums), sums.size)).collect()
}
