//! Signatures that were made earlier, checked with the public halves of keys.

use std::io::{Cursor, Read, Seek};

use pgp::composed::{Deserializable, DetachedSignature, PublicOrSecret, SignedPublicKey};
use pgp::packet::{Signature, SignatureType};

use super::key::{DAMAGED, NO_KEY, looks_like_key};

/// Why nothing can be checked with a key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// Something else, or damaged.
    #[error("it is no OpenPGP key ({0})")]
    Invalid(&'static str),
    /// Its owner said that it must not be used.
    #[error("a key in it was revoked by its owner")]
    Revoked,
}

/// Checks signatures against the keys of a file.
pub struct Verifier(Vec<SignedPublicKey>);

impl Verifier {
    /// Takes the public keys out of a key file, armored or binary.
    ///
    /// # Errors
    /// When it holds none, or one that is damaged or was revoked.
    pub fn new(file: &[u8]) -> Result<Self, PublicKeyError> {
        let unreadable = |_: pgp::errors::Error| {
            PublicKeyError::Invalid(if looks_like_key(file) { DAMAGED } else { NO_KEY })
        };
        let (found, _) = PublicOrSecret::from_reader_many(file).map_err(unreadable)?;
        let mut keys = Vec::new();
        for key in found {
            let key = match key.map_err(unreadable)? {
                PublicOrSecret::Public(key) => key,
                PublicOrSecret::Secret(key) => key.to_public_key(),
            };
            key.verify_bindings().map_err(unreadable)?;
            if !key.details.revocation_signatures.is_empty() {
                return Err(PublicKeyError::Revoked);
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(PublicKeyError::Invalid(NO_KEY)) } else { Ok(Self(keys)) }
    }

    /// Whether one of the keys, or a part of one that may sign, made this signature over these bytes. It may be armored
    /// or binary; one that cannot be read is none. That the key has expired since does not matter.
    #[must_use]
    pub fn verify(&self, data: &mut (impl Read + Seek), signature: &[u8]) -> bool {
        let read = if signature.starts_with(b"-----BEGIN") {
            DetachedSignature::from_armor_single(Cursor::new(signature)).map(|(read, _)| read)
        } else {
            DetachedSignature::from_bytes(Cursor::new(signature))
        };
        read.is_ok_and(|signature| self.0.iter().any(|key| is_by(&signature.signature, key, data)))
    }
}

fn is_by(signature: &Signature, key: &SignedPublicKey, data: &mut (impl Read + Seek)) -> bool {
    // What cannot be read is signed by nobody.
    if data.rewind().is_ok() && signature.verify(&key.primary_key, &mut *data).is_ok() {
        return true;
    }
    key.public_subkeys.iter().any(|subkey| {
        let may_sign = subkey.signatures.iter().any(|binding| binding.key_flags().sign());
        let is_revoked = subkey.signatures.iter().any(|it| it.typ() == Some(SignatureType::SubkeyRevocation));
        may_sign && !is_revoked && data.rewind().is_ok() && signature.verify(&subkey.key, &mut *data).is_ok()
    })
}
