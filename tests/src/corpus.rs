//! Real OPKGs. They are not part of the project: tests find them in `$OPKG_CORPUS`, or in
//! `../shared/corpus` seen from the project's root, and are skipped where they are not.

use std::path::{Path, PathBuf};

use crate::file_tree::{self, TreeEntry};
use crate::{opkgc, scratch, tools};

/// One package of the corpus.
#[derive(Debug, Clone)]
pub struct CorpusPackage {
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
pub fn samples() -> Vec<CorpusPackage> {
    let Some(root) = corpus_directory() else { return Vec::new() };
    let mut samples: Vec<CorpusPackage> = fs_err::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("config.xml").is_file())
        .map(|entry| CorpusPackage {
            name: entry.file_name().to_string_lossy().into_owned(),
            data: entry.path(),
        })
        .collect();
    samples.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(!samples.is_empty(), "the corpus is empty");
    samples
}

/// Where the corpus is.
#[must_use]
pub fn corpus_directory() -> Option<PathBuf> {
    let place = std::env::var_os("OPKG_CORPUS")
        .map_or_else(|| opkgc::workspace().join("../shared/corpus"), PathBuf::from);
    if !place.is_dir() {
        tools::skip("no corpus of real OPKGs in $OPKG_CORPUS or ../shared/corpus");
        return None;
    }
    Some(place)
}

impl CorpusPackage {
    /// Lays the package into a new directory: what the corpus has of it, and stubs for what its list of
    /// files says further.
    ///
    /// # Panics
    ///
    /// If the list of files is not as its description says.
    #[must_use]
    pub fn write_to_scratch(&self) -> PathBuf {
        let directory = scratch::create_directory("corpus").join(&self.name);
        self.write_to(&directory);
        directory
    }

    /// The same into a directory of the caller's choice.
    ///
    /// # Panics
    ///
    /// If the list of files is not as its description says.
    pub fn write_to(&self, directory: &Path) {
        let list = fs_err::read_to_string(self.data.join("tree.tsv")).unwrap();
        let items: Vec<TreeEntry> = list.lines().map(|line| self.parse_item(line)).collect();
        file_tree::write_tree(directory, &items);
    }

    /// Whether what stands in a file is known, not only that there is one.
    #[must_use]
    pub fn has_contents(&self, path: &Path) -> bool {
        self.data.join(path).is_file()
    }

    fn parse_item(&self, line: &str) -> TreeEntry {
        let mut columns = line.split('\t');
        let mut column = || columns.next().unwrap_or_else(|| panic!("{}: tree.tsv: {line}", self.name));
        let (path, mode, size, first) = (column(), column(), column(), column());
        let mode = u32::from_str_radix(mode, 8).unwrap();
        let data = self.data.join(path);
        let bytes = if data.is_file() {
            fs_err::read(data).unwrap()
        } else {
            stub_file(first, size.parse().unwrap())
        };
        TreeEntry::file(path, mode, bytes)
    }
}

/// A file of this many bytes. One that starts with `#!` does nothing, and says so to sh and Perl alike.
fn stub_file(first: &str, size: usize) -> Vec<u8> {
    let (start, filler) = match first {
        "-" => (String::new(), "One line of many.\n"),
        interpreter => (format!("{interpreter}\nexit 0;\n"), "# Stands for a line of the real script.\n"),
    };
    let mut bytes = start.into_bytes();
    bytes.extend(filler.bytes().cycle().take(size.saturating_sub(bytes.len())));
    bytes
}
