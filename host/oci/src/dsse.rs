//! Envelopes: DSSE 1, which signs the type of what is in there as well.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::key::{PrivateKey, PublicKey};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope {
    /// In base 64.
    payload: String,
    pub(crate) payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Serialize, Deserialize)]
struct EnvelopeSignature {
    /// In base 64.
    sig: String,
}

impl Envelope {
    pub(crate) fn sign(payload_type: &str, payload: &[u8], key: &PrivateKey) -> Self {
        let signature = key.sign(&signed_bytes(payload_type, payload));
        Self {
            payload: STANDARD.encode(payload),
            payload_type: payload_type.to_owned(),
            signatures: vec![EnvelopeSignature { sig: STANDARD.encode(signature) }],
        }
    }

    /// What is in there, whoever signed it.
    pub(crate) fn payload(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.payload).ok()
    }

    /// Whether one of its signatures is by this key.
    pub(crate) fn is_signed_by(&self, payload: &[u8], key: &PublicKey) -> bool {
        let message = signed_bytes(&self.payload_type, payload);
        let signatures = self.signatures.iter().filter_map(|it| STANDARD.decode(&it.sig).ok());
        { signatures }.any(|signature| key.verifies(&message, &signature))
    }
}

/// What is signed: the pre-authentication encoding.
pub(crate) fn signed_bytes(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_has_lengths() {
        // The example of the specification.
        let signed = signed_bytes("http://example.com/HelloWorld", b"hello world");
        assert_eq!(signed, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }
}
