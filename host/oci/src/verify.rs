//! Whether somebody who is trusted vouches for something.

use crate::bundle::{self, Finding};
use crate::digest::Digest;
use crate::key::PublicKey;
use crate::simple_signing;

/// What may vouch for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// A bundle of Sigstore, in JSON.
    Bundle(Vec<u8>),
    /// What cosign made before.
    SimpleSigning {
        /// What is signed.
        payload: Vec<u8>,
        /// In base 64.
        signature: String,
    },
}

/// Who vouches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The key of this name.
    Verified(String),
    /// Nobody: there are no signatures.
    Unsigned,
    /// Somebody, whose key is not known here.
    UnknownKey,
    /// Somebody should, and does not.
    Failed(SignatureError),
}

/// Why a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It names a key that did not make it.
    #[error("the signature names the key `{0}`, and is not by it")]
    Mismatch(String),
    /// It is a sound signature of something else.
    #[error("the signature by the key `{0}` is of something else")]
    OtherArtifact(String),
    /// By a key that is no longer trusted.
    #[error("it is signed by the key `{0}`, which is revoked")]
    RevokedKey(String),
    /// It cannot be read.
    #[error("the signature cannot be read: {0}")]
    Malformed(String),
}

/// Looks whether one of these keys vouches for what has this digest; one that is revoked does not. One sound signature
/// suffices, whatever else there is: anybody can add to it.
#[must_use]
pub fn verify(
    evidence: &[Evidence],
    digest: &Digest,
    keys: &[PublicKey],
    is_revoked: &dyn Fn(&str) -> bool,
) -> Verdict {
    let mut failed: Option<SignatureError> = None;
    let mut is_unknown = false;
    for one in evidence {
        let finding = match one {
            Evidence::Bundle(bundle) => bundle::examine(bundle, digest, keys),
            Evidence::SimpleSigning { payload, signature } => {
                simple_signing::examine(payload, signature, digest, keys)
            }
        };
        let error = match finding {
            Finding::Signed(key) if is_revoked(key.name()) => {
                SignatureError::RevokedKey(key.name().to_owned())
            }
            Finding::Signed(key) => return Verdict::Verified(key.name().to_owned()),
            Finding::NoSignature => continue,
            Finding::UnknownKey => {
                is_unknown = true;
                continue;
            }
            Finding::Mismatch(key) => SignatureError::Mismatch(key.name().to_owned()),
            Finding::OtherArtifact(key) => SignatureError::OtherArtifact(key.name().to_owned()),
            Finding::Malformed(reason) => SignatureError::Malformed(reason),
        };
        // That a key is revoked explains most.
        let is_better = matches!(error, SignatureError::RevokedKey(_));
        if failed.is_none() || is_better {
            failed = Some(error);
        }
    }
    match failed {
        Some(error) => Verdict::Failed(error),
        None if is_unknown => Verdict::UnknownKey,
        None => Verdict::Unsigned,
    }
}
