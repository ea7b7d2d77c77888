//! What an RPM says of its own bytes: in the header of the payload, in the signature header of the header.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use opkg::digest::{hex, sha256};
use opkg_interface::artefacts::RpmFormatVersion;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use sha3::Sha3_256;

use super::header::{Header, TagValue};
use super::tag;
use crate::checksums::{DigestReader, Digester};
use crate::spool::Spool;
use crate::{Error, Signer};

/// Bytes that format 6 keeps free for signatures: what RPM keeps at least. With more of them, it makes room itself.
const RESERVED_BYTES: usize = 32;

/// Digests of the payload; those beyond the first where the format has them.
pub(super) struct PayloadDigests {
    pub(super) sha256: Sha256,
    pub(super) of_format_6: Option<(Sha512, Sha3_256)>,
}

impl PayloadDigests {
    pub(super) fn new(has_those_of_format_6: bool) -> Self {
        Self { sha256: Sha256::default(), of_format_6: has_those_of_format_6.then(Default::default) }
    }
}

impl Digester for PayloadDigests {
    fn update(&mut self, bytes: &[u8]) {
        Digest::update(&mut self.sha256, bytes);
        if let Some((sha512, sha3)) = &mut self.of_format_6 {
            sha512.update(bytes);
            sha3.update(bytes);
        }
    }
}

/// Size and digests of the payload, in one of its two forms.
pub(super) struct PayloadForm {
    pub(super) size: u64,
    pub(super) digests: PayloadDigests,
}

/// The payload as it is in the file, and as it is before compression.
pub(super) struct Payload {
    pub(super) packed: PayloadForm,
    pub(super) archive: PayloadForm,
}

/// Puts sizes and checksums of the payload into the header.
pub(super) fn write_payload_tags(header: &mut Header, payload: Payload, version: RpmFormatVersion) {
    let Payload { packed, archive } = payload;
    header.strings(tag::PAYLOAD_DIGEST, vec![hex(&packed.digests.sha256.finalize())]);
    header.strings(tag::PAYLOAD_DIGEST_ALTERNATIVE, vec![hex(&archive.digests.sha256.finalize())]);
    match version {
        RpmFormatVersion::V4 => header.number(tag::PAYLOAD_DIGEST_ALGORITHM, tag::SHA256),
        RpmFormatVersion::V6 => {
            header.number(tag::RPM_FORMAT, version.number());
            header.put(tag::PAYLOAD_SIZE, TagValue::Int64(vec![packed.size]));
            header.put(tag::PAYLOAD_SIZE_ALTERNATIVE, TagValue::Int64(vec![archive.size]));
        }
    }
    for (form, sha512_tag, sha3_tag) in [
        (packed.digests.of_format_6, tag::PAYLOAD_SHA512, tag::PAYLOAD_SHA3_256),
        (archive.digests.of_format_6, tag::PAYLOAD_SHA512_ALTERNATIVE, tag::PAYLOAD_SHA3_256_ALTERNATIVE),
    ] {
        if let Some((sha512, sha3)) = form {
            header.string(sha512_tag, hex(&sha512.finalize()));
            header.string(sha3_tag, hex(&sha3.finalize()));
        }
    }
}

/// Checksums of the header, and its signature; the payload's checksums are in it. With a signer goes the time of the
/// signature, in seconds since 1970.
pub(super) fn build_signature_header(
    header: &[u8],
    (packed, archive_size): (&mut Spool, u64),
    version: RpmFormatVersion,
    signer: Option<(&Signer, u64)>,
) -> Result<Vec<u8>, Error> {
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
            let size = header.len() as u64 + packed.size();
            put_size(&mut signature, [tag::SIGNATURE_SIZE, tag::SIGNATURE_LONG_SIZE], size);
            let (_, both) = DigestReader::<_, Md5>::new(header.chain(packed.reader()?)).finish()?;
            signature.put(tag::SIGNATURE_MD5, TagValue::Binary(both.finalize().to_vec()));
            let tags = [tag::SIGNATURE_PAYLOAD_SIZE, tag::SIGNATURE_LONG_PAYLOAD_SIZE];
            put_size(&mut signature, tags, archive_size);
        }
        RpmFormatVersion::V6 => {
            signature.string(tag::SIGNATURE_SHA3_256, hex(&Sha3_256::digest(header)));
            signature.put(tag::SIGNATURE_RESERVED, TagValue::Binary(vec![0; RESERVED_BYTES]));
        }
    }
    signature.to_bytes(tag::HEADER_SIGNATURES)
}

/// A size of the file, under the second tag if it has more than 32 bits.
fn put_size(signature: &mut Header, [tag, long_tag]: [u32; 2], size: u64) {
    match u32::try_from(size) {
        Ok(size) => signature.number(tag, size),
        Err(_) => signature.put(long_tag, TagValue::Int64(vec![size])),
    }
}
