//! The digests that plugins are told.

use md5::Md5;
use opkg::digest::hex;
use opkg_interface::archive::DigestAlgorithm;
use opkg_interface::built::Digests;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::checksums::Digester;

/// All of them at once.
#[derive(Default, Clone)]
pub(crate) struct DigestSet {
    md5: Md5,
    sha1: Sha1,
    sha256: Sha256,
    sha512: Sha512,
}

impl Digester for DigestSet {
    fn update(&mut self, bytes: &[u8]) {
        Digest::update(&mut self.md5, bytes);
        Digest::update(&mut self.sha1, bytes);
        Digest::update(&mut self.sha256, bytes);
        Digest::update(&mut self.sha512, bytes);
    }
}

impl DigestSet {
    pub(crate) fn finish(self) -> Digests {
        Digests {
            md5: hex(&self.md5.finalize()),
            sha1: hex(&self.sha1.finalize()),
            sha256: hex(&self.sha256.finalize()),
            sha512: hex(&self.sha512.finalize()),
        }
    }
}

/// One of them.
pub(super) fn select(digests: &Digests, algorithm: DigestAlgorithm) -> &str {
    match algorithm {
        DigestAlgorithm::Md5 => &digests.md5,
        DigestAlgorithm::Sha1 => &digests.sha1,
        DigestAlgorithm::Sha256 => &digests.sha256,
        DigestAlgorithm::Sha512 => &digests.sha512,
    }
}
