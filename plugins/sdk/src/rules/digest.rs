//! Checksums. In a component the host computes them, so that no plugin has to bring the algorithms; it does that with this crate.

use crate::artefacts::DigestAlgorithm;

/// The digest of some bytes, in hexadecimal, as records and package managers have it.
#[must_use]
#[cfg(target_arch = "wasm32")]
pub fn digest(algorithm: DigestAlgorithm, contents: &[u8]) -> String {
    crate::bindings::opkg::plugin::rules::digest(algorithm, contents)
}

/// The digest of some bytes, in hexadecimal, as records and package managers have it.
#[must_use]
#[cfg(not(target_arch = "wasm32"))]
pub fn digest(algorithm: DigestAlgorithm, contents: &[u8]) -> String {
    match algorithm {
        DigestAlgorithm::Md5 => hex::<md5::Md5>(contents),
        DigestAlgorithm::Sha1 => hex::<sha1::Sha1>(contents),
        DigestAlgorithm::Sha256 => hex::<sha2::Sha256>(contents),
        DigestAlgorithm::Sha512 => hex::<sha2::Sha512>(contents),
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn hex<D: sha2::Digest>(contents: &[u8]) -> String {
    D::digest(contents).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_their_standards() {
        // Of "abc": RFC 1321, and the examples of NIST for FIPS 180.
        for (algorithm, expected) in [
            (DigestAlgorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (DigestAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (DigestAlgorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                DigestAlgorithm::Sha512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
        ] {
            assert_eq!(digest(algorithm, b"abc"), expected);
        }
    }
}
