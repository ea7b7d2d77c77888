//! Keys: ECDSA with the curve P-256 and SHA-256, in PEM, as cosign and OpenSSL have them.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use p256::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePublicKey};
use p256::{PublicKey as Point, SecretKey};
use sha2::{Digest as _, Sha256};

/// Whose signatures count.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    key: VerifyingKey,
    hint: String,
}

/// What signs.
pub struct PrivateKey {
    key: SigningKey,
    hint: String,
}

/// Why a file holds no key that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no block of PEM in it.
    #[error("it is no key in PEM: no line begins with `-----BEGIN`")]
    NotPem,
    /// Its key is encrypted by a tool of Sigstore.
    #[error("it is an encrypted key of cosign, which is not read")]
    CosignEncrypted,
    /// Its key is encrypted in another way.
    #[error("it is encrypted")]
    Encrypted,
    /// It holds something else.
    #[error("it holds `{0}`, where {1} is meant")]
    WrongKind(String, &'static str),
    /// It is a key for another algorithm, or damaged.
    #[error("it is no key of ECDSA with the curve P-256, or damaged")]
    NotP256,
}

impl KeyError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::CosignEncrypted => {
                "publish without --key, then sign with cosign itself: `cosign sign --key FILE REGISTRY/NAME@DIGEST`; or make a \
                 key with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out FILE`, which cosign takes by \
                 `cosign import-key-pair`"
            }
            Self::Encrypted => {
                "`openssl pkcs8 -in FILE -out PLAIN` writes it without; keep that where nobody else reads it"
            }
            Self::WrongKind(found, _) if found.contains("PUBLIC") => {
                "name the file with the private key; the public one is for those who install"
            }
            Self::WrongKind(..) => {
                "`openssl pkey -in PRIVATE -pubout` writes the public key of a private one"
            }
            Self::NotPem | Self::NotP256 => {
                "`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out FILE` makes one"
            }
        }
    }
}

impl PublicKey {
    /// Reads one in PEM (`PUBLIC KEY`), to be called so.
    ///
    /// # Errors
    /// When there is none that can be used.
    pub fn parse(name: &str, pem: &str) -> Result<Self, KeyError> {
        let point = match find_block(pem, &["PUBLIC KEY"]) {
            Some((_, block)) => Point::from_public_key_pem(block).map_err(|_| KeyError::NotP256)?,
            None => return Err(unknown_block(pem, "a public key")),
        };
        Ok(Self { name: name.to_owned(), hint: hint(&point)?, key: point.into() })
    }

    /// What it is called here.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names it in bundles: base 64 of the SHA-256 of the key.
    pub(crate) fn hint(&self) -> &str {
        &self.hint
    }

    /// Whether a signature, in DER, is of this message.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_der(signature).is_ok_and(|it| self.key.verify(message, &it).is_ok())
    }

    /// Whether a signature, in DER, is of something with this SHA-256.
    pub(crate) fn verifies_digest(&self, sha256: &[u8], signature: &[u8]) -> bool {
        Signature::from_der(signature).is_ok_and(|it| self.key.verify_prehash(sha256, &it).is_ok())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey {} ({})", self.name, self.hint)
    }
}

impl PrivateKey {
    /// Reads one in PEM: PKCS #8 (`PRIVATE KEY`) or SEC 1 (`EC PRIVATE KEY`), not encrypted.
    ///
    /// # Errors
    /// When there is none that can be used.
    pub fn parse(pem: &str) -> Result<Self, KeyError> {
        let secret = match find_block(pem, &["PRIVATE KEY", "EC PRIVATE KEY"]) {
            Some(("PRIVATE KEY", block)) => {
                SecretKey::from_pkcs8_pem(block).map_err(|_| KeyError::NotP256)?
            }
            Some((_, block)) if block.contains("Proc-Type: 4,ENCRYPTED") => return Err(KeyError::Encrypted),
            Some((_, block)) => SecretKey::from_sec1_pem(block).map_err(|_| KeyError::NotP256)?,
            None => return Err(unknown_block(pem, "a private key")),
        };
        Ok(Self { hint: hint(&secret.public_key())?, key: secret.into() })
    }

    pub(crate) fn hint(&self) -> &str {
        &self.hint
    }

    /// The signature of a message, in DER; always the same.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.key.sign(message);
        signature.to_der().as_bytes().to_vec()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey ({})", self.hint)
    }
}

fn hint(point: &Point) -> Result<String, KeyError> {
    let der = point.to_public_key_der().map_err(|_| KeyError::NotP256)?;
    Ok(STANDARD.encode(Sha256::digest(der.as_bytes())))
}

/// The first block of PEM of one of these kinds. `openssl ecparam` writes the parameters of the curve before the key.
fn find_block<'a, 'l>(pem: &'a str, labels: &[&'l str]) -> Option<(&'l str, &'a str)> {
    labels.iter().find_map(|label| {
        let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
        let start = pem.find(&begin)?;
        let length = pem[start..].find(&end)? + end.len();
        Some((*label, &pem[start..start + length]))
    })
}

/// What is wrong with a file that has no such block.
fn unknown_block(pem: &str, wanted: &'static str) -> KeyError {
    let label = pem.lines().find_map(|line| line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----"));
    match label {
        None => KeyError::NotPem,
        Some("ENCRYPTED PRIVATE KEY") => KeyError::Encrypted,
        Some("ENCRYPTED COSIGN PRIVATE KEY" | "ENCRYPTED SIGSTORE PRIVATE KEY") => KeyError::CosignEncrypted,
        Some(label) => KeyError::WrongKind(opkg_interface::text::one_line(label), wanted),
    }
}
