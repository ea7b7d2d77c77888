//! Why a package manager did not do what it was to do.

use std::io;
use std::path::PathBuf;

use opkg_interface::package_manager::{Failure, SideEffect, SideEffectKind};
use opkg_oda::PackageName;
use opkg_runtime::CommandsError;

use crate::process::Termination;

/// Versions that a message names.
const MAX_OFFERS_SHOWN: usize = 10;

/// Why a package manager did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageManagerError {
    #[error(transparent)]
    Plugin(#[from] CommandsError),
    #[error("the plugin has no command that tells what is installed")]
    NoQueryCommand,
    #[error("{0} printed something that is not UTF-8")]
    NotUtf8(String),
    #[error("{path} cannot be written in the root {}: {error}", .root.display())]
    File { path: String, root: PathBuf, error: io::Error },
    #[error("what an earlier run has left in the root {} cannot be removed: {error}", .root.display())]
    Leftovers { root: PathBuf, error: io::Error },
    #[error("the package source {} is not there: mount it, or take it out of `opm.toml`", .0.display())]
    MissingSource(PathBuf),
    #[error("the package source {} cannot be used: {error}", .path.display())]
    UnusableSource { path: PathBuf, error: io::Error },
    #[error("no package source has {version} of {package}; {}", describe_offers(.offered))]
    NoSuchVersion { package: PackageName, version: String, offered: Vec<String> },
    #[error("{}, which nobody asked for: nothing was changed", describe_side_effects(.0))]
    SideEffects(Vec<SideEffect>),
    #[error("{program} {}", describe_failures(termination, failures, last_line.as_deref()))]
    Command { program: String, termination: Termination, failures: Vec<Failure>, last_line: Option<String> },
}

impl PackageManagerError {
    /// How the program ended, where it was one that failed.
    pub(crate) fn termination(&self) -> Option<&Termination> {
        match self {
            Self::Command { termination, .. } => Some(termination),
            _ => None,
        }
    }

    /// What the plugin found in what the program printed.
    pub(crate) fn failures(&self) -> &[Failure] {
        match self {
            Self::Command { failures, .. } => failures,
            _ => &[],
        }
    }

    /// Whether the run was to stop, so that nothing has failed.
    pub(crate) fn is_stop(&self) -> bool {
        self.termination() == Some(&Termination::Stopped)
    }

    /// Whether all that went wrong passes by itself.
    pub(crate) fn is_transient(&self) -> bool {
        let failures = self.failures();
        !failures.is_empty() && failures.iter().all(|failure| failure.transient)
    }
}

/// Which versions there are, newest first.
fn describe_offers(offered: &[String]) -> String {
    let shown = offered.iter().take(MAX_OFFERS_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match offered.len() {
        0 => "there is none at all".to_owned(),
        1 => format!("there is {shown}"),
        count if count <= MAX_OFFERS_SHOWN => format!("there are {shown}"),
        count => format!("there are {shown} and {} older ones", count - MAX_OFFERS_SHOWN),
    }
}

fn describe_side_effects(side_effects: &[SideEffect]) -> String {
    let of_kind = |(kind, verb): (SideEffectKind, &str)| {
        let names = side_effects.iter().filter(|it| it.kind == kind).map(|it| it.name.as_str());
        let names: Vec<&str> = names.collect();
        (!names.is_empty()).then(|| format!("it would {verb} {}", names.join(", ")))
    };
    let changes = [
        (SideEffectKind::Remove, "remove"),
        (SideEffectKind::Replace, "replace"),
        (SideEffectKind::Downgrade, "downgrade"),
    ];
    changes.into_iter().filter_map(of_kind).collect::<Vec<_>>().join(" and ")
}

/// The end of a sentence that begins with the program's name: the causes, or, where the plugin knows none, how it ended
/// and what it said last.
fn describe_failures(termination: &Termination, failures: &[Failure], last_line: Option<&str>) -> String {
    if !failures.is_empty() {
        let causes: Vec<&str> = failures.iter().map(|failure| failure.cause.as_str()).collect();
        return format!("failed: {}", causes.join("; "));
    }
    match (termination, last_line) {
        (Termination::NotStarted(_) | Termination::Stopped, _) | (_, None) => termination.to_string(),
        (_, Some(line)) => {
            let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
            format!("{termination}; the last that it printed: {line}")
        }
    }
}
