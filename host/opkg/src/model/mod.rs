//! The OPKG as its author wrote it, checked and typed. Nothing here is decided for a distribution.
//!
//! Everything that a diagnostic may be about carries a [`NodeId`], an index into [`Opkg::locations`], so
//! that whoever works with the model (a plugin, above all) can point into the source without knowing
//! where it came from.

mod basics;
mod file;
mod filter;
mod history;
mod payload;
mod relation;
mod system;

use crate::diagnostic::Location;

pub use basics::{Class, NodeId, Part};
pub use file::{Configuration, Destination, Directory, FileRule, SourceFile};
pub use filter::{Bound, Comparison, DistFilter, Filter};
pub use history::{Change, Release, Timestamp, Version};
pub use payload::{Payload, PayloadDigest, PayloadForm, PayloadTake};
pub use relation::{RelatedName, RelatedPackage, Relation, RelationKind, Scope};
pub use system::{Alternative, AlternativeLink, Enable, ScriptTime, Scriptlet, ServiceRule, Trigger, Unit};

/// The attribute `cat` of an author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Role {
    Upstream,
    Maintainer,
    Uploader,
}

/// One `author`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Author {
    pub at: NodeId,
    pub role: Role,
    pub name: String,
    pub nickname: Option<String>,
    pub email: String,
    pub institution: Option<String>,
    pub first_year: Option<u16>,
    pub last_year: Option<u16>,
}

/// An OPKG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opkg {
    pub at: NodeId,
    /// `[a-z0-9][a-z0-9+.-]+`.
    pub name: String,
    /// Third party where the file names none.
    pub class: Class,
    /// One line of at most 67 characters.
    pub summary: String,
    /// Paragraphs, white space folded, never empty: the summary stands in.
    pub description: Vec<String>,
    /// As written.
    pub license: String,
    /// Never empty.
    pub groups: Vec<String>,
    /// Home page of upstream.
    pub uri: Option<String>,
    /// In the order of the file; at least one is a maintainer.
    pub authors: Vec<Author>,
    /// Of the whole package.
    pub filter: Filter,
    /// In the order of the file, without duplicates; automatic ones (see [`crate::Settings`]) last.
    pub relations: Vec<Relation>,
    /// In the order of the file.
    pub payloads: Vec<Payload>,
    /// In the order of the file.
    pub file_rules: Vec<FileRule>,
    /// In the order of the file.
    pub service_rules: Vec<ServiceRule>,
    pub alternatives: Vec<Alternative>,
    /// In the order of the file. Each is of a part that has a script for it.
    pub triggers: Vec<Trigger>,
    /// The version being built first, then newest first; never empty.
    pub history: Vec<Release>,
    /// `/usr/lib/oscar/packages/<name>`.
    pub home: String,
    /// Sorted by path.
    pub files: Vec<SourceFile>,
    /// Sorted, parents first.
    pub directories: Vec<Directory>,
    /// Whether some file of `scripts/` mentions what tells scripts why they run: `OPKG_ACTION` or `OPKG_OLD_VERSION`.
    pub tells_action: bool,
    /// The moment that stands for "now" in everything generated: `SOURCE_DATE_EPOCH`, else that of the
    /// newest change.
    pub source_date: Timestamp,
    /// What [`NodeId`]s stand for.
    pub locations: Vec<Location>,
}

impl Opkg {
    /// Where a node is in the source.
    #[must_use]
    pub fn location(&self, node: NodeId) -> Option<&Location> {
        self.locations.get(node.0 as usize)
    }

    /// The version being built.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        self.history.first().map(|release| &release.version)
    }
}
