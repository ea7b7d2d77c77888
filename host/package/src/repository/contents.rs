//! `Contents-ARCH`: which package has which file. A line for each path, with the packages behind it as `section/name`;
//! sorted, so that programs find a path by halving.
//!
//! Packages for all architectures are in every list, as in those of Debian's own tools, and in one of their own.

use std::collections::{BTreeMap, BTreeSet};

/// What a list is called, but for the architecture.
const PREFIX: &str = "Contents-";

/// The architecture of packages for all of them.
const ALL: &str = "all";

/// The files of many packages.
#[derive(Default)]
pub(super) struct Contents {
    /// Path, and the number of its package.
    files: Vec<(Box<[u8]>, usize)>,
    packages: Vec<Owner>,
    path_bytes: usize,
}

/// A package that has files.
struct Owner {
    arch: String,
    /// `section/name`
    location: String,
}

impl Contents {
    /// Adds the files of a package. One whose path has a line feed cannot be listed.
    pub(super) fn add(&mut self, arch: &str, section: &str, name: &str, paths: Vec<Box<[u8]>>) {
        let number = self.packages.len();
        let is_word = !section.is_empty()
            && !section.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',');
        let location = if is_word { format!("{section}/{name}") } else { name.to_owned() };
        self.packages.push(Owner { arch: arch.to_owned(), location });
        let listed = paths.into_iter().filter(|path| !path.iter().any(|byte| matches!(byte, b'\n' | b'\0')));
        for path in listed {
            self.path_bytes += path.len();
            self.files.push((path, number));
        }
    }

    /// The architectures of all packages.
    pub(super) fn archs(&self) -> BTreeSet<&str> {
        self.packages.iter().map(|package| package.arch.as_str()).collect()
    }

    /// How long all lists become together, or somewhat more than that.
    pub(super) fn byte_len(&self) -> usize {
        self.path_bytes.saturating_mul(self.archs().len())
    }

    /// The lists by their names.
    pub(super) fn lists(mut self) -> Vec<(String, Vec<u8>)> {
        self.files.sort();
        let archs = self.archs().into_iter();
        archs.map(|arch| (format!("{PREFIX}{arch}"), self.list(arch))).collect()
    }

    fn list(&self, arch: &str) -> Vec<u8> {
        let mut lines: BTreeMap<&[u8], BTreeSet<&str>> = BTreeMap::new();
        for (path, number) in &self.files {
            let owner = &self.packages[*number];
            if owner.arch == arch || owner.arch == ALL {
                lines.entry(path).or_default().insert(&owner.location);
            }
        }
        let mut text = Vec::new();
        for (path, locations) in lines {
            text.extend_from_slice(path);
            text.push(b'\t');
            text.extend(locations.into_iter().collect::<Vec<_>>().join(",").bytes());
            text.push(b'\n');
        }
        text
    }
}

/// Whether a file is called as a list in any form is.
pub(super) fn is_list_name(name: &str) -> bool {
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".xz")).unwrap_or(name);
    name.strip_prefix(PREFIX).is_some_and(is_arch)
}

/// Whether a text may be the name of an architecture, which becomes a part of names of files.
pub(super) fn is_arch(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(texts: &[&str]) -> Vec<Box<[u8]>> {
        texts.iter().map(|text| text.as_bytes().into()).collect()
    }

    #[test]
    fn each_architecture_has_what_is_for_all_as_well() {
        let mut contents = Contents::default();
        contents.add("all", "admin", "b", paths(&["usr/b", "usr/shared name", "usr/a\nb"]));
        contents.add("amd64", "net", "a", paths(&["usr/shared name", "usr/a"]));
        contents.add("amd64", "", "a", paths(&["usr/a"]));
        contents.add("arm64", "net", "a", paths(&["usr/arm"]));
        // Another version of the same.
        contents.add("all", "admin", "b", paths(&["usr/b"]));
        let lists: Vec<(String, String)> = contents
            .lists()
            .into_iter()
            .map(|(name, text)| (name, String::from_utf8_lossy(&text).into_owned()))
            .collect();
        let expected = [
            ("Contents-all", "usr/b\tadmin/b\nusr/shared name\tadmin/b\n"),
            ("Contents-amd64", "usr/a\ta,net/a\nusr/b\tadmin/b\nusr/shared name\tadmin/b,net/a\n"),
            ("Contents-arm64", "usr/arm\tnet/a\nusr/b\tadmin/b\nusr/shared name\tadmin/b\n"),
        ];
        assert_eq!(lists, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    }

    #[test]
    fn lists_are_told_from_other_files() {
        for name in ["Contents-amd64", "Contents-all.gz", "Contents-kfreebsd-amd64.xz"] {
            assert!(is_list_name(name), "{name}");
        }
        for name in ["Contents-", "Contents-../x", "Contents-amd64.bz2", "Packages", "x/Contents-all"] {
            assert!(!is_list_name(name), "{name}");
        }
    }
}
