//! The OPKG as its author wrote it, checked and typed. Nothing here is decided for a distribution.
//!
//! Everything that a diagnostic may be about carries a [`NodeId`], an index into [`Opkg::locations`], so
//! that whoever works with the model (a plugin, above all) can point into the source without knowing
//! where it came from.

use crate::account::Account;
use crate::diagnostic::Location;

/// Index into [`Opkg::locations`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// The three native packages that an OPKG becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// `opkg-<name>`, on the head node.
    Api,
    /// `opkg-<name>-server`, on the head node.
    Server,
    /// `opkg-<name>-client`, on compute nodes and in their images.
    Client,
}

/// How close to the core of the cluster software the package is; decides the order of installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Class {
    Core,
    Base,
    Included,
    ThirdParty,
}

/// What a relation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum RelationKind {
    Requires,
    /// Needed before the package is unpacked and its scripts run.
    PreRequires,
    /// Installed along with the package, unless somebody objects.
    Recommends,
    Suggests,
    /// The other way round of [`Self::Recommends`]: it is to be installed where the related package is.
    Supplements,
    /// The other way round of [`Self::Suggests`].
    Enhances,
    Provides,
    Conflicts,
    /// A conflict that an upgrade of the related package resolves.
    Breaks,
    /// The package takes the place of the related one.
    Obsoletes,
}

impl RelationKind {
    /// Whether the package cannot be installed without what is related.
    #[must_use]
    pub fn is_requirement(self) -> bool {
        matches!(self, Self::Requires | Self::PreRequires)
    }

    /// Whether one of several packages can be enough.
    #[must_use]
    pub fn has_alternatives(self) -> bool {
        self.is_requirement() || matches!(self, Self::Recommends | Self::Suggests)
    }

    /// Whether the related package cannot stay beside the one that has the relation.
    #[must_use]
    pub fn is_exclusion(self) -> bool {
        matches!(self, Self::Conflicts | Self::Breaks | Self::Obsoletes)
    }
}

/// The attribute `rel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Comparison {
    Lt,
    Le,
    Eq,
    Ge,
    Gt,
}

/// A restriction to some versions: of a package or of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bound {
    /// Between what is there and `version`.
    pub comparison: Comparison,
    /// As written, without the relation.
    pub version: String,
}

/// One `dist` element.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DistFilter {
    pub at: NodeId,
    /// In lower case.
    pub id: String,
    /// Restricts the version of the distribution.
    pub bound: Option<Bound>,
}

/// `filters`: each list holds alternatives, both must match, an empty list matches anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Filter {
    /// Distributions.
    pub dists: Vec<DistFilter>,
    /// Architectures under their canonical names (see [`crate::arch`]).
    pub archs: Vec<String>,
}

/// Where a relation was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// In the dependencies of one part, or added to it by a setting.
    Part(Part),
    /// In `commonDeps`.
    Common,
    /// Directly below the root.
    Whole,
}

/// What a related package is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelatedName {
    /// A package or capability as written, outer blanks and comments left out: `pkg`.
    Native(String),
    /// A part of an OPKG: `opkg`.
    Opkg {
        /// Of the OPKG.
        name: String,
        /// Without one, that of the same kind as the part that has the relation.
        part: Option<Part>,
    },
}

/// One `pkg` or `opkg`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RelatedPackage {
    /// The element; of an automatic relation the root.
    pub at: NodeId,
    pub name: RelatedName,
    /// Of an OPKG, what follows the last `-` of the version is the release; there may be none.
    pub bound: Option<Bound>,
}

/// One `pkg`, `opkg` or `any`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Relation {
    /// The element; of an automatic relation the root.
    pub at: NodeId,
    /// Where it was written.
    pub scope: Scope,
    pub kind: RelationKind,
    /// Of which one is enough, the first preferred; never empty. Several only where the kind
    /// [has alternatives](RelationKind::has_alternatives).
    pub any_of: Vec<RelatedPackage>,
    /// The filter of the group that the element stands in.
    pub filter: Filter,
}

impl Relation {
    /// A relation to one package by its native name, in any version.
    #[must_use]
    pub fn native(at: NodeId, scope: Scope, kind: RelationKind, name: String) -> Self {
        let package = RelatedPackage { at, name: RelatedName::Native(name), bound: None };
        Self { at, scope, kind, any_of: vec![package], filter: Filter::default() }
    }

    /// The name of the only package that it is to, if that is a native one.
    #[must_use]
    pub fn native_name(&self) -> Option<&str> {
        match self.any_of.as_slice() {
            [RelatedPackage { name: RelatedName::Native(name), .. }] => Some(name),
            _ => None,
        }
    }
}

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

/// `[epoch:]upstream-release`; the release is what follows the last `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Version {
    pub epoch: u32,
    /// May hold a `-`.
    pub upstream: String,
    /// Never holds a `-`.
    pub release: String,
}

/// A moment, and the offset from UTC of the clock that its writer read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Minutes east of UTC.
    pub offset: i16,
}

/// One `changelogEntry`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Change {
    pub at: NodeId,
    pub author: String,
    /// From the authors, where one has this name.
    pub email: Option<String>,
    pub date: Timestamp,
    /// Bug numbers.
    pub closes: Vec<u32>,
    /// One line each, never empty.
    pub items: Vec<String>,
}

/// One `versionEntry`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Release {
    pub version: Version,
    /// Newest first, never empty.
    pub changes: Vec<Change>,
}

/// When a native scriptlet runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum HookTime {
    PreInstall,
    PostInstall,
    PreUninstall,
    PostUninstall,
    /// After all packages of the transaction that installed this one.
    PostTransaction,
    /// When files of other packages below the paths of [`Trigger`]s have come, changed or gone.
    Triggered,
}

impl HookTime {
    /// Whether the script's file is on disk at that time, so that the scriptlet can just run it.
    #[must_use]
    pub fn is_file_installed(self) -> bool {
        matches!(self, Self::PostInstall | Self::PreUninstall | Self::PostTransaction | Self::Triggered)
    }
}

/// What the package manager runs around a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scriptlet {
    pub time: HookTime,
    /// The whole script, for times at which its file is not on disk.
    pub text: Option<String>,
}

/// Where something of a package is installed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// An absolute path.
    Path(String),
    /// Relative to the api package's documentation directory, whose place each distribution decides.
    Documentation(String),
}

/// What becomes of a file that somebody has changed, when a newer version of its package is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Configuration {
    /// It stays, and the new one is put beside it.
    Keep,
    /// The new one takes its place, and it is put beside that.
    Replace,
    /// It is no configuration, and goes.
    No,
}

/// One `file` of `files`: what packages say of some of what is laid into the root. Of several about one path a later one
/// counts, attribute by attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRule {
    /// The attribute `path`.
    pub at: NodeId,
    /// Absolute, where it is installed, without a `/` at the end; empty for the root.
    pub path: String,
    /// Whether it is about all that is below the path as well.
    pub is_tree: bool,
    /// The filter of the group that the `file` stands in.
    pub filter: Filter,
    /// Name of a user.
    pub owner: Option<String>,
    /// Name of a group.
    pub group: Option<String>,
    /// Permissions of regular files, and of the directory that `path` is, with the bits for set-user-ID, set-group-ID and
    /// sticky.
    pub mode: Option<u32>,
    /// Of regular files.
    pub configuration: Option<Configuration>,
    /// Whether the package knows a regular file, and does not bring it.
    pub is_ghost: Option<bool>,
    /// What a program may do besides, as cap_to_text(3) writes it: `cap_net_bind_service=ep`.
    pub capabilities: Option<String>,
}

impl FileRule {
    /// Permissions of directories. Of those in a tree, whoever may read one may also enter it.
    #[must_use]
    pub fn directory_mode(&self) -> Option<u32> {
        self.mode.map(|mode| if self.is_tree { mode & 0o777 | (mode & 0o444) >> 2 } else { mode })
    }

    /// Whether it is about what is installed at `path`.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        path.strip_prefix(self.path.as_str())
            .is_some_and(|rest| rest.is_empty() || (self.is_tree && rest.starts_with('/')))
    }
}

/// Whether a unit is enabled when its package is installed for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Enable {
    Yes,
    No,
    /// Where a preset of systemd says so.
    Preset,
}

/// One `service` of `services`: what packages do about a unit of theirs. Of several about one unit a later one counts,
/// attribute by attribute; what none says, the distribution decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRule {
    /// The attribute `name`.
    pub at: NodeId,
    /// Of a unit that a part brings, or of an instance of a template that it brings.
    pub name: String,
    /// The filter of the group that the `service` stands in.
    pub filter: Filter,
    /// Of no template, and of nothing without a section `[Install]`.
    pub enable: Option<Enable>,
    /// When the package is installed for the first time; of no template.
    pub is_started: Option<bool>,
    /// Started again after an upgrade; of a template all its instances, of which none has its own.
    pub is_restarted: Option<bool>,
}

/// One `alternative`: a file that is one of several under a common name, and what goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    pub main: AlternativeLink,
    /// Of several, the one with the highest is used.
    pub priority: u32,
    /// What changes together with it: pages of the manual, say.
    pub slaves: Vec<AlternativeLink>,
    /// The filter of the group that it stands in.
    pub filter: Filter,
}

/// What update-alternatives makes: a link that leads to one of several files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlternativeLink {
    /// The attribute `path`.
    pub at: NodeId,
    /// Letters, digits and `. _ + -`.
    pub name: String,
    /// Absolute, as `path`; both of letters, digits and a few signs.
    pub link: String,
    /// Of a file of one of the packages.
    pub path: String,
}

/// One `trigger`: a directory below which files of other packages concern this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// The attribute `path`.
    pub at: NodeId,
    /// Absolute, without a `/` at the end, of letters, digits and a few signs; never the root.
    pub path: String,
    /// Of the part whose script is run; otherwise of every part that has one for [`HookTime::Triggered`].
    pub part: Option<Part>,
    /// The filter of the group that it stands in.
    pub filter: Filter,
}

/// What the source of a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PayloadForm {
    /// A tar, compressed or not.
    Tar,
    /// A binary RPM.
    Rpm,
    /// A binary package of format 2.0, see deb(5).
    Deb,
    /// The one file that is wanted.
    File,
    /// A directory of the OPKG, in which something has been built.
    Directory,
}

/// One `payload`: something that others have built, of which files are laid into the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The attribute `source`.
    pub at: NodeId,
    /// A URL, or a path relative to the OPKG's directory, with `/`.
    pub source: String,
    /// Whether the source is a path inside of the OPKG.
    pub is_inside: bool,
    pub form: PayloadForm,
    /// That the files are in.
    pub part: Part,
    /// The canonical name of the only architecture whose packages have them.
    pub arch: Option<&'static str>,
    /// Leading names that paths in it lose; what has no more than those is left.
    pub strip: usize,
    /// What is taken of it, never empty.
    pub takes: Vec<PayloadTake>,
    /// What is not, although it is among the above: [patterns](PayloadTake::path).
    pub omits: Vec<String>,
    /// Of the source itself, when it was read; nothing of a directory, and where sources are not read.
    pub digest: Option<PayloadDigest>,
}

impl Payload {
    /// The last name of its source: of a URL, without what is behind a `?`.
    #[must_use]
    pub fn file_name(&self) -> &str {
        let path =
            if self.is_inside { &self.source } else { self.source.split('?').next().unwrap_or_default() };
        path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
    }

    /// The directory of an OPKG in which its files would lie: `files/client@x86_64`.
    #[must_use]
    pub fn directory(&self) -> String {
        let part = match self.part {
            Part::Api => "api",
            Part::Server => "server",
            Part::Client => "client",
        };
        self.arch.map_or_else(|| format!("files/{part}"), |arch| format!("files/{part}@{arch}"))
    }
}

/// What the source of a payload is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadDigest {
    /// Bytes.
    pub size: u64,
    pub sha256: [u8; 32],
}

/// One `take`: what is taken of a payload, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadTake {
    /// The element, or the attribute `source` where there is none.
    pub at: NodeId,
    /// Relative, with `*` and `?` within names. With a `/` at the end, all that is below it; `/` for all there is.
    pub path: String,
    /// Absolute: where the file goes, or with a `/` at the end, the directory that it goes into.
    pub to: String,
    /// Permissions of regular files; as they are in the source where it says nothing.
    pub mode: Option<u32>,
}

/// A regular file or symbolic link of the OPKG's directory that is packaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Stands for the file as a whole.
    pub at: NodeId,
    /// Relative to the OPKG's directory, with `/`. What comes from a payload has the path that it would have there.
    pub path: String,
    /// Which of [`Opkg::payloads`] it comes from, by its index.
    pub payload: Option<u32>,
    pub part: Part,
    /// Where it goes there.
    pub destination: Destination,
    /// 0o755 or 0o644; of what is laid into the root as it stands, also without rights of the group or of others.
    pub mode: u32,
    /// Bytes; 0 for a link.
    pub size: u64,
    /// Of the contents; of nothing for a link.
    pub sha256: [u8; 32],
    /// What follows `#!`: the program, then its argument if there is one.
    pub interpreter: Vec<String>,
    /// What a symbolic link holds: relative, to something inside the OPKG. Of one that is laid into the root as it stands,
    /// whatever it is there.
    pub link: Option<String>,
    /// Whether it is kept when a new version of the package is installed, where somebody has changed it.
    pub is_configuration: bool,
    /// The canonical name of the architecture that it is a program for, of what is laid into the root.
    pub arch: Option<&'static str>,
    /// The canonical name of the only architecture whose packages have it.
    pub only_arch: Option<&'static str>,
    /// Those of [`Opkg::file_rules`] that are about it, by their indexes.
    pub rules: Vec<u32>,
    /// Of a file that is laid into systemd's directory of units: what it says of its own.
    pub unit: Option<Unit>,
    /// Of a file that is laid into the directory of sysusers.d(5): whom it describes.
    pub accounts: Vec<Account>,
    /// For native scripts.
    pub scriptlet: Option<Scriptlet>,
}

/// A unit of systemd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// Whether it stands for units whose names say more: `tunnel@.service`.
    pub is_template: bool,
    /// Whether it says what it is to be started with, in a section `[Install]`.
    pub is_installable: bool,
}

/// A directory that a package owns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub struct Directory {
    pub part: Part,
    pub destination: Destination,
    /// The canonical name of the only architecture whose packages have it.
    pub only_arch: Option<&'static str>,
    /// Those of [`Opkg::file_rules`] that are about it, by their indexes.
    pub rules: Vec<u32>,
}

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
