//! Bundles of Sigstore, version 0.3, with a public key: what `cosign sign` attaches to an artifact, and what
//! `cosign sign-blob --bundle` writes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opkg::digest::hex;
use opkg_interface::text::one_line;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::dsse::Envelope;
use crate::error::RegistryError;
use crate::json::to_json;
use crate::key::{PrivateKey, PublicKey};
use crate::statement::{PAYLOAD_TYPE, Statement};

/// Of bundles, as documents and as artifacts.
pub const BUNDLE_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    media_type: String,
    verification_material: VerificationMaterial,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dsse_envelope: Option<Envelope>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message_signature: Option<MessageSignature>,
}

/// By what it can be checked. Certificates are for keys that nobody keeps; there is no key here for them.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VerificationMaterial {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key: Option<KeyHint>,
}

#[derive(Serialize, Deserialize)]
struct KeyHint {
    #[serde(default)]
    hint: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageSignature {
    #[serde(default)]
    message_digest: Option<MessageDigest>,
    /// In base 64.
    signature: String,
}

#[derive(Serialize, Deserialize)]
struct MessageDigest {
    algorithm: String,
    /// In base 64.
    digest: String,
}

/// What a bundle is worth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finding<'k> {
    /// It is signed by this key.
    Signed(&'k PublicKey),
    /// It tells something else than that it is signed.
    NoSignature,
    /// By a key that is not known.
    UnknownKey,
    /// It names this key, which did not sign it.
    Mismatch(&'k PublicKey),
    /// It is by this key, of something else.
    OtherArtifact(&'k PublicKey),
    /// It cannot be read.
    Malformed(String),
}

/// A bundle that says that something is signed.
///
/// # Errors
/// Never, as things are: that it cannot be written.
pub fn sign_bundle(digest: &Digest, key: &PrivateKey) -> Result<Vec<u8>, RegistryError> {
    let statement = to_json(&Statement::of(digest))?;
    to_json(&Bundle {
        media_type: BUNDLE_MEDIA_TYPE.into(),
        verification_material: VerificationMaterial {
            public_key: Some(KeyHint { hint: key.hint().to_owned() }),
        },
        dsse_envelope: Some(Envelope::sign(PAYLOAD_TYPE, &statement, key)),
        message_signature: None,
    })
}

/// What a bundle is worth for something with this digest.
pub(crate) fn examine<'k>(bundle: &[u8], digest: &Digest, keys: &'k [PublicKey]) -> Finding<'k> {
    let bundle: Bundle = match serde_json::from_slice(bundle) {
        Ok(bundle) => bundle,
        Err(error) => {
            return Finding::Malformed(format!(
                "it is no bundle of Sigstore: {}",
                one_line(&error.to_string())
            ));
        }
    };
    if bundle.media_type != BUNDLE_MEDIA_TYPE {
        let found = one_line(&bundle.media_type);
        return Finding::Malformed(format!("it is no bundle of version 0.3, but `{found}`"));
    }
    let hint = bundle.verification_material.public_key.as_ref().map(|it| it.hint.as_str());
    let named = keys.iter().find(|key| hint == Some(key.hint()));
    let by_nobody = || named.map_or(Finding::UnknownKey, Finding::Mismatch);
    match (&bundle.dsse_envelope, &bundle.message_signature) {
        (Some(envelope), None) => examine_envelope(envelope, digest, keys, by_nobody),
        (None, Some(signature)) => examine_message(signature, digest, keys, by_nobody),
        _ => Finding::Malformed("it holds neither an envelope nor a signature, or both".into()),
    }
}

fn examine_envelope<'k>(
    envelope: &Envelope,
    digest: &Digest,
    keys: &'k [PublicKey],
    by_nobody: impl FnOnce() -> Finding<'k>,
) -> Finding<'k> {
    let Some(payload) = envelope.payload() else {
        return Finding::Malformed("its payload is not in base 64".into());
    };
    if envelope.payload_type != PAYLOAD_TYPE {
        return Finding::NoSignature;
    }
    let statement: Statement = match serde_json::from_slice(&payload) {
        Ok(statement) => statement,
        Err(_) => return Finding::Malformed("its payload is no statement of in-toto".into()),
    };
    if !statement.is_signature() {
        return Finding::NoSignature;
    }
    match keys.iter().find(|key| envelope.is_signed_by(&payload, key)) {
        Some(key) if statement.is_about(digest) => Finding::Signed(key),
        Some(key) => Finding::OtherArtifact(key),
        None => by_nobody(),
    }
}

fn examine_message<'k>(
    signature: &MessageSignature,
    digest: &Digest,
    keys: &'k [PublicKey],
    by_nobody: impl FnOnce() -> Finding<'k>,
) -> Finding<'k> {
    let Ok(bytes) = STANDARD.decode(&signature.signature) else {
        return Finding::Malformed("its signature is not in base 64".into());
    };
    let Some(stated) = signature.message_digest.as_ref().and_then(stated_digest) else {
        return Finding::Malformed("it does not say the SHA-256 of what is signed".into());
    };
    let signed = |key: &&PublicKey| key.verifies_digest(&stated, &bytes);
    match keys.iter().find(signed) {
        Some(key) if hex(&stated) == digest.hex() => Finding::Signed(key),
        Some(key) => Finding::OtherArtifact(key),
        None => by_nobody(),
    }
}

fn stated_digest(stated: &MessageDigest) -> Option<Vec<u8>> {
    let digest = STANDARD.decode(&stated.digest).ok()?;
    (stated.algorithm == "SHA2_256" && digest.len() == 32).then_some(digest)
}
