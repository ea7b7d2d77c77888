//! Packages that are made of archives: of each, what stands in it and how. See `wit/` for what each record means.

use serde::Serialize;

/// A package that is made of archives: each of those that it is made of comes before it, and the last one is the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ArchiveContainer {
    pub archives: Vec<Archive>,
    pub metadata: ArchiveMetadata,
    /// Absent where the package manager reads no signatures of OpenPGP.
    pub signature: Option<DetachedSignature>,
}

bitflags::bitflags! {
    /// What a plugin writes into members, so that it is not lost.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct ArchiveMetadata: u8 {
        const RELATIONS = 1;
        const SCRIPTLETS = 2;
        const CHANGELOG = 4;
        /// Which files are configuration.
        const CONFIGURATION = 8;
        const TRIGGERS = 16;
        const FIELDS = 32;
    }
}

impl Serialize for ArchiveMetadata {
    /// A list of names.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter_names().map(|(name, _)| name.to_ascii_lowercase()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    None,
    Gzip,
    Xz,
    Zstd,
}

/// A signature of OpenPGP beside a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DetachedSignature {
    /// Behind the name of the file.
    pub suffix: String,
    pub armored: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArchiveFormat {
    /// As POSIX has it.
    Tar,
    /// As dpkg reads it.
    Ar,
    /// `newc`.
    Cpio,
    /// The contents of its entries, one behind the other.
    Concatenation,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Archive {
    /// By which later ones name it.
    pub name: String,
    pub format: ArchiveFormat,
    pub compression: Compression,
    /// As the compressor counts it.
    pub level: Option<u8>,
    /// Of tar: whether two blocks of zeros end it.
    pub end_marker: bool,
    pub entries: Vec<ArchiveEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArchiveEntry {
    /// The package's files.
    Files(FileLayout),
    Member(Member),
    /// What the plugin answers for this name, once what it may depend on is known.
    Slot(String),
    /// An earlier archive.
    Archive(NestedArchive),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileSelection {
    /// All that no other entry has.
    Rest,
    /// By their paths in the package.
    Paths(Vec<String>),
}

/// How the package's files stand in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FileLayout {
    pub select: FileSelection,
    /// Before each path, whose own `/` at the beginning is left out.
    pub prefix: String,
    /// Whether directories above the files stand before them, also where the package does not own them.
    pub parents: bool,
    /// Of each file, in a tar.
    pub headers: Vec<ExtendedHeader>,
}

/// A record of an extended header of POSIX.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ExtendedHeader {
    pub keyword: String,
    pub value: HeaderValue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DigestAlgorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeaderValue {
    Text(String),
    /// In hexadecimal: of a file its contents', of a link its target's. A directory has none, and no such record.
    Digest(DigestAlgorithm),
}

/// Something in an archive that is not among the package's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Member {
    /// As it stands in the archive; in a concatenation empty.
    pub path: String,
    pub content: MemberContent,
    pub mode: u32,
    /// Names of a user and of a group.
    pub owner: String,
    pub group: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberContent {
    Text(String),
    Bytes(Vec<u8>),
    /// Text, stored in this compression.
    Compressed(String, Compression),
    Directory,
    Link(String),
}

/// An earlier archive as a file in this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NestedArchive {
    pub name: String,
    /// In a concatenation empty.
    pub path: String,
}
