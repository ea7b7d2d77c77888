//! Real OPKGs. They are not part of the project: tests find them in `$OPKG_CORPUS`, or in
//! `../shared/corpus` seen from the project's root, and are skipped where they are not.

use std::path::{Path, PathBuf};

use crate::layout::{self, Item};
use crate::{opkgc, scratch, tools};

/// One package of the corpus.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Of its directory.
    pub name: String,
    /// Where its data is.
    pub data: PathBuf,
}

/// All packages of the present form, sorted by name; none, saying so, where there is no corpus.
///
/// # Panics
///
/// If it cannot be read, or is missing where nothing may be skipped.
#[must_use]
pub fn samples() -> Vec<Sample> {
    let Some(root) = root() else { return Vec::new() };
    let mut samples: Vec<Sample> = fs_err::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("config.xml").is_file())
        .map(|entry| Sample { name: entry.file_name().to_string_lossy().into_owned(), data: entry.path() })
        .collect();
    samples.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(!samples.is_empty(), "the corpus is empty");
    samples
}

/// Where the corpus is.
#[must_use]
pub fn root() -> Option<PathBuf> {
    let place = std::env::var_os("OPKG_CORPUS")
        .map_or_else(|| opkgc::workspace().join("../shared/corpus"), PathBuf::from);
    if !place.is_dir() {
        tools::skip("no corpus of real OPKGs in $OPKG_CORPUS or ../shared/corpus");
        return None;
    }
    Some(place)
}

impl Sample {
    /// Lays the package into a new directory: what the corpus has of it, and stubs for what its list of
    /// files says further.
    ///
    /// # Panics
    ///
    /// If the list of files is not as its description says.
    #[must_use]
    pub fn lay(&self) -> PathBuf {
        let directory = scratch::directory("corpus").join(&self.name);
        self.lay_into(&directory);
        directory
    }

    /// The same into a directory of the caller's choice.
    ///
    /// # Panics
    ///
    /// If the list of files is not as its description says.
    pub fn lay_into(&self, directory: &Path) {
        let list = fs_err::read_to_string(self.data.join("tree.tsv")).unwrap();
        let items: Vec<Item> = list.lines().map(|line| self.item(line)).collect();
        layout::write(directory, &items);
    }

    fn item(&self, line: &str) -> Item {
        let mut columns = line.split('\t');
        let mut column = || columns.next().unwrap_or_else(|| panic!("{}: tree.tsv: {line}", self.name));
        let (path, mode, size, first) = (column(), column(), column(), column());
        let mode = u32::from_str_radix(mode, 8).unwrap();
        let data = self.data.join(path);
        let bytes =
            if data.is_file() { fs_err::read(data).unwrap() } else { stub(first, size.parse().unwrap()) };
        Item::file(path, mode, bytes)
    }
}

/// A file of this many bytes. One that starts with `#!` does nothing, and says so to sh and Perl alike.
fn stub(first: &str, size: usize) -> Vec<u8> {
    let (start, filler) = match first {
        "-" => (String::new(), "One line of many.\n"),
        interpreter => (format!("{interpreter}\nexit 0;\n"), "# Stands for a line of the real script.\n"),
    };
    let mut bytes = start.into_bytes();
    bytes.extend(filler.bytes().cycle().take(size.saturating_sub(bytes.len())));
    bytes
}
