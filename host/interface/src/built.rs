//! What a plugin is told of packages while they are made, and of those that an index is made of.

use crate::archive::{Archive, DetachedSignature, Member};
use crate::artefacts::BinaryPackage;

/// Digests of the same bytes, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    pub md5: String,
    pub sha1: String,
    pub sha256: String,
    pub sha512: String,
}

/// What is at the path of a file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind {
    /// Its size in bytes.
    Regular(u64, Digests),
    Directory,
    /// What it holds.
    Link(String),
}

/// A file of a package, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltFile {
    /// Absolute.
    pub path: String,
    pub kind: FileKind,
    pub mode: u32,
    pub owner: String,
    pub group: String,
    pub is_configuration: bool,
}

/// An archive that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltArchive {
    pub name: String,
    /// Bytes as it is stored.
    pub size: u64,
    /// Bytes before it was compressed.
    pub unpacked_size: u64,
    /// As it is stored.
    pub digests: Digests,
}

/// What is known of a package when the members of a slot are asked for.
#[derive(Debug, Clone)]
pub struct Built<'a> {
    pub package: &'a BinaryPackage,
    /// Sorted by path, without ghosts.
    pub files: &'a [BuiltFile],
    /// Bytes of all regular files.
    pub installed_size: u64,
    /// Those before the one that has the slot.
    pub archives: &'a [BuiltArchive],
}

/// Says what stands in the slots of archives.
pub trait MemberSource: Sync {
    /// The members of a slot, in their order.
    ///
    /// # Errors
    /// Why there are none, in one line.
    fn members(&self, slot: &str, built: &Built<'_>) -> Result<Vec<Member>, String>;
}

/// What an index of packages is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexNeeds {
    /// How the names of packages end.
    pub suffixes: Vec<String>,
    /// Which members of packages are needed, by their paths; `//` is before what is in an archive within the package.
    pub members: Vec<String>,
}

/// A member of a package, as it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberBytes {
    pub path: String,
    pub contents: Vec<u8>,
}

/// A stretch of a file that is compressed by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub size: u64,
    pub digests: Digests,
}

/// A package that an index has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFile {
    pub file_name: String,
    pub size: u64,
    pub digests: Digests,
    pub segments: Vec<Segment>,
    pub members: Vec<MemberBytes>,
    /// What stands in it, as it is written there.
    pub paths: Vec<String>,
}

/// The directory that packages lie in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageSource {
    /// By which clients know it.
    pub name: String,
    /// Seconds since 1970, UTC.
    pub created: i64,
    /// Canonical names of the architectures that it is for, where that was said.
    pub archs: Vec<String>,
    /// For indices that name it. Absent where nobody signs, or with a key of another algorithm.
    pub signing_key: Option<SigningKey>,
}

/// The public half of an RSA key that signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// By which clients know it: what stands in the path of an [`EmbeddedSignature`](crate::archive::EmbeddedSignature).
    pub name: String,
    /// Who owns it, in the key's own words: `Name <address>`. Empty where it does not say.
    pub owner: String,
    /// Of the modulus.
    pub bits: u32,
    /// SubjectPublicKeyInfo, in PEM.
    pub pem: String,
}

/// What an index file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexContent {
    /// The last one is the file.
    Archives(Vec<Archive>),
    /// A symbolic link.
    Link(String),
}

/// A file of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// Relative to the directory.
    pub path: String,
    pub content: IndexContent,
    pub signature: Option<DetachedSignature>,
}

/// Makes the index of a directory of packages.
pub trait IndexSource: Sync {
    /// What it needs of each package; nothing where the plugin makes no index.
    ///
    /// # Errors
    /// Why it cannot tell, in one line.
    fn describe_index(&self) -> Result<Option<IndexNeeds>, String>;

    /// The index of these packages, which are sorted by their names.
    ///
    /// # Errors
    /// Why there is none, in one line.
    fn index(&self, source: &PackageSource, packages: &[PackageFile]) -> Result<Vec<IndexFile>, String>;
}
