//! Which distribution a root holds, as its `os-release` says.

use std::io::ErrorKind;
use std::path::Path;

use opkg_runtime::{Entry, Registry, Target};

use super::root::Root;

/// Where `os-release` stands, the better place first.
const FILES: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];

/// Bytes of the largest one that is read.
const MOST: u64 = 64 << 10;

/// What `os-release` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Release {
    /// The distribution.
    id: String,
    /// Those that it comes from, the nearest first.
    like: Vec<String>,
    version: Option<String>,
}

impl Release {
    /// Of a root.
    ///
    /// # Errors
    /// One line.
    pub(super) fn read(root: &Root) -> Result<Self, String> {
        let shown = root.path().display();
        for file in FILES {
            match root.read(Path::new(file), MOST) {
                Ok(text) => return Ok(Self::parse(&String::from_utf8_lossy(&text))),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(format!("{file} in the root {shown} cannot be read: {error}")),
            }
        }
        Err(format!("the root {shown} has no {}, so that nobody knows its distribution", FILES[0]))
    }

    /// Of the form that shells read; the last of several values counts.
    fn parse(text: &str) -> Self {
        let mut release = Self::default();
        for line in text.lines() {
            let Some((name, value)) = line.trim().split_once('=') else { continue };
            let value = unquoted(value);
            match name {
                "ID" => release.id = value,
                "ID_LIKE" => release.like = value.split_whitespace().map(str::to_owned).collect(),
                "VERSION_ID" => release.version = Some(value).filter(|it| !it.is_empty()),
                _ => {}
            }
        }
        release
    }

    /// What packages for it are made for, as far as a plugin knows it or one of those that it comes from.
    ///
    /// # Errors
    /// One line.
    pub(super) fn target(&self, registry: &Registry) -> Result<Target, String> {
        let plain =
            |id: &str| registry.target(id).ok().filter(|it| it.version.is_none() && it.arch.is_none());
        if let Some(entry) = registry.find(&self.id) {
            let version = self.version.as_deref().map(|version| known_version(entry, version));
            let precise = version.and_then(|version| registry.target(&format!("{}-{version}", self.id)).ok());
            if let Some(target) = precise.or_else(|| plain(&self.id)) {
                return Ok(target);
            }
        }
        // The version is not that of the distribution which it comes from.
        self.like.iter().find_map(|id| plain(id)).ok_or_else(|| {
            let named = [std::slice::from_ref(&self.id), &self.like].concat();
            let named: Vec<_> = named.iter().map(|id| format!("`{}`", id.escape_debug())).collect();
            format!("no plugin knows the distribution {}: see `opkgc plugin list`", named.join(", "))
        })
    }
}

/// A plugin may know `9` only where a root says `9.4`.
fn known_version<'a>(entry: &Entry, version: &'a str) -> &'a str {
    let releases = entry.description().map(|it| it.releases.as_slice()).unwrap_or_default();
    let fronts = version.match_indices('.').map(|(at, _)| &version[..at]).rev();
    let mut candidates = [version].into_iter().chain(fronts);
    candidates.find(|it| releases.iter().any(|release| release.version == *it)).unwrap_or(version)
}

/// A value without its quotes, as a shell reads it.
fn unquoted(value: &str) -> String {
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
        let release = Release::parse(
            "# comment\nNAME=Any\nID=\"any\"\nID_LIKE='one two'\nVERSION_ID=9.4\nnonsense\nVERSION_ID=\"1\\\"2\"\r\n",
        );
        assert_eq!((release.id.as_str(), release.version.as_deref()), ("any", Some("1\"2")));
        assert_eq!(release.like, ["one", "two"]);
        assert_eq!(Release::parse("VERSION_ID=\"\"\n").version, None);
    }

    #[test]
    fn a_distribution_or_one_that_it_comes_from() {
        let options = opkg_runtime::Options { embedded: true, ..opkg_runtime::Options::default() };
        let registry = Registry::discover(options);
        let named = registry.descriptions().into_iter().find(|it| it.releases.len() > 1).unwrap();
        let version = &named.default_release().unwrap().version;
        let target = |text: &str| Release::parse(text).target(&registry).map(|it| it.to_string());
        let (id, exact) = (&named.id, format!("{}-{version}", named.id));
        assert_eq!(target(&format!("ID={id}\nVERSION_ID={version}\n")).unwrap(), exact);
        assert_eq!(target(&format!("ID={id}\nVERSION_ID={version}.77\n")).unwrap(), exact);
        assert_eq!(target(&format!("ID={id}\n")).unwrap(), *id);
        assert_eq!(target(&format!("ID={id}\nVERSION_ID='no version'\n")).unwrap(), *id);
        assert_eq!(target(&format!("ID=x\nID_LIKE='y {id}'\nVERSION_ID={version}\n")).unwrap(), *id);
        assert!(target("ID=x\nID_LIKE=y\n").unwrap_err().contains("`x`, `y`"));
    }
}
