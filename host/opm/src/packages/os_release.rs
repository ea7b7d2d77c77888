//! Which distribution a root holds, as its `os-release` says.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use opkg_interface::Target;
use opkg_runtime::{Registry, RegistryEntry};

use crate::roots::TargetRoot;

/// Where `os-release` stands, the better place first.
const OS_RELEASE_PATHS: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];

/// Bytes of the largest one that is read.
const MAX_BYTES: u64 = 64 << 10;

/// Why the distribution of a root is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OsReleaseError {
    #[error("{file} in the root {} cannot be read: {error}", .root.display())]
    Unreadable { file: &'static str, root: PathBuf, error: io::Error },
    #[error("the root {} has no {}, so its distribution is unknown", .0.display(), OS_RELEASE_PATHS[0])]
    Missing(PathBuf),
    #[error("no plugin knows the distribution {0}: see `opkgc plugin list`")]
    UnknownDistribution(String),
}

/// What `os-release` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OsRelease {
    /// The id of the distribution.
    id: String,
    /// The ids of those that it comes from, the nearest first.
    id_like: Vec<String>,
    version_id: Option<String>,
}

impl OsRelease {
    /// That of a root.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub(crate) fn read(root: &TargetRoot) -> Result<Self, OsReleaseError> {
        let path = || root.path().to_owned();
        for file in OS_RELEASE_PATHS {
            match root.read(Path::new(file), MAX_BYTES) {
                Ok(text) => return Ok(Self::parse(&String::from_utf8_lossy(&text))),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(OsReleaseError::Unreadable { file, root: path(), error }),
            }
        }
        Err(OsReleaseError::Missing(path()))
    }

    /// Reads the form that shells read; the last of several values counts.
    fn parse(text: &str) -> Self {
        let mut release = Self::default();
        for line in text.lines() {
            let Some((name, value)) = line.trim().split_once('=') else { continue };
            let value = unquote(value);
            match name {
                "ID" => release.id = value,
                "ID_LIKE" => release.id_like = value.split_whitespace().map(str::to_owned).collect(),
                "VERSION_ID" => release.version_id = Some(value).filter(|it| !it.is_empty()),
                _ => {}
            }
        }
        release
    }

    /// What packages for it are made for, as far as a plugin knows it or one of those that it comes from.
    ///
    /// # Errors
    /// When no plugin knows any of them.
    pub(crate) fn find_target(&self, registry: &Registry) -> Result<Target, OsReleaseError> {
        let plain =
            |id: &str| registry.parse_target(id).ok().filter(|it| it.version.is_none() && it.arch.is_none());
        if let Some(entry) = registry.find(&self.id) {
            let version = self.version_id.as_deref().map(|version| match_release_version(entry, version));
            let precise =
                version.and_then(|version| registry.parse_target(&format!("{}-{version}", self.id)).ok());
            if let Some(target) = precise.or_else(|| plain(&self.id)) {
                return Ok(target);
            }
        }
        // The version is not that of the distribution which it comes from.
        self.id_like.iter().find_map(|id| plain(id)).ok_or_else(|| {
            let ids = [std::slice::from_ref(&self.id), &self.id_like].concat();
            let ids: Vec<_> = ids.iter().map(|id| format!("`{}`", id.escape_debug())).collect();
            OsReleaseError::UnknownDistribution(ids.join(", "))
        })
    }
}

/// A plugin may know `9` only where a root says `9.4`.
fn match_release_version<'a>(entry: &RegistryEntry, version: &'a str) -> &'a str {
    let releases = entry.distribution().map(|it| it.releases.as_slice()).unwrap_or_default();
    let fronts = version.match_indices('.').map(|(at, _)| &version[..at]).rev();
    let mut candidates = [version].into_iter().chain(fronts);
    candidates.find(|it| releases.iter().any(|release| release.version == *it)).unwrap_or(version)
}

/// A value without its quotes, as a shell reads it.
fn unquote(value: &str) -> String {
    let value = value.trim();
    if let Some(inner) = value.strip_prefix('\'').and_then(|it| it.strip_suffix('\'')) {
        return inner.to_owned();
    }
    let inner = value.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(value);
    let mut plain = String::new();
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        plain.extend(if c == '\\' { characters.next() } else { Some(c) });
    }
    plain
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_way_to_write_it() {
        let release = OsRelease::parse(
            "# comment\nNAME=Any\nID=\"any\"\nID_LIKE='one two'\nVERSION_ID=9.4\nnonsense\nVERSION_ID=\"1\\\"2\"\r\n",
        );
        assert_eq!((release.id.as_str(), release.version_id.as_deref()), ("any", Some("1\"2")));
        assert_eq!(release.id_like, ["one", "two"]);
        assert_eq!(OsRelease::parse("VERSION_ID=\"\"\n").version_id, None);
    }

    #[test]
    fn a_distribution_or_one_that_it_comes_from() {
        let options =
            opkg_runtime::RuntimeOptions { embedded: true, ..opkg_runtime::RuntimeOptions::default() };
        let registry = Registry::discover(options);
        let named = registry.descriptions().into_iter().find(|it| it.releases.len() > 1).unwrap();
        let version = &named.default_release().unwrap().version;
        let target = |text: &str| OsRelease::parse(text).find_target(&registry).map(|it| it.to_string());
        let (id, exact) = (&named.id, format!("{}-{version}", named.id));
        assert_eq!(target(&format!("ID={id}\nVERSION_ID={version}\n")).unwrap(), exact);
        assert_eq!(target(&format!("ID={id}\nVERSION_ID={version}.77\n")).unwrap(), exact);
        assert_eq!(target(&format!("ID={id}\n")).unwrap(), *id);
        assert_eq!(target(&format!("ID={id}\nVERSION_ID='no version'\n")).unwrap(), *id);
        assert_eq!(target(&format!("ID=x\nID_LIKE='y {id}'\nVERSION_ID={version}\n")).unwrap(), *id);
        assert!(target("ID=x\nID_LIKE=y\n").unwrap_err().to_string().contains("`x`, `y`"));
    }
}
