//! Checksums of texts, in hexadecimal. Those of files the host computes.

use std::fmt::Write as _;

use md5::Md5;
use sha2::{Digest, Sha256};

#[must_use]
pub fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// Versions of pacman before 7 look at nothing else in `.MTREE`.
#[must_use]
pub fn md5(text: &str) -> String {
    hex(&Md5::digest(text))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_of_a_text() {
        assert_eq!(md5("a"), "0cc175b9c0f1b6a831c399e269772661");
        assert_eq!(sha256("a"), "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
    }
}
