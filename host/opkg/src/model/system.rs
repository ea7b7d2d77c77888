//! What package managers and systems do with what is installed: scripts, units, alternatives, triggers.

use super::basics::{NodeId, Part};
use super::filter::Filter;

/// When a native scriptlet runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum ScriptTime {
    PreInstall,
    PostInstall,
    PreUninstall,
    PostUninstall,
    /// After all packages of the transaction that installed this one.
    PostTransaction,
    /// When files of other packages below the paths of [`Trigger`]s have come, changed or gone.
    Triggered,
}

impl ScriptTime {
    /// Whether the script's file is on disk at that time, so that the scriptlet can just run it.
    #[must_use]
    pub fn is_file_installed(self) -> bool {
        matches!(self, Self::PostInstall | Self::PreUninstall | Self::PostTransaction | Self::Triggered)
    }
}

/// What the package manager runs around a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scriptlet {
    pub time: ScriptTime,
    /// The whole script, for times at which its file is not on disk.
    pub text: Option<String>,
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
    /// Of the part whose script is run; otherwise of every part that has one for [`ScriptTime::Triggered`].
    pub part: Option<Part>,
    /// The filter of the group that it stands in.
    pub filter: Filter,
}

/// A unit of systemd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// Whether it stands for units whose names say more: `tunnel@.service`.
    pub is_template: bool,
    /// Whether it says what it is to be started with, in a section `[Install]`.
    pub is_installable: bool,
}
