//! The checksums and the signatures that an RPM carries of itself, held against its bytes.

use std::io::{self, Read, Seek, SeekFrom};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use opkg::digest::{hex, sha256};
use sha1::Sha1;
use sha2::Digest;
use sha3::Sha3_256;

use super::checksums::PayloadDigests;
use super::reader::{ParsedValue, RpmHeaders};
use super::tag;
use crate::checksums::{DigestWriter, Digester};

/// A checksum that an RPM carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestCheck {
    /// Of what, and in which way: `SHA-256 of the header`.
    pub what: &'static str,
    /// Whether it is that of the bytes.
    pub holds: bool,
}

/// What is computed of the payload, and of the header with it.
struct BodyDigests {
    md5: Md5,
    payload: PayloadDigests,
}

impl Digester for BodyDigests {
    fn update(&mut self, bytes: &[u8]) {
        Digester::update(&mut self.md5, bytes);
        self.payload.update(bytes);
    }
}

/// Computes every checksum again that is known of the two headers and the compressed payload. What the file does not
/// carry is left out; the first 96 bytes, the lead, are covered by none. `file` is read from its beginning.
///
/// # Errors
/// When it cannot be read to its end.
pub fn check_digests(file: &mut (impl Read + Seek), rpm: &RpmHeaders) -> io::Result<Vec<DigestCheck>> {
    let head = read_header(file, rpm)?;
    let (signature, header) = (&rpm.signature, &rpm.header);
    let (sha512, sha3) = (header.text(tag::PAYLOAD_SHA512), header.text(tag::PAYLOAD_SHA3_256));
    let payload = PayloadDigests::new(sha512.is_some() || sha3.is_some());
    let mut body = DigestWriter::new(io::sink(), BodyDigests { md5: Md5::new_with_prefix(&head), payload });
    io::copy(file, &mut body)?;
    let (_, payload_size, BodyDigests { md5, payload }) = body.into_parts();
    let mut checks = Vec::new();
    let mut add = |what, holds: Option<bool>| checks.extend(holds.map(|holds| DigestCheck { what, holds }));
    let stated = |tag| signature.text(tag);
    add("SHA-256 of the header", stated(tag::SIGNATURE_SHA256).map(|it| it == sha256(&head)));
    add(
        "SHA3-256 of the header",
        stated(tag::SIGNATURE_SHA3_256).map(|it| it == hex(&Sha3_256::digest(&head))),
    );
    add("SHA-1 of the header", stated(tag::SIGNATURE_SHA1).map(|it| it == hex(&Sha1::digest(&head))));
    let size = signature.number(tag::SIGNATURE_SIZE).or_else(|| signature.number(tag::SIGNATURE_LONG_SIZE));
    add("size of header and payload", size.map(|it| it == head.len() as u64 + payload_size));
    if let Some(ParsedValue::Binary(stated)) = signature.get(tag::SIGNATURE_MD5) {
        add("MD5 of header and payload", Some(stated[..] == md5.finalize()[..]));
    }
    // Of other algorithms, the checksums above have to be enough. Format 6 has a tag for each of its own.
    let is_sha256 = header.number(tag::PAYLOAD_DIGEST_ALGORITHM) == Some(u64::from(tag::SHA256));
    if is_sha256 || is_format_6(rpm) {
        let found = hex(&payload.sha256.finalize());
        add("SHA-256 of the payload", header.text(tag::PAYLOAD_DIGEST).map(|it| it == found));
    }
    if let Some((found_sha512, found_sha3)) = payload.of_format_6 {
        let (found_sha512, found_sha3) = (hex(&found_sha512.finalize()), hex(&found_sha3.finalize()));
        add("SHA-512 of the payload", sha512.map(|it| it == found_sha512));
        add("SHA3-256 of the payload", sha3.map(|it| it == found_sha3));
    }
    add("size of the payload", header.number(tag::PAYLOAD_SIZE).map(|it| it == payload_size));
    Ok(checks)
}

/// The bytes of the main header; what follows in `file` is the payload then.
fn read_header(file: &mut (impl Read + Seek), rpm: &RpmHeaders) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(rpm.header_range.start as u64))?;
    let mut head = vec![0; rpm.header_range.len()];
    file.read_exact(&mut head)?;
    Ok(head)
}

fn is_format_6(rpm: &RpmHeaders) -> bool {
    rpm.header.number(tag::RPM_FORMAT).is_some_and(|version| version >= 6)
}

/// The signatures over the header, and so over the payload's checksums in it; none of an RPM that is not signed. Where
/// there are some in the place that format 6 has for them, whoever made them, those of format 4 do not count. What
/// cannot be read is there without contents, and holds for nothing.
#[must_use]
pub fn header_signatures(rpm: &RpmHeaders) -> Vec<Vec<u8>> {
    let texts = rpm.signature.texts(tag::SIGNATURE_OPENPGP);
    if !texts.is_empty() {
        let decoded = |text: &String| {
            let text: String = text.split_ascii_whitespace().collect();
            STANDARD.decode(text).unwrap_or_default()
        };
        return texts.iter().map(decoded).collect();
    }
    let binary = |tag| match rpm.signature.get(tag) {
        Some(ParsedValue::Binary(bytes)) => Some(bytes.clone()),
        _ => None,
    };
    [tag::SIGNATURE_RSA, tag::SIGNATURE_DSA].into_iter().find_map(binary).into_iter().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::header::{Header, TagValue};
    use super::super::reader;
    use super::*;

    fn signatures(tags: Vec<(u32, TagValue)>) -> Vec<Vec<u8>> {
        let mut signature = Header::default();
        for (tag, value) in tags {
            signature.put(tag, value);
        }
        let mut file = vec![0xed, 0xab, 0xee, 0xdb, 4, 0, 0, 0];
        file.resize(96, 0);
        file.extend(signature.to_bytes(tag::HEADER_SIGNATURES).unwrap());
        file.resize(file.len().next_multiple_of(8), 0);
        file.extend(Header::default().to_bytes(tag::HEADER_IMMUTABLE).unwrap());
        header_signatures(&reader::read(&file).unwrap())
    }

    #[test]
    fn signatures_of_format_6_stand_for_those_of_format_4() {
        let rsa = || (tag::SIGNATURE_RSA, TagValue::Binary(vec![1]));
        let dsa = || (tag::SIGNATURE_DSA, TagValue::Binary(vec![2]));
        let several = ["QUI=", "QU\nI=", "!"].map(str::to_owned).to_vec();
        let openpgp = (tag::SIGNATURE_OPENPGP, TagValue::Strings(several));
        assert_eq!(signatures(vec![openpgp, rsa()]), [b"AB".to_vec(), b"AB".to_vec(), Vec::new()]);
        assert_eq!(signatures(vec![dsa(), rsa()]), [[1]]);
        assert_eq!(signatures(vec![dsa()]), [[2]]);
        assert!(signatures(Vec::new()).is_empty());
    }
}
