//! The key in a key file: which of its parts signs, and whether it may.

use pgp::composed::{PublicOrSecret, SignedPublicKey, SignedSecretKey, SignedSecretSubKey};
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{SecretKey, SecretSubkey, Signature, SignatureType, SubpacketData};
use pgp::types::{KeyDetails, KeyVersion, Password, S2kParams, SecretParams, StringToKey, Tag};

/// Why a key file cannot be signed with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Something else, or damaged.
    #[error("it is no OpenPGP key ({0})")]
    Unreadable(String),
    /// The half that everybody may have.
    #[error("it holds only a public key")]
    PublicOnly,
    /// Which one is meant is not said.
    #[error("it holds more than one key")]
    Several,
    /// A kind of key that package managers do not know.
    #[error("the key is of a version of OpenPGP that package managers do not read")]
    Version,
    /// Locked, and no passphrase was given.
    #[error("the key is locked with a passphrase")]
    Locked,
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

impl KeyError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "name the file that `gpg --export-secret-keys KEY` prints",
            Self::PublicOnly => {
                "name the file that `gpg --export-secret-keys KEY` prints, not that of --export"
            }
            Self::Several => "write the one to sign with into a file of its own",
            Self::Version => "sign with a key of version 4, which `gpg` makes",
            Self::Locked => "give the passphrase with --passphrase-file FILE or in $OPKG_SIGN_PASSPHRASE",
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
pub(super) struct Key {
    pub(super) secret: Secret,
    /// Seconds since 1970: no signature may be older.
    pub(super) valid_from: u32,
}

/// Which part it is.
pub(super) enum Secret {
    Primary(SecretKey),
    Subkey(SecretSubkey),
}

impl Key {
    pub(super) fn is_rsa(&self) -> bool {
        let algorithm = match &self.secret {
            Secret::Primary(key) => key.algorithm(),
            Secret::Subkey(key) => key.algorithm(),
        };
        matches!(algorithm, PublicKeyAlgorithm::RSA | PublicKeyAlgorithm::RSASign)
    }
}

/// Reads a key file.
pub(super) fn read(
    file: &[u8],
    passphrase: Option<&str>,
    now: u32,
) -> Result<(Key, SignedPublicKey), KeyError> {
    let key = only_secret(file)?;
    if key.primary_key.version() != KeyVersion::V4 {
        return Err(KeyError::Version);
    }
    if !key.details.revocation_signatures.is_empty() {
        return Err(KeyError::Revoked);
    }
    let whole = of_primary(&key).ok_or(KeyError::CannotSign)?;
    if let Some(end) = whole.end.filter(|end| *end <= now) {
        return Err(KeyError::Expired(day(end)));
    }
    // Old package managers do not know signatures of subkeys, so these come second, the newest first.
    let mut subkeys: Vec<&SignedSecretSubKey> = key.secret_subkeys.iter().collect();
    subkeys.sort_by_key(|it| std::cmp::Reverse(it.key.created_at()));
    let subkeys = subkeys
        .into_iter()
        .filter(|it| is_here(it.key.secret_params()))
        .filter_map(|it| Some((of_subkey(&key, it)?, Some(it))));
    let primary = is_here(key.primary_key.secret_params()).then_some((whole, None));
    let able: Vec<_> = primary.into_iter().chain(subkeys).filter(|(part, _)| part.signs).collect();
    let Some((part, subkey)) = able.iter().find(|(part, _)| part.end.is_none_or(|end| end > now)) else {
        let end = able.iter().find_map(|(part, _)| part.end);
        return Err(end.map_or(KeyError::CannotSign, |end| KeyError::Expired(day(end))));
    };
    let valid_from = part.since.max(whole.since);
    let secret = match *subkey {
        None => {
            let mut secret = key.primary_key.clone();
            let password = password(secret.secret_params(), passphrase)?;
            secret.remove_password(&password).map_err(|_| KeyError::WrongPassphrase)?;
            Secret::Primary(secret)
        }
        Some(subkey) => {
            let mut secret = subkey.key.clone();
            let password = password(secret.secret_params(), passphrase)?;
            secret.remove_password(&password).map_err(|_| KeyError::WrongPassphrase)?;
            Secret::Subkey(secret)
        }
    };
    Ok((Key { secret, valid_from }, key.to_public_key()))
}

/// The one secret key of the file.
fn only_secret(file: &[u8]) -> Result<SignedSecretKey, KeyError> {
    let unreadable = |error: pgp::errors::Error| KeyError::Unreadable(error.to_string());
    let (keys, _) = PublicOrSecret::from_reader_many(file).map_err(unreadable)?;
    let mut secret = None;
    let mut has_public = false;
    for key in keys {
        match key.map_err(unreadable)? {
            PublicOrSecret::Public(_) => has_public = true,
            PublicOrSecret::Secret(key) if secret.is_none() => secret = Some(key),
            PublicOrSecret::Secret(_) => return Err(KeyError::Several),
        }
    }
    match secret {
        Some(secret) => Ok(secret),
        None if has_public => Err(KeyError::PublicOnly),
        None => Err(KeyError::Unreadable("there is none in it".into())),
    }
}

/// What its owner's own signature says of a part of the key.
#[derive(Clone, Copy)]
struct Part {
    signs: bool,
    /// When what is said here began to hold, in seconds since 1970.
    since: u32,
    /// When it ends.
    end: Option<u32>,
}

impl Part {
    fn new(key: &impl KeyDetails, signature: &Signature, is_primary: bool) -> Self {
        let created = key.created_at().as_secs();
        let life = signature.key_expiration_time().map_or(0, |it| it.as_secs());
        let states_usage = signature.config().is_some_and(|config| {
            config.hashed_subpackets().any(|it| matches!(it.data, SubpacketData::KeyFlags(_)))
        });
        // Without a word on usage, a primary key may do what its algorithm can.
        let may = if states_usage { signature.key_flags().sign() } else { is_primary };
        Self {
            signs: may && key.algorithm().can_sign(),
            since: signature.created().map_or(created, |it| it.as_secs().max(created)),
            end: (life > 0).then(|| created.saturating_add(life)),
        }
    }
}

/// Of the primary key, from the newest signature of its own over itself or a name.
fn of_primary(key: &SignedSecretKey) -> Option<Part> {
    let public = key.primary_key.public_key();
    let direct = key.details.direct_signatures.iter().filter(|it| it.verify_key(public).is_ok());
    let of_names = key.details.users.iter().flat_map(|user| {
        user.signatures.iter().filter(|it| {
            it.typ() != Some(SignatureType::CertRevocation)
                && it.verify_certification(public, Tag::UserId, &user.id).is_ok()
        })
    });
    let newest = direct.chain(of_names).max_by_key(|it| it.created())?;
    Some(Part::new(public, newest, true))
}

/// Of a subkey; nothing of one that was revoked.
fn of_subkey(key: &SignedSecretKey, subkey: &SignedSecretSubKey) -> Option<Part> {
    let (primary, public) = (key.primary_key.public_key(), subkey.key.public_key());
    if subkey.signatures.iter().any(|it| it.typ() == Some(SignatureType::SubkeyRevocation)) {
        return None;
    }
    let own = subkey.signatures.iter().filter(|it| it.verify_subkey_binding(primary, public).is_ok());
    Some(Part::new(public, own.max_by_key(|it| it.created())?, false))
}

/// Whether the secret half is in the file, and not on a card or left out.
fn is_here(secret: &SecretParams) -> bool {
    let SecretParams::Encrypted(secret) = secret else { return true };
    let elsewhere = match secret.string_to_key_params() {
        S2kParams::Aead { s2k, .. } | S2kParams::Cfb { s2k, .. } | S2kParams::MalleableCfb { s2k, .. } => {
            matches!(s2k, StringToKey::Private { .. })
        }
        S2kParams::Unprotected | S2kParams::LegacyCfb { .. } => false,
    };
    !elsewhere
}

fn password(secret: &SecretParams, passphrase: Option<&str>) -> Result<Password, KeyError> {
    match passphrase {
        Some(passphrase) => Ok(passphrase.into()),
        None if secret.is_encrypted() => Err(KeyError::Locked),
        None => Ok(Password::empty()),
    }
}

fn day(seconds: u32) -> String {
    opkg::model::Timestamp { seconds: seconds.into(), offset: 0 }.rfc5322()
}
