//! Signatures by a key of OpenPGP: of packages, of the indices of directories of packages, of texts that people read.
//!
//! The same key over the same data gives the same bytes: a signature's time is that of what it signs, and all
//! algorithms derive their random numbers, where they need any, from key and data. See RFC 9580 and RFC 6979.

mod algorithm;
mod key;
mod rsa;
mod verify;

use std::io::Read;

use opkg::digest::hex;
use opkg_interface::archive::SignatureScheme;
use opkg_interface::artefacts::AcceptedKey;
use opkg_interface::built::SigningKey as PublicKey;
use pgp::composed::{ArmorOptions, CleartextSignedMessage, DetachedSignature, SignedPublicKey};
use pgp::packet::{PacketTrait, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{KeyDetails, Password, SigningKey, Timestamp};

use crate::Error;
use algorithm::KeyKind;
pub use key::KeyError;
use key::{SigningSecret, UnlockedKey};
pub use verify::{PublicKeyError, Verifier};

/// Signs with one key.
pub struct Signer {
    key: UnlockedKey,
    /// Of the primary key, which whoever verifies has to import, then of the part that signs.
    kinds: Vec<KeyKind>,
    armored_public_key: String,
    /// By which readers know it that have files of keys.
    name: String,
    /// Of RSA.
    rsa_key: Option<PublicKey>,
}

/// Before the id of a key in its name.
const NAME_PREFIX: &str = "opkg-";

impl Signer {
    /// Takes the secret key out of a key file, armored or binary. `now`, in seconds since 1970, decides
    /// whether it has expired.
    ///
    /// # Errors
    /// When the file does not hold exactly one key that can sign, or the passphrase does not unlock it.
    pub fn new(file: &[u8], passphrase: Option<&str>, now: u32) -> Result<Self, KeyError> {
        let (key, public) = key::read_signing_key(file, passphrase, now)?;
        let mut kinds = vec![KeyKind::new(&public.primary_key)];
        if let SigningSecret::Subkey(subkey) = &key.secret {
            kinds.push(KeyKind::new(subkey));
        }
        let owner = owner_of(&public);
        let (name, rsa_key) = match &key.secret {
            SigningSecret::Primary(key) => describe(key, &owner),
            SigningSecret::Subkey(key) => describe(key, &owner),
        };
        let public =
            public.to_armored_string(ArmorOptions::default()).map_err(|_| KeyError::Invalid(key::DAMAGED))?;
        let signer = Self { key, kinds, armored_public_key: public, name, rsa_key };
        // A damaged key shows now, not after half of the packages.
        signer.sign_detached(&b""[..], 0).map_err(|_| KeyError::CannotSign)?;
        Ok(signer)
    }

    /// The public half, armored: what whoever verifies has to import.
    #[must_use]
    pub fn public_key(&self) -> &str {
        &self.armored_public_key
    }

    /// Whether the key is one of RSA: some containers have a place of its own for that.
    #[must_use]
    pub fn is_rsa(&self) -> bool {
        self.key.is_rsa()
    }

    /// By which readers know the key that have files of keys: `opkg-` and the id of the part that signs, in 16 hexadecimal digits.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public half of the part that signs, in the form of programs that know nothing of OpenPGP; nothing of a key that is none
    /// of RSA.
    #[must_use]
    pub fn rsa_key(&self) -> Option<&PublicKey> {
        self.rsa_key.as_ref()
    }

    /// What kind of key the part is that signs, for people: `RSA of 3072 bits`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.kinds.last().map_or("", KeyKind::name)
    }

    /// Whether the key can make signatures of a scheme.
    #[must_use]
    pub fn can_sign(&self, scheme: SignatureScheme) -> bool {
        match scheme {
            SignatureScheme::Openpgp | SignatureScheme::OpenpgpArmored => true,
            SignatureScheme::Rsa(_) => self.is_rsa(),
        }
    }

    /// The signature of a scheme over `data`. Of OpenPGP, it is made at `time`, as of [`Self::sign_detached`].
    ///
    /// # Errors
    /// [`Error::Signing`] when the key cannot make one, see [`Self::can_sign`].
    pub fn sign(&self, scheme: SignatureScheme, data: impl Read, time: u64) -> Result<Vec<u8>, Error> {
        match (scheme, &self.key.secret) {
            (SignatureScheme::Openpgp, _) => self.sign_detached(data, time),
            (SignatureScheme::OpenpgpArmored, _) => Ok(self.sign_armored(data, time)?.into_bytes()),
            (SignatureScheme::Rsa(digest), SigningSecret::Primary(key)) => rsa::sign(key, digest, data),
            (SignatureScheme::Rsa(digest), SigningSecret::Subkey(key)) => rsa::sign(key, digest, data),
        }
    }

    /// What kind of key this is, for people, if its signatures are not among those that a target accepts.
    #[must_use]
    pub fn find_unaccepted(&self, accepted: &[AcceptedKey]) -> Option<&str> {
        algorithm::find_unaccepted(&self.kinds, accepted)
    }

    /// A binary signature over `data`, made at `time` in seconds since 1970; later if the key is younger, since
    /// nobody accepts what was signed before its key existed.
    ///
    /// # Errors
    /// [`Error::Signing`] when the key turns out to be damaged.
    pub fn sign_detached(&self, data: impl Read, time: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.make_signature(data, time)
            .and_then(|it| it.signature.to_writer_with_header(&mut bytes))
            .map_err(signing_error)?;
        Ok(bytes)
    }

    /// The same, armored.
    ///
    /// # Errors
    /// As of [`Self::sign_detached`].
    pub fn sign_armored(&self, data: impl Read, time: u64) -> Result<String, Error> {
        self.make_signature(data, time)
            .and_then(|it| it.to_armored_string(ArmorOptions::default()))
            .map_err(signing_error)
    }

    /// A text with its signature around it, readable as it is.
    ///
    /// # Errors
    /// As of [`Self::sign_detached`].
    pub fn sign_cleartext(&self, text: &str, time: u64) -> Result<String, Error> {
        // Blanks at the ends of lines are not signed, and do not survive every transport; nor is the end of the
        // last line, which belongs to what follows.
        let text = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        let config = self.signature_config(SignatureType::Text, time);
        let empty = Password::empty();
        config
            .and_then(|config| match &self.key.secret {
                SigningSecret::Primary(key) => CleartextSignedMessage::new(&text, config, key, &empty),
                SigningSecret::Subkey(key) => CleartextSignedMessage::new(&text, config, key, &empty),
            })
            .and_then(|it| it.to_armored_string(ArmorOptions::default()))
            .map_err(signing_error)
    }

    fn make_signature(&self, data: impl Read, time: u64) -> pgp::errors::Result<DetachedSignature> {
        let config = self.signature_config(SignatureType::Binary, time)?;
        let empty = Password::empty();
        let signature = match &self.key.secret {
            SigningSecret::Primary(key) => config.sign(key, &empty, data)?,
            SigningSecret::Subkey(key) => config.sign(key, &empty, data)?,
        };
        Ok(DetachedSignature::new(signature))
    }

    /// What stands around a signature. The key's id is there twice: old readers know only the short one.
    fn signature_config(&self, kind: SignatureType, time: u64) -> pgp::errors::Result<SignatureConfig> {
        fn of(key: &impl SigningKey, kind: SignatureType, time: u32) -> pgp::errors::Result<SignatureConfig> {
            let mut config = SignatureConfig::v4(kind, key.algorithm(), key.hash_alg());
            config.hashed_subpackets = vec![
                Subpacket::regular(SubpacketData::SignatureCreationTime(Timestamp::from_secs(time)))?,
                Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
            ];
            config.unhashed_subpackets =
                vec![Subpacket::regular(SubpacketData::IssuerKeyId(key.legacy_key_id()))?];
            Ok(config)
        }
        let time = u32::try_from(time).unwrap_or(u32::MAX).max(self.key.valid_from);
        match &self.key.secret {
            SigningSecret::Primary(key) => of(key, kind, time),
            SigningSecret::Subkey(key) => of(key, kind, time),
        }
    }
}

/// The name of a key, and its public half where it is of RSA.
fn describe(key: &impl KeyDetails, owner: &str) -> (String, Option<PublicKey>) {
    let name = format!("{NAME_PREFIX}{}", hex(key.legacy_key_id().as_ref()));
    let public = rsa::public_key(key, &name, owner);
    (name, public)
}

/// What the key says of its owner: its primary name, or the first one. Nothing of a key without names.
fn owner_of(key: &SignedPublicKey) -> String {
    let users = &key.details.users;
    let user = users.iter().find(|user| user.is_primary()).or_else(|| users.first());
    let name = user.and_then(|user| user.id.as_str()).unwrap_or_default();
    name.chars().filter(|c| !c.is_control()).collect()
}

/// Without the library's own words, which may hold what it was given: the secret.
fn signing_error(_: pgp::errors::Error) -> Error {
    Error::Signing
}
