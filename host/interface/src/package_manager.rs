//! How a distribution's package manager is driven: argument vectors, run without a shell. See `wit/` for what each record
//! means.

use crate::artefacts::TextFile;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub argv: Vec<String>,
    pub env: Vec<(String, String)>,
    /// Whether the root of the target is its own root directory.
    pub in_root: bool,
    /// What the root holds while it runs, under absolute paths; each file's name begins with `opkg-`.
    pub files: Vec<TextFile>,
    /// Exit statuses that are no failure; anything else ends the list of commands.
    pub success: Vec<i32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    pub name: String,
    pub version: String,
    pub arch: String,
    pub has_scriptlets: bool,
}

/// A package source that the root's configuration does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// An absolute path of a directory, or an address.
    pub location: String,
    /// Whether packages may come from it that nobody vouches for.
    pub unauthenticated: bool,
}

/// Where packages go, and where they come from besides the configured sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `/` for the running system.
    pub root: String,
    pub repositories: Vec<Repository>,
    /// Of the distribution in that root.
    pub version: Option<String>,
    pub arch: String,
    /// Programs that the host found, out of those that the plugin may use.
    pub available: Vec<String>,
}
