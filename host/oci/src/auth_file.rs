//! Credentials, from a file as Docker and Podman write it.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// Bytes of the file that are read.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Names another file than the usual one, as other tools know it.
const VARIABLE: &str = "REGISTRY_AUTH_FILE";

/// Who asks a registry.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials of {}", self.user)
    }
}

impl Credentials {
    /// The value of a header `Authorization`.
    pub(crate) fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.user, self.password)))
    }
}

/// What is known of who asks a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lookup {
    None,
    /// Another program keeps them.
    Helper(String),
    Found(Credentials),
}

/// A file of credentials. Programs that keep them elsewhere (`credHelpers`, `credsStore`) are not run.
#[derive(Debug, Clone, Default)]
pub struct AuthFile {
    auths: BTreeMap<String, Credentials>,
    helpers: BTreeMap<String, String>,
    default_helper: Option<String>,
}

/// Why a file of credentials cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthFileError {
    /// It cannot be read.
    #[error("the credentials {} cannot be read: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It has another form.
    #[error("the credentials {} cannot be used: {reason}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, without what is secret.
        reason: String,
    },
}

#[derive(Deserialize)]
struct AuthFileJson {
    #[serde(default)]
    auths: BTreeMap<String, AuthJson>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    default_helper: Option<String>,
}

#[derive(Deserialize)]
struct AuthJson {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

impl AuthFile {
    /// Where it is usually: `$REGISTRY_AUTH_FILE`, then `~/.docker/config.json`. The first has to be there if it is named.
    ///
    /// # Errors
    /// When it is there and cannot be used.
    pub fn from_env() -> Result<Self, AuthFileError> {
        if let Some(path) = std::env::var_os(VARIABLE).filter(|it| !it.is_empty()) {
            return Self::read(Path::new(&path));
        }
        let home = std::env::var_os("HOME").map(PathBuf::from).filter(|it| it.is_absolute());
        let Some(path) = home.map(|it| it.join(".docker/config.json")) else { return Ok(Self::default()) };
        match Self::read(&path) {
            Err(AuthFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(Self::default())
            }
            read => read,
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or has another form.
    pub fn read(path: &Path) -> Result<Self, AuthFileError> {
        let io_error = |source| AuthFileError::Io { path: path.to_owned(), source };
        let file = opkg::regular_file::open(path).map_err(io_error)?;
        let mut text = Vec::new();
        file.take(MAX_FILE_BYTES).read_to_end(&mut text).map_err(io_error)?;
        Self::parse(&text).map_err(|reason| AuthFileError::Invalid { path: path.to_owned(), reason })
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        let read: AuthFileJson = serde_json::from_slice(text).map_err(|error| {
            // The message itself may show what is secret.
            format!("it is not what `docker login` writes (line {}, column {})", error.line(), error.column())
        })?;
        let mut auths = BTreeMap::new();
        for (name, AuthJson { auth, username, password }) in read.auths {
            let credentials = match (auth.filter(|it| !it.is_empty()), username, password) {
                (Some(encoded), ..) => Some(
                    decode(&encoded)
                        .ok_or_else(|| format!("`auth` of `{name}` is not `USER:PASSWORD` in base 64"))?,
                ),
                (None, Some(user), Some(password)) => Some(Credentials { user, password }),
                // Somebody who is known to a helper.
                (None, ..) => None,
            };
            auths.extend(credentials.map(|it| (host_and_path(&name).to_owned(), it)));
        }
        Ok(Self { auths, helpers: read.helpers, default_helper: read.default_helper })
    }

    /// Who asks a registry for something: the entry for the longest beginning of the name counts, the registry alone last.
    pub(crate) fn look_up(&self, registry: &str, repository: &str) -> Lookup {
        let full = format!("{registry}/{repository}");
        let mut name = full.as_str();
        loop {
            if let Some(found) = self.auths.get(name) {
                return Lookup::Found(found.clone());
            }
            match name.rsplit_once('/') {
                Some((shorter, _)) => name = shorter,
                None => break,
            }
        }
        match self.helpers.get(registry).or(self.default_helper.as_ref()) {
            Some(helper) => {
                Lookup::Helper(format!("docker-credential-{}", opkg_interface::text::one_line(helper)))
            }
            None => Lookup::None,
        }
    }
}

fn decode(encoded: &str) -> Option<Credentials> {
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = text.trim_end_matches('\0').split_once(':')?;
    Some(Credentials { user: user.to_owned(), password: password.to_owned() })
}

/// Older files have addresses in the place of hosts: `https://registry.example.org/v1/`.
fn host_and_path(name: &str) -> &str {
    match name.split_once("://") {
        Some((_, rest)) => rest.split('/').next().unwrap_or_default(),
        None => name.trim_end_matches('/'),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn found(user: &str, password: &str) -> Lookup {
        Lookup::Found(Credentials { user: user.into(), password: password.into() })
    }

    #[test]
    fn credentials_are_those_of_the_longest_name() {
        let file = AuthFile::parse(
            br#"{"auths": {
                "https://old.example.org/v1/": {"auth": "bWU6YTpi"},
                "r.example.org:5000": {"username": "all", "password": "x"},
                "r.example.org:5000/site": {"auth": "c2l0ZTp5"},
                "helped.example.org": {}},
              "credHelpers": {"cloud.example.org": "cloud"}, "currentContext": "default"}"#,
        )
        .unwrap();
        assert_eq!(file.look_up("old.example.org", "a"), found("me", "a:b"));
        assert_eq!(file.look_up("r.example.org:5000", "site/arch"), found("site", "y"));
        assert_eq!(file.look_up("r.example.org:5000", "sites/arch"), found("all", "x"));
        assert_eq!(file.look_up("r.example.org", "site"), Lookup::None);
        assert_eq!(file.look_up("helped.example.org", "a"), Lookup::None);
        let helper = Lookup::Helper("docker-credential-cloud".into());
        assert_eq!(file.look_up("cloud.example.org", "a"), helper);
        let stored = AuthFile::parse(br#"{"credsStore": "pass"}"#).unwrap();
        assert_eq!(stored.look_up("any", "a"), Lookup::Helper("docker-credential-pass".into()));
    }

    #[test]
    fn mistakes_do_not_show_what_is_secret() {
        for text in [r#"{"auths": {"a": "hunter2"}}"#, r#"{"auths": {"a": {"auth": "hunter2!"}}}"#, "hunter2"]
        {
            let error = AuthFile::parse(text.as_bytes()).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let shown = format!("{:?}", found("me", "hunter2"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
