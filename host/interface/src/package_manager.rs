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
    /// With epoch and release, where the manager has them.
    pub version: String,
    /// In the manager's own word; absent where it does not tell.
    pub arch: Option<String>,
    /// Whether it brings scripts; absent where the manager does not tell.
    pub has_scriptlets: Option<bool>,
    pub state: InstallState,
}

/// How far a package is from being installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstallState {
    /// All of it is there, and its scripts have run.
    Complete,
    /// Neither installed nor absent; how, in the manager's own word.
    Incomplete(String),
    /// Removed, but for its configuration.
    Residual,
}

/// A package that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageRequest {
    pub name: String,
    /// Exactly this one, as an [`Offer`] writes it; of none the newest there is.
    pub version: Option<String>,
}

/// A version of a package that a package source has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub name: String,
    /// As the manager writes it: with epoch and release, where it has them.
    pub version: String,
}

/// What a transaction would do to a package that nobody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SideEffectKind {
    Remove,
    Replace,
    Downgrade,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SideEffect {
    pub name: String,
    pub kind: SideEffectKind,
}

/// Why a command did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// In one line.
    pub cause: String,
    /// The packages whose fault it is, where that is known.
    pub packages: Vec<String>,
    /// Whether it passes by itself.
    pub transient: bool,
}

/// A package source that the root's configuration does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// An absolute path of a directory, or an address.
    pub location: String,
    /// By which an index of its own is named, where the site gave it one.
    pub name: Option<String>,
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
