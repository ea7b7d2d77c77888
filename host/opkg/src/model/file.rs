//! Files, and what packages say of them.

use super::basics::{NodeId, Part};
use super::filter::Filter;
use super::system::{Scriptlet, Unit};
use crate::account::Account;

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

/// A regular file or symbolic link of the OPKG's directory that is packaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Stands for the file as a whole.
    pub at: NodeId,
    /// Relative to the OPKG's directory, with `/`. What comes from a payload has the path that it would have there.
    pub path: String,
    /// Which of [`Opkg::payloads`](super::Opkg::payloads) it comes from, by its index.
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
    /// Those of [`Opkg::file_rules`](super::Opkg::file_rules) that are about it, by their indexes.
    pub rules: Vec<u32>,
    /// Of a file that is laid into systemd's directory of units: what it says of its own.
    pub unit: Option<Unit>,
    /// Of a file that is laid into the directory of sysusers.d(5): whom it describes.
    pub accounts: Vec<Account>,
    /// For native scripts.
    pub scriptlet: Option<Scriptlet>,
}

/// A directory that a package owns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub struct Directory {
    pub part: Part,
    pub destination: Destination,
    /// The canonical name of the only architecture whose packages have it.
    pub only_arch: Option<&'static str>,
    /// Those of [`Opkg::file_rules`](super::Opkg::file_rules) that are about it, by their indexes.
    pub rules: Vec<u32>,
}
