//! `plugins.lock`: where installed plugins come from, which ones they are, and who vouched for them.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use opkg::{regular_file, toml_string};
use serde::{Deserialize, Serialize};

/// In the directory of installed plugins.
const FILE: &str = "plugins.lock";

/// Bytes of the file that are read.
const MAX_LOCK_BYTES: u64 = 1 << 20;

/// Of the form of the file.
const VERSION: u32 = 1;

const HEAD: &str = "# Where the plugins in this directory come from, and who vouched for them. `opkgc plugin install`, `update` and\n\
                    # `remove` write this file.\n";

/// What is known of a plugin's signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum SignatureState {
    /// Somebody who is trusted vouches for it.
    Verified {
        /// The name of the key, as the policy has it.
        key: String,
    },
    /// There is no signature.
    Unsigned,
    /// There are signatures, by keys that are not known here.
    UnknownKey,
    /// Nobody looked.
    Ignored,
    /// There is a signature that does not hold.
    Failed {
        /// Why.
        reason: String,
    },
}

impl SignatureState {
    /// The key by which it is verified.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Verified { key } => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for SignatureState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verified { key } => write!(f, "verified by {key}"),
            Self::Unsigned => f.write_str("unsigned"),
            Self::UnknownKey => f.write_str("signed by a key that is not known here"),
            Self::Ignored => f.write_str("not checked"),
            Self::Failed { reason } => write!(f, "failed: {reason}"),
        }
    }
}

/// A plugin as it was installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPlugin {
    /// Its version.
    pub version: String,
    /// `oci://…`, or the path of a file.
    pub source: String,
    /// By which a registry has it.
    pub digest: Option<String>,
    /// Of the component, in hexadecimal.
    pub sha256: String,
    /// Who vouched for it.
    pub signature: SignatureState,
}

/// All that is noted, by the ids of plugins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PluginLock(BTreeMap<String, LockedPlugin>);

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the lock {} cannot be used: {reason}", .path.display())]
pub struct PluginLockError {
    path: PathBuf,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LockToml {
    version: u32,
    #[serde(default)]
    plugin: Vec<PluginToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PluginToml {
    id: String,
    version: String,
    source: String,
    digest: Option<String>,
    sha256: String,
    signature: StateToml,
    key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StateToml {
    Verified,
    Unsigned,
    UnknownKey,
    Ignored,
}

impl PluginLock {
    /// That of a directory of installed plugins; an empty one where there is none.
    ///
    /// # Errors
    /// When it is there and cannot be used.
    pub fn read(directory: &Path) -> Result<Self, PluginLockError> {
        let path = directory.join(FILE);
        let fail = |reason: String| PluginLockError { path: path.clone(), reason };
        let file = match regular_file::open(&path) {
            Ok(file) => file,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Self::default());
            }
            Err(error) => return Err(fail(error.to_string())),
        };
        let text = regular_file::read_text(file, MAX_LOCK_BYTES).map_err(|error| fail(error.to_string()))?;
        Self::parse(&text).map_err(fail)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let read: LockToml = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| opkg::line_column(text, span.start).0);
            format!("line {line}: {}", opkg_interface::text::one_line(error.message()))
        })?;
        if read.version != VERSION {
            return Err(format!("it has version {}, and {VERSION} is known", read.version));
        }
        let mut lock = Self::default();
        for PluginToml { id, version, source, digest, sha256, signature, key } in read.plugin {
            let signature = match (signature, key) {
                (StateToml::Verified, Some(key)) => SignatureState::Verified { key },
                (StateToml::Verified, None) => {
                    return Err(format!("the key that verifies {id:?} is not named"));
                }
                (StateToml::Unsigned, _) => SignatureState::Unsigned,
                (StateToml::UnknownKey, _) => SignatureState::UnknownKey,
                (StateToml::Ignored, _) => SignatureState::Ignored,
            };
            let plugin = LockedPlugin { version, source, digest, sha256, signature };
            if lock.0.insert(id.clone(), plugin).is_some() {
                return Err(format!("{id:?} is in it twice"));
            }
        }
        Ok(lock)
    }

    /// What is noted of a plugin.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&LockedPlugin> {
        self.0.get(id)
    }

    /// All plugins that something is noted of, sorted by their ids.
    pub fn plugins(&self) -> impl Iterator<Item = (&str, &LockedPlugin)> {
        self.0.iter().map(|(id, plugin)| (id.as_str(), plugin))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn insert(&mut self, id: &str, plugin: LockedPlugin) {
        self.0.insert(id.to_owned(), plugin);
    }

    pub(crate) fn remove(&mut self, id: &str) -> bool {
        self.0.remove(id).is_some()
    }

    /// Its place in a directory of installed plugins.
    pub(crate) fn path(directory: &Path) -> PathBuf {
        directory.join(FILE)
    }
}

impl fmt::Display for PluginLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}version = {VERSION}")?;
        for (id, LockedPlugin { version, source, digest, sha256, signature }) in &self.0 {
            let (state, key) = match signature {
                SignatureState::Verified { key } => ("verified", Some(key)),
                // One that failed is installed by nobody.
                SignatureState::Unsigned | SignatureState::Failed { .. } => ("unsigned", None),
                SignatureState::UnknownKey => ("unknown-key", None),
                SignatureState::Ignored => ("ignored", None),
            };
            let lines = [
                ("id", Some(id.as_str())),
                ("version", Some(version)),
                ("source", Some(source)),
                ("digest", digest.as_deref()),
                ("sha256", Some(sha256)),
                ("signature", Some(state)),
                ("key", key.map(String::as_str)),
            ];
            writeln!(f, "\n[[plugin]]")?;
            for (name, value) in lines {
                if let Some(value) = value {
                    writeln!(f, "{name} = {}", toml_string(value))?;
                }
            }
        }
        Ok(())
    }
}

/// Keeps others from writing the lock of a directory until it is dropped.
///
/// # Errors
/// Those of the system.
pub(crate) fn hold(directory: &Path) -> io::Result<std::fs::File> {
    let file = std::fs::File::open(directory)?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_noted_is_read_again() {
        let plugin = |source: &str, signature| LockedPlugin {
            version: "1.0.0".into(),
            source: source.into(),
            digest: source.starts_with("oci:").then(|| "sha256:00".into()),
            sha256: "00".into(),
            signature,
        };
        let mut lock = PluginLock::default();
        let verified = SignatureState::Verified { key: "site".into() };
        lock.insert("arch", plugin("oci://r.example.org/arch:1.0.0", verified));
        lock.insert("alpine", plugin("/tmp/a \"\\\u{7}file.wasm", SignatureState::Unsigned));
        lock.insert("void", plugin("oci://r.example.org/void:1.0.0", SignatureState::UnknownKey));
        lock.insert("slackware", plugin("/a", SignatureState::Ignored));
        assert_eq!(PluginLock::parse(&lock.to_string()).unwrap(), lock);
        insta::assert_snapshot!(lock);
    }

    #[test]
    fn what_nobody_has_that_much_of_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let comment = "#".repeat(1 << 20);
        std::fs::write(PluginLock::path(directory.path()), format!("version = 1\n{comment}\n")).unwrap();
        let error = PluginLock::read(directory.path()).unwrap_err();
        assert_eq!(error.reason, "it is larger than 1024 KiB");
    }

    #[test]
    fn mistakes_are_errors() {
        let entry =
            "[[plugin]]\nid = 'a'\nversion = '1'\nsource = 's'\nsha256 = '0'\nsignature = 'unsigned'\n";
        let said: Vec<String> = [
            String::new(),
            "version = 2\n".into(),
            format!("version = 1\n{entry}{entry}"),
            format!("version = 1\n{}", entry.replace("unsigned", "verified")),
            format!("version = 1\n{}", entry.replace("unsigned", "good")),
            format!("version = 1\nother = 1\n{entry}"),
        ]
        .iter()
        .map(|text| PluginLock::parse(text).unwrap_err())
        .collect();
        insta::assert_snapshot!(said.join("\n"));
    }
}
