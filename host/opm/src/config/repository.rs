//! `[[repository]]`: package sources beside those that targets are configured for.

use std::path::PathBuf;
use std::str::FromStr;

use fs_err as fs;
use opkg::native_name;
use opkg_oda::{PackageName, Target, TargetAddress, TargetKind};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// Files and directories of package sources that are looked at.
const MAX_REPOSITORY_ENTRIES: usize = 200_000;
/// Directories below that of a package source.
const MAX_REPOSITORY_DEPTH: usize = 6;

/// A package source.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// An absolute path of a directory, or an address.
    pub location: String,
    /// By which an index of its own is named, for package managers that look for one: of letters, digits, `.`, `_`, `+` and `-`.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether packages may come from it that nobody vouches for.
    #[serde(default)]
    pub unauthenticated: bool,
    /// For which targets; for all if none is named.
    #[serde(default)]
    pub targets: Vec<TargetFilter>,
}

/// One target, or all of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetFilter {
    /// `image`
    Kind(TargetKind),
    /// `image:compute`
    Address(TargetAddress),
}

impl Repository {
    /// Whether it is for a target.
    pub(super) fn is_for(&self, target: &Target) -> bool {
        let selects = |selector: &TargetFilter| match selector {
            TargetFilter::Kind(kind) => *kind == target.kind(),
            TargetFilter::Address(address) => *address == target.address,
        };
        self.targets.is_empty() || self.targets.iter().any(selects)
    }
}

/// Whether an index can be called so: of letters, digits, `.`, `_`, `+` and `-`.
pub(super) fn is_index_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.chars().all(is_allowed)
}

/// Whether one that is a directory has the package of an OPKG.
pub(super) fn offer(repositories: &[Repository], name: &PackageName) -> bool {
    let directories = repositories.iter().map(|repository| &repository.location);
    let mut open: Vec<(PathBuf, usize)> = directories
        .filter(|location| location.starts_with('/'))
        .map(|location| (PathBuf::from(location), 0))
        .collect();
    let mut left = MAX_REPOSITORY_ENTRIES;
    while let Some((directory, depth)) = open.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            left -= 1;
            if left == 0 {
                return false;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && depth < MAX_REPOSITORY_DEPTH {
                open.push((entry.path(), depth + 1));
            } else if is_package_of(&entry.file_name().to_string_lossy(), name) {
                return true;
            }
        }
    }
    false
}

/// Whether a file is the package of an OPKG for the head node, by its name.
fn is_package_of(file: &str, name: &PackageName) -> bool {
    native_name::of_file(file).and_then(|native| native.strip_prefix(native_name::PREFIX))
        == Some(name.as_str())
}

impl FromStr for TargetFilter {
    type Err = opkg_oda::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains(':') { text.parse().map(Self::Address) } else { text.parse().map(Self::Kind) }
    }
}

impl<'de> Deserialize<'de> for TargetFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn directories_of_packages_say_what_they_have() {
        let directory = tempfile::tempdir().unwrap();
        for name in [
            "x86_64/opkg-munge-0.5-1.noarch.rpm",
            "opkg-torque_6.0-1_all.deb",
            "opkg-slurm-server_23-1_amd64.deb",
            "opkg-c3-tools.txt",
            "opkg-very-v2-1.noarch.rpm",
            "munge-0.5-1.x86_64.rpm",
        ] {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let location = directory.path().display().to_string();
        let repositories = [Repository { location, name: None, unauthenticated: false, targets: Vec::new() }];
        let names = |text: &str| offer(&repositories, &text.parse().unwrap());
        assert!(names("munge") && names("torque") && names("very"));
        assert!(
            !names("mung") && !names("slurm") && !names("c3") && !names("c3-tools") && !names("munge-0.5")
        );
    }
}
