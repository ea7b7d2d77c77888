//! What a plugin hands back for a target: text to be written, and packages to be built. See `wit/` for what each record
//! means. They are serialized under the names that they have there.

use serde::{Serialize, Serializer};

use crate::archive::ArchiveContainer;
pub use crate::archive::Compression;

/// Something in the OPKG that a diagnostic or a file points at: an index of its locations.
pub type Node = u32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    Lt,
    Le,
    Eq,
    Ge,
    Gt,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Bound {
    pub comparison: Comparison,
    pub version: String,
}

/// When a script of a package runs, as seen from the package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScriptTime {
    PreInstall,
    PostInstall,
    /// Of package managers that tell upgrades from installations; so is the next one.
    PreUpgrade,
    PostUpgrade,
    PreUninstall,
    PostUninstall,
    /// Before all packages of the transaction that installs this one.
    PreTransaction,
    /// After all packages of the transaction that installed this one.
    PostTransaction,
    /// Before all packages of the transaction that removes this one.
    PreRemovalTransaction,
    /// After all packages of the transaction that removed this one.
    PostRemovalTransaction,
    /// When files of other packages have come, changed or gone. No package has a scriptlet of this time: see
    /// [`FileTrigger`], and the interests of a [`BinaryPackage`].
    Triggered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Error,
    Warning,
    Note,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Diagnostic {
    pub severity: Severity,
    pub at: Option<Node>,
    /// One line.
    pub message: String,
    pub help: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TextFile {
    /// Relative to the output directory.
    pub path: String,
    pub contents: String,
    pub executable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Field {
    pub name: String,
    pub value: String,
}

/// A tar with gzip of the OPKG's own files, below the folder `prefix`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tarball {
    pub path: String,
    pub prefix: String,
}

/// A Debian source package of format `3.0 (quilt)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct QuiltSource {
    pub name: String,
    /// With the epoch.
    pub version: String,
    /// The unpacked tree.
    pub directory: String,
    /// Of the `.dsc`, without those that the host knows itself.
    pub fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourcePackage {
    Tarball(Tarball),
    Quilt(QuiltSource),
    /// The OPKG's files are laid into this directory beside the meta-files.
    Tree(String),
}

/// A program of the distribution, started without a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BuildCommand {
    pub argv: Vec<String>,
    pub env: Vec<(String, String)>,
    /// Relative to the output directory; empty for that itself.
    pub directory: String,
}

/// How the distribution's own tools make binary packages of the meta-files and sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NativeBuild {
    pub commands: Vec<BuildCommand>,
    /// The packages that must be there afterwards.
    pub results: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NativeKind {
    Requires,
    /// Needed before the scriptlet of this time can run.
    PreRequires(ScriptTime),
    Provides,
    Conflicts,
    Breaks,
    Obsoletes,
    Recommends,
    Suggests,
    Supplements,
    Enhances,
}

impl NativeKind {
    /// Whether formats have a way to say that one of several packages is enough.
    #[must_use]
    pub fn has_alternatives(self) -> bool {
        matches!(self, Self::Requires | Self::PreRequires(_) | Self::Recommends | Self::Suggests)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NativePackage {
    pub name: String,
    pub bound: Option<Bound>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NativeRelation {
    pub kind: NativeKind,
    pub name: String,
    pub bound: Option<Bound>,
    /// Further packages, each of which is enough as well: only of kinds that [have
    /// alternatives](NativeKind::has_alternatives).
    pub alternatives: Vec<NativePackage>,
    /// Of an RPM, and of archives whose members say so.
    pub condition: Option<Condition>,
}

/// What a relation hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionKind {
    /// It holds where the package is installed.
    OnlyIf,
    /// It holds where the package is not installed.
    Unless,
}

/// A relation holds only where a package is installed, or where none is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Condition {
    pub kind: ConditionKind,
    pub package: NativePackage,
}

impl NativeRelation {
    /// The name and bound of the first package, then those of its alternatives.
    pub fn packages(&self) -> impl Iterator<Item = (&str, Option<&Bound>)> {
        let alternatives = self.alternatives.iter().map(|it| (it.name.as_str(), it.bound.as_ref()));
        std::iter::once((self.name.as_str(), self.bound.as_ref())).chain(alternatives)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// A file of the OPKG.
    Source(Node),
    Text(String),
    /// Text, stored with gzip.
    GzipText(String),
    Directory,
    Link(String),
}

bitflags::bitflags! {
    /// What a package manager is told of a file.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct FileMarks: u8 {
        const DOCUMENTATION = 1;
        const CONFIGURATION = 2;
        /// Of configuration: it is not kept.
        const REPLACED = 4;
        /// Not in the package, which owns it all the same.
        const GHOST = 8;
        /// The text of a license.
        const LICENSE = 16;
        /// That it is missing is no fault.
        const MISSING_OK = 32;
    }
}

impl Serialize for FileMarks {
    /// A list of names.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter_names().map(|(name, _)| name.to_ascii_lowercase().replace('_', "-")))
    }
}

/// A file as it is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PackedFile {
    /// Absolute.
    pub path: String,
    pub content: Content,
    pub mode: u32,
    /// Names of a user and of a group.
    pub owner: String,
    pub group: String,
    /// As cap_to_text(3) writes them.
    pub capabilities: Option<String>,
    pub marks: FileMarks,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Scriptlet {
    pub time: ScriptTime,
    /// The program and its arguments.
    pub interpreter: Vec<String>,
    pub body: String,
}

/// When a file trigger runs, once for all packages of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TriggerTime {
    /// Before a transaction that removes files.
    BeforeRemoval,
    /// After a transaction that installed files, or the package with the trigger.
    AfterInstallation,
    /// After a transaction that removed files.
    AfterRemoval,
}

/// What RPM runs for files of any packages whose paths begin so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FileTrigger {
    pub time: TriggerTime,
    /// With a `/` at their ends.
    pub prefixes: Vec<String>,
    /// One program.
    pub interpreter: String,
    pub body: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ChangelogEntry {
    /// `Name <address> - version`, or as the format wants it.
    pub header: String,
    /// Since 1970, UTC.
    pub seconds: i64,
    pub text: String,
}

/// Which of an OPKG's packages it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackagePart {
    Api,
    Server,
    Client,
    /// By the end of its name.
    Extra(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BinaryPackage {
    /// Absent where it is something besides the parts of the OPKG, or where the plugin does not tell.
    pub part: Option<PackagePart>,
    pub name: String,
    pub epoch: u32,
    pub version: String,
    pub release: String,
    pub arch: String,
    pub summary: String,
    pub description: String,
    pub license: String,
    pub section: String,
    pub url: Option<String>,
    pub maintainer: String,
    pub container: Container,
    pub relations: Vec<NativeRelation>,
    /// Sorted by path.
    pub files: Vec<PackedFile>,
    pub scriptlets: Vec<Scriptlet>,
    /// Of an RPM alone.
    pub file_triggers: Vec<FileTrigger>,
    /// Of a deb alone: paths at and below which changes call the script after the installation.
    pub interests: Vec<String>,
    /// Newest first.
    pub changelog: Vec<ChangelogEntry>,
    /// Further fields or tags in the format's own words.
    pub fields: Vec<Field>,
    pub file_name: String,
}

/// Of the checksums of an RPM's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RpmDigestAlgorithm {
    Md5,
    Sha256,
}

/// Of the format of RPMs, older ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RpmFormatVersion {
    V4,
    V6,
}

impl RpmFormatVersion {
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::V4 => 4,
            Self::V6 => 6,
        }
    }
}

/// What the target's RPM can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RpmFormat {
    /// What the target's own tools make.
    pub version: RpmFormatVersion,
    /// The newest that its package manager installs.
    pub newest_version: RpmFormatVersion,
    /// Of the payload.
    pub compression: Compression,
    /// Of the checksums of files.
    pub file_digests: RpmDigestAlgorithm,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Container {
    Rpm(RpmFormat),
    Deb(Compression),
    Archives(ArchiveContainer),
}

/// Of keys of OpenPGP that sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyAlgorithm {
    Rsa,
    Dsa,
    Ecdsa,
    /// EdDSA on that curve as GnuPG writes it, not the later way of RFC 9580.
    Ed25519,
}

/// Keys whose signatures a target's package manager accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct AcceptedKey {
    pub algorithm: KeyAlgorithm,
    /// Of the modulus, or of the curve.
    pub min_bits: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Output {
    pub meta_files: Vec<TextFile>,
    pub source: SourcePackage,
    pub native_build: NativeBuild,
    pub packages: Vec<BinaryPackage>,
    /// Keys that the target accepts; absent where the plugin does not know.
    pub accepted_keys: Option<Vec<AcceptedKey>>,
    /// Warnings and notes.
    pub diagnostics: Vec<Diagnostic>,
}

impl Output {
    /// What the first package, the main one of a source package, is in; nothing where there is no package.
    #[must_use]
    pub fn main_container(&self) -> Option<&Container> {
        self.packages.first().map(|package| &package.container)
    }
}
