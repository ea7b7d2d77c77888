//! Signatures as cosign made them before it had bundles: layers of an image beside the artifact.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::bundle::Finding;
use crate::digest::Digest;
use crate::key::PublicKey;

/// Of a layer that holds what is signed.
pub(crate) const PAYLOAD_MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// Of such a layer: the signature, in base 64.
pub(crate) const SIGNATURE_ANNOTATION: &str = "dev.cosignproject.cosign/signature";

/// Below which tag they are.
pub(crate) fn signature_tag(digest: &Digest) -> String {
    format!("sha256-{}.sig", digest.hex())
}

#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: Image,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// What such a signature is worth for something with this digest.
pub(crate) fn examine<'k>(
    payload: &[u8],
    signature: &str,
    digest: &Digest,
    keys: &'k [PublicKey],
) -> Finding<'k> {
    let Ok(signature) = STANDARD.decode(signature) else {
        return Finding::Malformed("its signature is not in base 64".into());
    };
    let Ok(read) = serde_json::from_slice::<Payload>(payload) else {
        return Finding::Malformed("its payload does not name what is signed".into());
    };
    match keys.iter().find(|key| key.verifies(payload, &signature)) {
        Some(key) if read.critical.image.digest == digest.to_string() => Finding::Signed(key),
        Some(key) => Finding::OtherArtifact(key),
        None => Finding::UnknownKey,
    }
}
