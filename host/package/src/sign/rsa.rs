//! Signatures of RSA alone (PKCS #1 version 1.5, see RFC 8017), and the public half of the key in the form in which programs that
//! know nothing of OpenPGP read it.

use std::io::Read;

use opkg_interface::archive::DigestAlgorithm;
use opkg_interface::built::SigningKey as PublicKey;
use pgp::crypto::hash::HashAlgorithm;
use pgp::types::{KeyDetails, Password, PublicParams, SignatureBytes, SigningKey};
use rsa::pkcs8::{EncodePublicKey, LineEnding};
use rsa::traits::PublicKeyParts;

use crate::{Error, checksums};

/// The public half of a key; nothing where it is none of RSA.
pub(super) fn public_key(key: &impl KeyDetails, name: &str, owner: &str) -> Option<PublicKey> {
    let PublicParams::RSA(params) = key.public_params() else { return None };
    let pem = params.key.to_public_key_pem(LineEnding::LF).ok()?;
    let bits = u32::try_from(params.key.n().bits()).ok()?;
    Some(PublicKey { name: name.to_owned(), owner: owner.to_owned(), bits, pem })
}

/// The signature of an unlocked key over all of `data`, as long as the modulus: most readers take no shorter one.
pub(super) fn sign(
    key: &impl SigningKey,
    digest: DigestAlgorithm,
    data: impl Read,
) -> Result<Vec<u8>, Error> {
    let PublicParams::RSA(params) = key.public_params() else { return Err(Error::Signing) };
    let algorithm = match digest {
        DigestAlgorithm::Md5 => HashAlgorithm::Md5,
        DigestAlgorithm::Sha1 => HashAlgorithm::Sha1,
        DigestAlgorithm::Sha256 => HashAlgorithm::Sha256,
        DigestAlgorithm::Sha512 => HashAlgorithm::Sha512,
    };
    let digest = checksums::digest(digest, data)?;
    // The library's own words may hold what it was given: the secret.
    let signature = key.sign(&Password::empty(), algorithm, &digest).map_err(|_| Error::Signing)?;
    let SignatureBytes::Mpis(numbers) = signature else { return Err(Error::Signing) };
    let [number] = numbers.as_slice() else { return Err(Error::Signing) };
    // A number of OpenPGP has no zeros in front.
    let number: &[u8] = number.as_ref();
    let zeros = params.key.size().checked_sub(number.len()).ok_or(Error::Signing)?;
    Ok([vec![0; zeros].as_slice(), number].concat())
}
