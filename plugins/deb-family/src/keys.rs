//! Keys whose signatures apt accepts.

use opkg_sdk::artefacts::{AcceptedKey, KeyAlgorithm};

/// What checks signatures for apt on a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verifier {
    /// gpgv of GnuPG 1.4, which knows no elliptic curves.
    Gpgv1,
    /// gpgv of GnuPG 2, whatever the key.
    Gpgv2,
    /// apt from 2.7.13 on, or sqv, which take neither DSA nor short RSA.
    Strict,
}

impl Verifier {
    /// The keys that it takes.
    #[must_use]
    pub fn accepted_keys(self) -> Vec<AcceptedKey> {
        use KeyAlgorithm::{Dsa, Ecdsa, Ed25519, Rsa};
        let accepted: &[(KeyAlgorithm, u32)] = match self {
            Self::Gpgv1 => &[(Rsa, 1024), (Dsa, 1024)],
            Self::Gpgv2 => &[(Rsa, 1024), (Dsa, 1024), (Ecdsa, 256), (Ed25519, 256)],
            Self::Strict => &[(Rsa, 2048), (Ecdsa, 256), (Ed25519, 256)],
        };
        accepted.iter().map(|&(algorithm, min_bits)| AcceptedKey { algorithm, min_bits }).collect()
    }
}
