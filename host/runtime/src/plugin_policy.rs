//! Whose plugins may be used: what administrators, and users for themselves, say in `plugins.toml`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::Metadata;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use opkg::regular_file;
use serde::Deserialize;

/// Bytes of the largest file that is read.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What entries begin with that are no names of keys.
const DIGEST_PREFIX: &str = "sha256:";

/// How much signatures matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignaturePolicy {
    /// They are not looked at.
    Ignored,
    /// They are checked as far as keys are known; without one a plugin is welcome as well.
    Checked,
    /// Only plugins that somebody vouches for are installed and used.
    Required,
}

impl fmt::Display for SignaturePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ignored => "ignored",
            Self::Checked => "checked",
            Self::Required => "required",
        })
    }
}

/// What all files of policy say, the machine's first. Later ones add keys and what is revoked, and take nothing away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PluginPolicy {
    files: Vec<PolicyFile>,
}

/// Why a file of policy cannot be used. Nobody knows then what it forbids.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// It cannot be read.
    #[error("the policy {} cannot be read: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It says something that is not known.
    #[error("the policy {}: {reason}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// Somebody else could have written it.
    #[error("the policy {} cannot be trusted: others may write to the file, or own it", .0.display())]
    NotTrusted(PathBuf),
}

/// What is revoked of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Revocation {
    /// The plugin itself, by one of its digests.
    #[error("`{0}` is not to be used any more")]
    Digest(String),
    /// The key that signed it.
    #[error("the key `{0}`, which signed it, is not trusted any more")]
    Key(String),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct PolicyFile {
    path: PathBuf,
    said: PolicyToml,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyToml {
    signatures: Option<SignaturePolicy>,
    #[serde(default)]
    revoked: Vec<String>,
    #[serde(default)]
    keys: BTreeMap<String, PathBuf>,
    /// By the beginning of an address, without `oci://`.
    #[serde(default)]
    registries: BTreeMap<String, RegistryToml>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegistryToml {
    signatures: SignaturePolicy,
}

impl PluginPolicy {
    /// That of these files, of which each need not be there.
    ///
    /// # Errors
    /// When one is there and cannot be read, understood or trusted.
    pub fn read<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<Self, PolicyError> {
        let read = paths.into_iter().filter_map(|path| read_file(path).transpose());
        Ok(Self { files: read.collect::<Result<_, _>>()? })
    }

    /// The keys whose signatures count, by name: files in PEM. A name belongs to whoever gave it first.
    #[must_use]
    pub fn keys(&self) -> BTreeMap<&str, PathBuf> {
        let mut keys = BTreeMap::new();
        for PolicyFile { path, said } in &self.files {
            let directory = path.parent().unwrap_or(Path::new("/"));
            for (name, file) in &said.keys {
                keys.entry(name.as_str()).or_insert_with(|| directory.join(file));
            }
        }
        keys
    }

    /// How much signatures matter for what comes from there: the strictest of what the files say.
    #[must_use]
    pub fn signatures(&self, source: &str) -> SignaturePolicy {
        let said = self.files.iter().filter_map(|file| file.said.signatures(source));
        said.max().unwrap_or(SignaturePolicy::Checked)
    }

    /// Whether a key counts no longer.
    #[must_use]
    pub fn is_revoked_key(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.said.revoked.iter().any(|it| it == name))
    }

    /// What is revoked of a plugin, if anything is: its component's SHA-256 in hexadecimal, the digest by which a registry
    /// has it, the name of the key that signed it.
    #[must_use]
    pub fn revocation(&self, sha256: &str, digest: Option<&str>, key: Option<&str>) -> Option<Revocation> {
        let is_revoked = |text: &str| self.is_revoked_key(text);
        let component = format!("{DIGEST_PREFIX}{sha256}");
        [Some(component.as_str()), digest]
            .into_iter()
            .flatten()
            .find(|it| is_revoked(it))
            .map(|it| Revocation::Digest(it.to_owned()))
            .or_else(|| key.filter(|it| is_revoked(it)).map(|it| Revocation::Key(it.to_owned())))
    }
}

impl PolicyToml {
    fn signatures(&self, source: &str) -> Option<SignaturePolicy> {
        let source = source.strip_prefix("oci://");
        let is_below = |prefix: &str| {
            let rest = source.and_then(|it| it.strip_prefix(prefix.trim_end_matches('/')));
            rest.is_some_and(|rest| rest.starts_with(['/', ':', '@']))
        };
        let named = self.registries.iter().filter(|(prefix, _)| is_below(prefix));
        let longest = named.max_by_key(|(prefix, _)| prefix.len());
        longest.map(|(_, it)| it.signatures).or(self.signatures)
    }

    /// What is wrong with it.
    fn fault(&self) -> Option<String> {
        let is_name = |text: &str| {
            !text.is_empty()
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@'))
        };
        let is_digest = |text: &str| {
            let hex = text.strip_prefix(DIGEST_PREFIX).unwrap_or_default();
            hex.len() == 64 && hex.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
        };
        let key = self.keys.keys().find(|it| !is_name(it));
        let revoked = self.revoked.iter().find(|it| !is_name(it) && !is_digest(it));
        match (key, revoked) {
            (Some(key), _) => {
                Some(format!("`{}` is no name of a key: letters, digits, `.`, `_`, `-`, `@`", shown(key)))
            }
            (_, Some(entry)) => Some(format!(
                "`{}` can be revoked by nobody: that is `sha256:` and 64 digits, or the name of a key",
                shown(entry)
            )),
            _ => None,
        }
    }
}

fn shown(text: &str) -> String {
    opkg_interface::text::one_line(text)
}

fn read_file(path: &Path) -> Result<Option<PolicyFile>, PolicyError> {
    let io_error = |source| PolicyError::Io { path: path.to_owned(), source };
    let file = match regular_file::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(io_error(error)),
    };
    if !is_trusted(&file.metadata().map_err(io_error)?) {
        return Err(PolicyError::NotTrusted(path.to_owned()));
    }
    let mut text = String::new();
    file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(io_error)?;
    let invalid = |reason| PolicyError::Invalid { path: path.to_owned(), reason };
    let said: PolicyToml = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| opkg::line_column(&text, span.start).0);
        invalid(format!("line {line}: {}", shown(error.message())))
    })?;
    match said.fault() {
        Some(reason) => Err(invalid(reason)),
        None => Ok(Some(PolicyFile { path: path.to_owned(), said })),
    }
}

/// Whether nobody else can have written a file: it belongs to root or to this user, and no other may write to it.
fn is_trusted(found: &Metadata) -> bool {
    [0, rustix::process::geteuid().as_raw()].contains(&found.uid()) && found.permissions().mode() & 0o022 == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
        let path = directory.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        path
    }

    #[test]
    fn a_user_adds_to_what_the_machine_says() {
        let directory = tempfile::tempdir().unwrap();
        let digest = format!("sha256:{}", "0".repeat(64));
        let site = write(
            directory.path(),
            "site.toml",
            &format!(
                "signatures = 'checked'\nrevoked = ['{digest}', 'old']\n[keys]\nsite = 'site.pub'\nold = '/k/old.pub'\n\
                 [registries.'r.example.org/site']\nsignatures = 'required'\n"
            ),
        );
        let user = write(
            directory.path(),
            "user.toml",
            "signatures = 'ignored'\n[keys]\nsite = 'mine.pub'\nmine = 'mine.pub'\n\
             [registries.'r.example.org/site']\nsignatures = 'ignored'\n[registries.'other.example.org']\nsignatures = 'required'\n",
        );
        let missing = directory.path().join("missing.toml");
        let policy = PluginPolicy::read([site.as_path(), &missing, &user]).unwrap();
        let expected = [
            ("mine", directory.path().join("mine.pub")),
            ("old", "/k/old.pub".into()),
            ("site", directory.path().join("site.pub")),
        ];
        assert_eq!(policy.keys(), BTreeMap::from(expected));
        for (source, expected) in [
            ("/tmp/a.wasm", SignaturePolicy::Checked),
            ("oci://r.example.org/site/arch:1.0.0", SignaturePolicy::Required),
            ("oci://r.example.org/site:1.0.0", SignaturePolicy::Required),
            ("oci://r.example.org/sites/arch:1.0.0", SignaturePolicy::Checked),
            ("oci://other.example.org/arch@sha256:0", SignaturePolicy::Required),
        ] {
            assert_eq!(policy.signatures(source), expected, "{source}");
        }
        let hex = "0".repeat(64);
        assert_eq!(policy.revocation(&hex, None, None), Some(Revocation::Digest(digest.clone())));
        assert_eq!(policy.revocation("1", Some(&digest), None), Some(Revocation::Digest(digest)));
        assert_eq!(policy.revocation("1", None, Some("old")), Some(Revocation::Key("old".into())));
        assert_eq!(policy.revocation("1", Some("sha256:1"), Some("site")), None);
        let alone = PluginPolicy::read([user.as_path()]).unwrap();
        assert_eq!(alone.signatures("/tmp/a.wasm"), SignaturePolicy::Ignored, "nobody says otherwise");
        assert_eq!(PluginPolicy::default().signatures("any"), SignaturePolicy::Checked);
    }

    #[test]
    fn mistakes_are_errors() {
        let directory = tempfile::tempdir().unwrap();
        let said: Vec<String> = [
            "signatures = 'maybe'\n",
            "\nrevokd = []\n",
            "revoked = ['sha256:12']\n",
            "[keys]\n'a b' = 'x'\n",
            "[registries.a]\n",
            "keys = 1\n",
        ]
        .into_iter()
        .map(|text| {
            let path = write(directory.path(), "plugins.toml", text);
            let error = PluginPolicy::read([path.as_path()]).unwrap_err().to_string();
            error.replace(&directory.path().display().to_string(), "")
        })
        .collect();
        insta::assert_snapshot!(said.join("\n"));
        let path = write(directory.path(), "plugins.toml", "");
        for mode in [0o664, 0o646] {
            fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let error = PluginPolicy::read([path.as_path()]).unwrap_err();
            assert!(matches!(error, PolicyError::NotTrusted(_)), "{mode:o}: {error}");
        }
        assert!(matches!(PluginPolicy::read([directory.path()]), Err(PolicyError::Io { .. })));
    }
}
