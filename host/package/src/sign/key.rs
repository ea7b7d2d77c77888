//! The key in a key file: which of its parts signs, and whether it may.

use pgp::composed::{PublicOrSecret, SignedPublicKey, SignedSecretKey, SignedSecretSubKey};
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{SecretKey, SecretSubkey, Signature, SignatureType, SubpacketData};
use pgp::types::{KeyDetails, KeyVersion, Password, S2kParams, SecretParams, StringToKey, Tag};

/// Why a key file cannot be signed with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Something else, or damaged. What is wrong in particular is never the library's own word: that may quote the
    /// secret, and whoever reads the message may not be meant to see it.
    #[error("it is no OpenPGP key ({0})")]
    Invalid(&'static str),
    /// The half that everybody may have.
    #[error("it holds only a public key")]
    PublicOnly,
    /// Which one is meant is not said.
    #[error("it holds more than one key")]
    MultipleKeys,
    /// A kind of key that package managers do not know.
    #[error("the key is of a version of OpenPGP that package managers do not read")]
    UnsupportedVersion,
    /// Locked, and no passphrase was given.
    #[error("the key is locked with a passphrase")]
    PassphraseRequired,
    /// Locked with another passphrase.
    #[error("the passphrase does not unlock the key")]
    WrongPassphrase,
    /// Nobody accepts its signatures any more.
    #[error("the key expired on {0}")]
    Expired(String),
    /// Its owner said that it must not be used.
    #[error("the key was revoked by its owner")]
    Revoked,
    /// It is for encryption, say, or its secret part is kept elsewhere.
    #[error("nothing in it can sign: no part of the key is meant for that and has its secret half here")]
    CannotSign,
}

pub(super) const DAMAGED: &str = "it begins as one, but is damaged or of an unknown kind";
pub(super) const NO_KEY: &str = "there is none in it";

impl KeyError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "name the file that `gpg --export-secret-keys KEY` prints",
            Self::PublicOnly => {
                "name the file that `gpg --export-secret-keys KEY` prints, not that of --export"
            }
            Self::MultipleKeys => "write the one to sign with into a file of its own",
            Self::UnsupportedVersion => "sign with a key of version 4, which `gpg` makes",
            Self::PassphraseRequired => {
                "give the passphrase with --passphrase-file FILE or in $OPKG_SIGN_PASSPHRASE"
            }
            Self::WrongPassphrase => {
                "look at the file of --passphrase-file, or at $OPKG_SIGN_PASSPHRASE; one newline at the end \
                 of the file does not count"
            }
            Self::Expired(_) => "prolong it with `gpg --quick-set-expire`, and export it again",
            Self::Revoked => "sign with another key",
            Self::CannotSign => "sign with a key that has the usage `sign`; one on a card cannot be used",
        }
    }
}

/// The part of a key file that signs, unlocked.
pub(super) struct UnlockedKey {
    pub(super) secret: SigningSecret,
    /// Seconds since 1970: no signature may be older.
    pub(super) valid_from: u32,
}

/// Which part it is.
pub(super) enum SigningSecret {
    Primary(SecretKey),
    Subkey(SecretSubkey),
}

impl UnlockedKey {
    pub(super) fn is_rsa(&self) -> bool {
        let algorithm = match &self.secret {
            SigningSecret::Primary(key) => key.algorithm(),
            SigningSecret::Subkey(key) => key.algorithm(),
        };
        matches!(algorithm, PublicKeyAlgorithm::RSA | PublicKeyAlgorithm::RSASign)
    }
}

/// Reads a key file.
pub(super) fn read_signing_key(
    file: &[u8],
    passphrase: Option<&str>,
    now: u32,
) -> Result<(UnlockedKey, SignedPublicKey), KeyError> {
    let key = read_single_secret_key(file)?;
    if key.primary_key.version() != KeyVersion::V4 {
        return Err(KeyError::UnsupportedVersion);
    }
    if !key.details.revocation_signatures.is_empty() {
        return Err(KeyError::Revoked);
    }
    let whole = primary_part(&key).ok_or(KeyError::CannotSign)?;
    if let Some(end) = whole.expires_at.filter(|end| *end <= now) {
        return Err(KeyError::Expired(format_date(end)));
    }
    // Old package managers do not know signatures of subkeys, so these come second, the newest first.
    let mut subkeys: Vec<&SignedSecretSubKey> = key.secret_subkeys.iter().collect();
    subkeys.sort_by_key(|it| std::cmp::Reverse(it.key.created_at()));
    let subkeys = subkeys
        .into_iter()
        .filter(|it| has_secret_material(it.key.secret_params()))
        .filter_map(|it| Some((subkey_part(&key, it)?, Some(it))));
    let primary = has_secret_material(key.primary_key.secret_params()).then_some((whole, None));
    let able: Vec<_> = primary.into_iter().chain(subkeys).filter(|(part, _)| part.can_sign).collect();
    let Some((part, subkey)) = able.iter().find(|(part, _)| part.expires_at.is_none_or(|end| end > now))
    else {
        let end = able.iter().find_map(|(part, _)| part.expires_at);
        return Err(end.map_or(KeyError::CannotSign, |end| KeyError::Expired(format_date(end))));
    };
    let valid_from = part.valid_from.max(whole.valid_from);
    let secret = match *subkey {
        None => {
            let mut secret = key.primary_key.clone();
            let password = unlock_password(secret.secret_params(), passphrase)?;
            secret.remove_password(&password).map_err(|_| KeyError::WrongPassphrase)?;
            SigningSecret::Primary(secret)
        }
        Some(subkey) => {
            let mut secret = subkey.key.clone();
            let password = unlock_password(secret.secret_params(), passphrase)?;
            secret.remove_password(&password).map_err(|_| KeyError::WrongPassphrase)?;
            SigningSecret::Subkey(secret)
        }
    };
    Ok((UnlockedKey { secret, valid_from }, key.to_public_key()))
}

/// The one secret key of the file.
fn read_single_secret_key(file: &[u8]) -> Result<SignedSecretKey, KeyError> {
    let unreadable =
        |_: pgp::errors::Error| KeyError::Invalid(if looks_like_key(file) { DAMAGED } else { NO_KEY });
    let (keys, _) = PublicOrSecret::from_reader_many(file).map_err(unreadable)?;
    let mut secret = None;
    let mut has_public = false;
    for key in keys {
        match key.map_err(unreadable)? {
            PublicOrSecret::Public(_) => has_public = true,
            PublicOrSecret::Secret(key) if secret.is_none() => secret = Some(key),
            PublicOrSecret::Secret(_) => return Err(KeyError::MultipleKeys),
        }
    }
    match secret {
        Some(secret) => Ok(secret),
        None if has_public => Err(KeyError::PublicOnly),
        None => Err(KeyError::Invalid(NO_KEY)),
    }
}

/// Whether a file begins as keys do: armored, or with the packet of a key (RFC 9580, 4.2 and 5.5.1).
pub(super) fn looks_like_key(file: &[u8]) -> bool {
    const SECRET_KEY: u8 = 5;
    const PUBLIC_KEY: u8 = 6;
    let packet = match file.first() {
        Some(first) if first & 0xc0 == 0xc0 => first & 0x3f,
        Some(first) if first & 0xc0 == 0x80 => first >> 2 & 0xf,
        _ => 0,
    };
    matches!(packet, SECRET_KEY | PUBLIC_KEY) || file.trim_ascii_start().starts_with(b"-----BEGIN PGP")
}

/// What its owner's own signature says of a part of the key.
#[derive(Clone, Copy)]
struct KeyPart {
    can_sign: bool,
    /// When what is said here began to hold, in seconds since 1970.
    valid_from: u32,
    /// When it ceases to hold, in seconds since 1970.
    expires_at: Option<u32>,
}

impl KeyPart {
    fn new(key: &impl KeyDetails, signature: &Signature, is_primary: bool) -> Self {
        let created = key.created_at().as_secs();
        let life = signature.key_expiration_time().map_or(0, |it| it.as_secs());
        let states_usage = signature.config().is_some_and(|config| {
            config.hashed_subpackets().any(|it| matches!(it.data, SubpacketData::KeyFlags(_)))
        });
        // Without a word on usage, a primary key may do what its algorithm can.
        let may = if states_usage { signature.key_flags().sign() } else { is_primary };
        Self {
            can_sign: may && key.algorithm().can_sign(),
            valid_from: signature.created().map_or(created, |it| it.as_secs().max(created)),
            expires_at: (life > 0).then(|| created.saturating_add(life)),
        }
    }
}

/// Of the primary key, from the newest signature of its own over itself or a name.
fn primary_part(key: &SignedSecretKey) -> Option<KeyPart> {
    let public = key.primary_key.public_key();
    let direct = key.details.direct_signatures.iter().filter(|it| it.verify_key(public).is_ok());
    let of_names = key.details.users.iter().flat_map(|user| {
        user.signatures.iter().filter(|it| {
            it.typ() != Some(SignatureType::CertRevocation)
                && it.verify_certification(public, Tag::UserId, &user.id).is_ok()
        })
    });
    let newest = direct.chain(of_names).max_by_key(|it| it.created())?;
    Some(KeyPart::new(public, newest, true))
}

/// Of a subkey; nothing of one that was revoked.
fn subkey_part(key: &SignedSecretKey, subkey: &SignedSecretSubKey) -> Option<KeyPart> {
    let (primary, public) = (key.primary_key.public_key(), subkey.key.public_key());
    if subkey.signatures.iter().any(|it| it.typ() == Some(SignatureType::SubkeyRevocation)) {
        return None;
    }
    let own = subkey.signatures.iter().filter(|it| it.verify_subkey_binding(primary, public).is_ok());
    Some(KeyPart::new(public, own.max_by_key(|it| it.created())?, false))
}

/// Whether the secret half is in the file, and not on a card or left out.
fn has_secret_material(secret: &SecretParams) -> bool {
    let SecretParams::Encrypted(secret) = secret else { return true };
    let elsewhere = match secret.string_to_key_params() {
        S2kParams::Aead { s2k, .. } | S2kParams::Cfb { s2k, .. } | S2kParams::MalleableCfb { s2k, .. } => {
            matches!(s2k, StringToKey::Private { .. })
        }
        S2kParams::Unprotected | S2kParams::LegacyCfb { .. } => false,
    };
    !elsewhere
}

fn unlock_password(secret: &SecretParams, passphrase: Option<&str>) -> Result<Password, KeyError> {
    match passphrase {
        Some(passphrase) => Ok(passphrase.into()),
        None if secret.is_encrypted() => Err(KeyError::PassphraseRequired),
        None => Ok(Password::empty()),
    }
}

fn format_date(seconds: u32) -> String {
    opkg::model::Timestamp { seconds: seconds.into(), offset: 0 }.to_rfc5322()
}
