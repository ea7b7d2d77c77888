//! A binary package, in the words that RPM and Debian share. What was built and what was expected are
//! both expressed in it.

use std::collections::{BTreeMap, BTreeSet};

/// A package format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PackageFormat {
    Rpm,
    Deb,
}

/// What a relation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RelationKind {
    /// `Requires`, `Depends`, `Pre-Depends`.
    Requires,
    /// `Provides`.
    Provides,
    /// `Conflicts`.
    Conflicts,
    /// `Suggests`.
    Suggests,
    /// `Recommends`.
    Recommends,
    /// `Supplements`, which Debian does not have.
    Supplements,
    /// `Enhances`.
    Enhances,
    /// `Breaks`, which RPM does not have.
    Breaks,
    /// `Obsoletes`, and Debian's `Replaces`.
    Obsoletes,
}

/// A file as it is installed. Everything belongs to root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstalledFile {
    /// Permission bits, and the SHA-256 of the contents in hex.
    Regular(u32, String),
    Link(String),
    /// A directory, with its permission bits.
    Directory(u32),
}

/// One entry of the changelog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangelogEntry {
    /// Version and release it belongs to, as the format writes them.
    pub version: String,
    /// Days since 1970, of the day that the entry shows.
    pub day: i64,
    /// Name, and ` <address>` if it is known.
    pub author: String,
    /// All of it on one line, without bullets.
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// As the package manager knows it.
    pub name: String,
    /// `[epoch:]version-release`.
    pub version: String,
    /// As the format writes it.
    pub arch: String,
    /// One line.
    pub summary: String,
    /// Paragraphs, each on one line.
    pub description: Vec<String>,
    pub url: Option<String>,
    /// RPM's tag; nothing in Debian, which has a file instead.
    pub license: Option<String>,
    /// `name` or `name >= version`.
    pub relations: BTreeSet<(RelationKind, String)>,
    /// By absolute path.
    pub files: BTreeMap<String, InstalledFile>,
    /// `pre-install`, `post-install`, `pre-uninstall`, `post-uninstall`: those that there are.
    pub scriptlets: BTreeSet<String>,
    /// In the order shown.
    pub changelog: Vec<ChangelogEntry>,
    /// Opkg-level conflicts where the format has a field for them.
    pub opkg_conflicts: BTreeSet<String>,
}

/// All on one line, with single blanks.
#[must_use]
pub fn collapse_whitespace(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The paragraphs of a text, each folded: they are separated by blank lines.
#[must_use]
pub fn split_paragraphs(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines
        .split(|line| line.is_empty())
        .map(|lines| collapse_whitespace(&lines.join(" ")))
        .filter(|p| !p.is_empty())
        .collect()
}

/// SHA-256 in hex.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
