//! The kinds of documents, and what their files are called.

use serde::Serialize;

/// A kind of document about a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    /// A bill of materials in the words of SPDX 2.3.
    Spdx,
    /// A bill of materials in the words of CycloneDX 1.6.
    #[serde(rename = "cyclonedx")]
    CycloneDx,
    /// A statement of in-toto about how the package was made.
    Provenance,
}

impl DocumentKind {
    /// All of them, in the order in which they are written: what speaks of others comes last.
    pub const ALL: [Self; 3] = [Self::Spdx, Self::CycloneDx, Self::Provenance];

    /// What follows the name of the package's file.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Spdx => ".spdx.json",
            Self::CycloneDx => ".cdx.json",
            Self::Provenance => ".intoto.json",
        }
    }

    /// Of the document about the package in the file of this name.
    #[must_use]
    pub fn file_name(self, package: &str) -> String {
        format!("{package}{}", self.suffix())
    }

    /// Where in the document the name is that follows from its contents.
    pub(crate) fn id_path(self) -> &'static str {
        match self {
            Self::Spdx => "/documentNamespace",
            Self::CycloneDx => "/serialNumber",
            Self::Provenance => "/predicate/runDetails/metadata/invocationId",
        }
    }
}
