//! What kind of key signs, and who takes that.

use opkg_interface::artefacts::{AcceptedKey, KeyAlgorithm};
use pgp::ser::Serialize;
use pgp::types::{EcdsaPublicParams, KeyDetails, PublicParams};

/// The kind of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyKind {
    /// For people: `RSA of 1024 bits`.
    name: String,
    /// Nothing for a kind that no target is known to take.
    algorithm: Option<KeyAlgorithm>,
    /// Of the modulus, or of the curve.
    bits: u32,
}

impl KeyKind {
    pub(super) fn new(key: &impl KeyDetails) -> Self {
        let params = key.public_params();
        match params {
            PublicParams::RSA(_) => Self::sized("RSA", KeyAlgorithm::Rsa, leading_number_bits(params)),
            PublicParams::DSA(_) => Self::sized("DSA", KeyAlgorithm::Dsa, leading_number_bits(params)),
            PublicParams::ECDSA(curve) => {
                let bits = match curve {
                    EcdsaPublicParams::P384 { .. } => 384,
                    EcdsaPublicParams::P521 { .. } => 521,
                    EcdsaPublicParams::Unsupported { curve, .. } => curve.nbits().into(),
                    EcdsaPublicParams::P256 { .. } | EcdsaPublicParams::Secp256k1 { .. } => 256,
                };
                Self::sized("ECDSA", KeyAlgorithm::Ecdsa, bits)
            }
            PublicParams::EdDSALegacy(_) => {
                Self { name: "Ed25519".to_owned(), algorithm: Some(KeyAlgorithm::Ed25519), bits: 256 }
            }
            _ => Self { name: format!("{:?} of RFC 9580", key.algorithm()), algorithm: None, bits: 0 },
        }
    }

    fn sized(name: &str, algorithm: KeyAlgorithm, bits: u32) -> Self {
        Self { name: format!("{name} of {bits} bits"), algorithm: Some(algorithm), bits }
    }

    /// For people.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn is_accepted(&self, accepted: &[AcceptedKey]) -> bool {
        accepted.iter().any(|key| Some(key.algorithm) == self.algorithm && self.bits >= key.min_bits)
    }
}

/// The first kind that is not among those that a target accepts, for people.
pub(super) fn find_unaccepted<'a>(kinds: &'a [KeyKind], accepted: &[AcceptedKey]) -> Option<&'a str> {
    kinds.iter().find(|kind| !kind.is_accepted(accepted)).map(|kind| kind.name.as_str())
}

/// How many bits the first number of a key has: the modulus of RSA, the prime of DSA. Its length in bits stands before
/// it (RFC 9580, 3.2).
fn leading_number_bits(params: &PublicParams) -> u32 {
    let mut bytes = Vec::new();
    // Writing to a vector cannot fail; a key that cannot be written has no bits to count on.
    let _ = params.to_writer(&mut bytes);
    match bytes.as_slice() {
        [high, low, ..] => u32::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    }
}
