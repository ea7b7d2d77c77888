//! What an RPM says of its own bytes: in the header of the payload, in the signature header of the header.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use opkg::digest::{hex, sha256};
use opkg_interface::artefacts::RpmFormatVersion;
use sha1::Sha1;
use sha2::{Digest, Sha512};
use sha3::Sha3_256;

use super::header::{Header, TagValue};
use super::tag;
use crate::{Error, Signer};

/// Bytes that format 6 keeps free for signatures: what RPM keeps at least. With more of them, it makes room itself.
const RESERVED_BYTES: usize = 32;

/// The payload as it is in the file, and as it is before compression.
#[derive(Clone, Copy)]
pub(super) struct Payload<'a> {
    pub(super) packed: &'a [u8],
    pub(super) archive: &'a [u8],
}

/// Puts sizes and checksums of the payload into the header.
pub(super) fn write_payload_tags(header: &mut Header, payload: Payload<'_>, version: RpmFormatVersion) {
    let Payload { packed, archive } = payload;
    header.strings(tag::PAYLOAD_DIGEST, vec![sha256(packed)]);
    header.strings(tag::PAYLOAD_DIGEST_ALTERNATIVE, vec![sha256(archive)]);
    match version {
        RpmFormatVersion::V4 => header.number(tag::PAYLOAD_DIGEST_ALGORITHM, tag::SHA256),
        RpmFormatVersion::V6 => {
            header.number(tag::RPM_FORMAT, version.number());
            header.put(tag::PAYLOAD_SIZE, TagValue::Int64(vec![packed.len() as u64]));
            header.put(tag::PAYLOAD_SIZE_ALTERNATIVE, TagValue::Int64(vec![archive.len() as u64]));
            header.string(tag::PAYLOAD_SHA512, hex(&Sha512::digest(packed)));
            header.string(tag::PAYLOAD_SHA512_ALTERNATIVE, hex(&Sha512::digest(archive)));
            header.string(tag::PAYLOAD_SHA3_256, hex(&Sha3_256::digest(packed)));
            header.string(tag::PAYLOAD_SHA3_256_ALTERNATIVE, hex(&Sha3_256::digest(archive)));
        }
    }
}

/// Checksums of the header, and its signature; the payload's checksums are in it. With a signer goes the time of the
/// signature, in seconds since 1970.
pub(super) fn build_signature_header(
    header: &[u8],
    payload: Payload<'_>,
    version: RpmFormatVersion,
    signer: Option<(&Signer, u64)>,
) -> Result<Vec<u8>, Error> {
    let size = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
    let mut signature = Header::default();
    if let Some((signer, time)) = signer {
        let bytes = signer.sign_detached(header, time)?;
        if version == RpmFormatVersion::V6 {
            signature.strings(tag::SIGNATURE_OPENPGP, vec![STANDARD.encode(&bytes)]);
        }
        // In format 6 for RPM 4, which knows no other; RPM 6 passes it over.
        let tag = if signer.is_rsa() { tag::SIGNATURE_RSA } else { tag::SIGNATURE_DSA };
        signature.put(tag, TagValue::Binary(bytes));
    }
    signature.string(tag::SIGNATURE_SHA256, sha256(header));
    match version {
        RpmFormatVersion::V4 => {
            signature.string(tag::SIGNATURE_SHA1, hex(&Sha1::digest(header)));
            signature.number(tag::SIGNATURE_SIZE, size(header.len() + payload.packed.len()));
            let both = Md5::new().chain_update(header).chain_update(payload.packed).finalize();
            signature.put(tag::SIGNATURE_MD5, TagValue::Binary(both.to_vec()));
            signature.number(tag::SIGNATURE_PAYLOAD_SIZE, size(payload.archive.len()));
        }
        RpmFormatVersion::V6 => {
            signature.string(tag::SIGNATURE_SHA3_256, hex(&Sha3_256::digest(header)));
            signature.put(tag::SIGNATURE_RESERVED, TagValue::Binary(vec![0; RESERVED_BYTES]));
        }
    }
    signature.to_bytes(tag::HEADER_SIGNATURES)
}
