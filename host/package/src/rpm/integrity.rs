//! The checksums and the signature that an RPM carries of itself, held against its bytes.

use md5::Md5;
use opkg::digest::{hex, sha256};
use sha1::Sha1;
use sha2::Digest;

use super::reader::{ParsedValue, RpmHeaders};
use super::tag;

/// A checksum that an RPM carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestCheck {
    /// Of what, and in which way: `SHA-256 of the header`.
    pub what: &'static str,
    /// Whether it is that of the bytes.
    pub holds: bool,
}

/// Computes every checksum again that is known of the two headers and the compressed payload. What the file does not
/// carry is left out; the first 96 bytes, the lead, are covered by none.
#[must_use]
pub fn check_digests(file: &[u8], rpm: &RpmHeaders) -> Vec<DigestCheck> {
    let (header, body) = (&file[rpm.header_range.clone()], &file[rpm.header_range.start..]);
    let (signature, payload) = (&rpm.signature, &file[rpm.payload_start..]);
    let mut checks = Vec::new();
    let mut add = |what, holds: Option<bool>| checks.extend(holds.map(|holds| DigestCheck { what, holds }));
    let stated = |tag| signature.text(tag);
    add("SHA-256 of the header", stated(tag::SIGNATURE_SHA256).map(|it| it == sha256(header)));
    add("SHA-1 of the header", stated(tag::SIGNATURE_SHA1).map(|it| it == hex(&Sha1::digest(header))));
    let size = signature.number(tag::SIGNATURE_SIZE);
    add("size of header and payload", size.map(|it| it == body.len() as u64));
    if let Some(ParsedValue::Binary(md5)) = signature.get(tag::SIGNATURE_MD5) {
        add("MD5 of header and payload", Some(md5[..] == Md5::digest(body)[..]));
    }
    // Of other algorithms, the checksums above have to be enough.
    if rpm.header.number(tag::PAYLOAD_DIGEST_ALGORITHM) == Some(u64::from(tag::SHA256)) {
        add("SHA-256 of the payload", rpm.header.text(tag::PAYLOAD_DIGEST).map(|it| it == sha256(payload)));
    }
    checks
}

/// The signature over the header, and so over the payload's checksum in it; none of an RPM that is not signed.
#[must_use]
pub fn header_signature(rpm: &RpmHeaders) -> Option<&[u8]> {
    [tag::SIGNATURE_RSA, tag::SIGNATURE_DSA].into_iter().find_map(|tag| match rpm.signature.get(tag) {
        Some(ParsedValue::Binary(bytes)) => Some(bytes.as_slice()),
        _ => None,
    })
}
