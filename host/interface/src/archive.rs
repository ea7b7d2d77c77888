//! Packages that are made of archives: of each, what stands in it and how. See `wit/` for what each record means.

use serde::Serialize;

/// A package that is made of archives: each of those that it is made of comes before it, and the last one is the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ArchiveContainer {
    pub archives: Vec<Archive>,
    pub metadata: ArchiveMetadata,
    /// Absent where the package manager reads no signature beside the file.
    pub signature: Option<DetachedSignature>,
}

impl ArchiveContainer {
    /// Those of all signatures, beside the file and within it.
    pub fn signature_schemes(&self) -> impl Iterator<Item = SignatureScheme> {
        let within = self.archives.iter().flat_map(Archive::signatures).map(|signature| signature.scheme);
        self.signature.iter().map(|signature| signature.scheme).chain(within)
    }
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
        /// Which files are ghosts.
        const GHOSTS = 64;
        /// Owned directories that are in no archive.
        const DIRECTORIES = 128;
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

/// Signatures that package managers read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureScheme {
    /// Of OpenPGP, binary.
    Openpgp,
    OpenpgpArmored,
    /// The number alone, by PKCS #1 (version 1.5) over this digest, as long as the modulus.
    Rsa(DigestAlgorithm),
}

/// A signature beside a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DetachedSignature {
    /// Behind the name of the file.
    pub suffix: String,
    pub scheme: SignatureScheme,
}

/// A file that is a signature over an earlier archive as it is stored; where nobody signs there is none, and an archive in
/// which nothing else stands has no bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct EmbeddedSignature {
    /// Of the archive.
    pub name: String,
    /// Before and behind the name of the key.
    pub path_prefix: String,
    pub path_suffix: String,
    pub scheme: SignatureScheme,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArchiveFormat {
    /// As POSIX has it.
    Tar,
    /// As GNU has it, for readers that know no extended headers.
    TarGnu,
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
    /// Of both kinds of tar: whether two blocks of zeros end it.
    pub end_marker: bool,
    pub entries: Vec<ArchiveEntry>,
}

impl Archive {
    /// The signatures among its entries.
    pub fn signatures(&self) -> impl Iterator<Item = &EmbeddedSignature> {
        self.entries.iter().filter_map(ArchiveEntry::as_signature)
    }
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
    Signature(EmbeddedSignature),
}

impl ArchiveEntry {
    /// The signature that it is, if it is one.
    #[must_use]
    pub fn as_signature(&self) -> Option<&EmbeddedSignature> {
        match self {
            Self::Signature(signature) => Some(signature),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileSelection {
    /// All that no other entry has.
    Rest,
    /// By their paths in the package.
    Paths(Vec<String>),
}

/// Which directories stand in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DirectoryEntries {
    None,
    /// Those that the package owns.
    Owned,
    /// Those above its files as well.
    Parents,
}

/// A directory that the distribution has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DirectoryMode {
    /// Absolute, without a `/` at its end.
    pub path: String,
    pub mode: u32,
}

/// How the package's files stand in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FileLayout {
    pub select: FileSelection,
    /// Before each path, whose own `/` at the beginning is left out.
    pub prefix: String,
    pub directories: DirectoryEntries,
    /// Of directories above the files that the package does not own; others have 0o755.
    pub parent_modes: Vec<DirectoryMode>,
    /// Of each file, in a tar.
    pub headers: Vec<ExtendedHeader>,
}

impl FileLayout {
    /// All files that no other entry has, with the directories above them.
    #[must_use]
    pub fn rest(prefix: &str) -> Self {
        Self {
            select: FileSelection::Rest,
            prefix: prefix.to_owned(),
            directories: DirectoryEntries::Parents,
            parent_modes: Vec::new(),
            headers: Vec::new(),
        }
    }
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
    /// In a tar.
    pub headers: Vec<ExtendedHeader>,
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

impl Member {
    /// One of root's, without records of its own.
    #[must_use]
    pub fn of_root(path: impl Into<String>, content: MemberContent, mode: u32) -> Self {
        let (owner, group) = ("root".to_owned(), "root".to_owned());
        Self { path: path.into(), content, mode, owner, group, headers: Vec::new() }
    }
}

impl MemberContent {
    /// Bytes of what the plugin handed over, before it is compressed.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Text(text) | Self::Compressed(text, _) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Directory | Self::Link(_) => 0,
        }
    }
}

/// An earlier archive as a file in this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NestedArchive {
    pub name: String,
    /// In a concatenation empty.
    pub path: String,
}
