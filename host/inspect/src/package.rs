//! What a package holds, whatever its format.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// What kind of file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageFormat {
    /// A binary RPM.
    Rpm,
    /// A source RPM.
    SourceRpm,
    /// A binary package of format 2.0, see deb(5).
    Deb,
    /// The control file of a source package, with the archives beside it.
    Dsc,
    /// A tar, compressed or not.
    Archive,
    /// Anything else: one file.
    Plain,
}

/// What a package holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Of its file.
    pub format: PackageFormat,
    /// By which two builds of it are known to belong together: name and architecture. Files without such names
    /// have none.
    pub identity: Option<String>,
    /// Tags, or fields of the control file.
    pub tags: BTreeMap<String, String>,
    /// Relations to other packages: kind, such as `requires`, and what the package says.
    pub relations: BTreeSet<(String, String)>,
    /// Scriptlets and other texts whose lines are worth comparing, by name.
    pub texts: BTreeMap<String, String>,
    /// Files by their paths.
    pub files: BTreeMap<String, FileEntry>,
    /// MD5 of files by their paths, where the package lists them apart from the files, as a `.deb` does.
    pub listed_md5: BTreeMap<String, String>,
}

impl Package {
    /// One without anything in it.
    pub(crate) fn new(format: PackageFormat) -> Self {
        Self {
            format,
            identity: None,
            tags: BTreeMap::new(),
            relations: BTreeSet::new(),
            texts: BTreeMap::new(),
            files: BTreeMap::new(),
            listed_md5: BTreeMap::new(),
        }
    }
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// A regular file.
    #[default]
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// Another name of a file.
    HardLink,
    /// A device, a pipe or a socket.
    Special,
}

/// One file of a package. What a format does not say is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileEntry {
    /// What it is.
    pub kind: FileKind,
    /// Permission bits, special ones included.
    pub mode: u32,
    /// `user:group`, with names where there are some.
    pub owner: String,
    /// Bytes; of a regular file only.
    pub size: Option<u64>,
    /// SHA-256 of the contents, of a regular file; of one that could not be read, what the package says.
    pub digest: Option<String>,
    /// SHA-1 of the contents that were read.
    pub sha1: Option<String>,
    /// MD5 of the contents that were read.
    pub md5: Option<String>,
    /// Where a link points.
    pub target: Option<String>,
    /// Marks such as `config`, separated by commas.
    pub flags: String,
    /// Seconds since 1970.
    pub time: Option<u64>,
}
