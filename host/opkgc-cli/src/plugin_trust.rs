//! Who vouches for a plugin, as the policy has it; and keys of those who sign.

use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fs_err as fs;

use opkg_oci::{Digest, Evidence, KeyError, PrivateKey, PublicKey, SignatureError, Verdict, verify};
use opkg_runtime::{PluginPolicy, RuntimeOptions, SignaturePolicy, SignatureState};
use opkg_shell::UsageError;

use crate::errors::CliError;

/// Bytes of a key and of a bundle.
const MAX_KEY_BYTES: u64 = 64 << 10;
const MAX_BUNDLE_BYTES: u64 = 1 << 20;

/// Permission bits by which others than the owner may write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// What a bundle beside a file is called: the file's name with this behind it.
const BUNDLE_SUFFIX: &str = ".sigstore.json";

/// Whose signatures count.
#[derive(Debug)]
pub struct TrustedKeys {
    policy: PluginPolicy,
    keys: Vec<PublicKey>,
}

impl TrustedKeys {
    /// Those that the policy names.
    ///
    /// # Errors
    /// When the policy or a key cannot be used.
    pub fn read(options: &RuntimeOptions) -> Result<Self, CliError> {
        let policy = PluginPolicy::read(options.policy_files())?;
        let read = |(name, path): (&str, PathBuf)| {
            let pem = read_text(&path, MAX_KEY_BYTES)?;
            if fs::metadata(&path)?.mode() & WRITABLE_BY_OTHERS != 0 {
                let message =
                    format!("others than its owner may write the key `{name}` in {}", path.display());
                let help =
                    format!("see that it is the one that you want, then `chmod go-w {}`", path.display());
                return Err(UsageError::new(message, help).into());
            }
            PublicKey::parse(name, &pem)
                .map_err(|error| unusable_key(&format!("the key `{name}` in"), &path, &error))
        };
        let keys = policy.keys().into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { policy, keys })
    }

    /// Whether signatures of what comes from there are looked at.
    pub fn is_wanted(&self, source: &str) -> bool {
        self.policy.signatures(source) != SignaturePolicy::Ignored
    }

    /// Who vouches for what has this digest.
    pub fn check(&self, evidence: &[Evidence], digest: &Digest) -> SignatureState {
        let is_revoked = |name: &str| self.policy.is_revoked_key(name);
        match verify(evidence, digest, &self.keys, &is_revoked) {
            Verdict::Verified(key) => SignatureState::Verified { key },
            Verdict::Unsigned => SignatureState::Unsigned,
            Verdict::UnknownKey => SignatureState::UnknownKey,
            // It is sound; that its key is revoked, whoever installs it says in its own words.
            Verdict::Failed(SignatureError::RevokedKey(key)) => SignatureState::Verified { key },
            Verdict::Failed(error) => SignatureState::Failed { reason: error.to_string() },
        }
    }
}

/// Where the signature of a file is usually.
pub fn default_bundle(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(BUNDLE_SUFFIX);
    name.into()
}

/// The signature of a file: the one that was named, or the one beside it.
///
/// # Errors
/// When the one that was named, or is there, cannot be read.
pub fn bundle_of(file: &Path, named: Option<&Path>) -> Result<Vec<Evidence>, CliError> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => match default_bundle(file) {
            beside if beside.exists() => beside,
            _ => return Ok(Vec::new()),
        },
    };
    Ok(vec![Evidence::Bundle(read_small(&path, MAX_BUNDLE_BYTES)?)])
}

/// The key that signs.
///
/// # Errors
/// When it cannot be read, or is none that can be used.
pub fn read_private_key(path: &Path) -> Result<PrivateKey, CliError> {
    let pem = read_text(path, MAX_KEY_BYTES)?;
    PrivateKey::parse(&pem).map_err(|error| unusable_key("the key", path, &error))
}

fn unusable_key(what: &str, path: &Path, error: &KeyError) -> CliError {
    UsageError::new(format!("{what} {} cannot be used: {error}", path.display()), error.help()).into()
}

fn read_text(path: &Path, limit: u64) -> Result<String, CliError> {
    String::from_utf8(read_small(path, limit)?).map_err(|_| unreadable(path, "it is not text"))
}

fn read_small(path: &Path, limit: u64) -> Result<Vec<u8>, CliError> {
    let io_error = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => unreadable(path, "it is not there"),
        _ => unreadable(path, &error.to_string()),
    };
    let mut bytes = Vec::new();
    let file = opkg::regular_file::open(path).map_err(io_error)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(io_error)?;
    match bytes.len() as u64 > limit {
        true => Err(unreadable(path, "it is larger than such a file is")),
        false => Ok(bytes),
    }
}

fn unreadable(path: &Path, reason: &str) -> CliError {
    let message = format!("{} cannot be read: {reason}", path.display());
    UsageError::new(message, "name a file that you may read").into()
}
