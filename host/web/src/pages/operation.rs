//! What can be asked of packages in the browser: the commands of the same names, with their parameters from a form.

use std::collections::BTreeSet;

use opkg_engine::format;
use opkg_engine::operations::{self, OperationError, Requested};
use opkg_engine::requests::RequestError;
use opkg_oda::{Cluster, PackageName, ParseError, Stage, Store, TargetId};

use super::lookup::{LookupError, describe_operation_error, find_targets, parse_package_names};
use super::plural::pluralize;
use crate::app_state::ServerSettings;
use crate::params::Params;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Request,
    Remove,
    /// Clears errors, so that the next run tries again.
    Clear,
    /// Runs stages again.
    Rerun,
    Reconfigure,
    Upgrade,
    /// Keeps packages at their version.
    Hold,
    Unhold,
}

impl Operation {
    /// In the order of the page.
    pub const ALL: [Self; 8] = [
        Self::Request,
        Self::Remove,
        Self::Clear,
        Self::Reconfigure,
        Self::Upgrade,
        Self::Rerun,
        Self::Hold,
        Self::Unhold,
    ];

    /// As in the URL of its form; also the name of the command.
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Remove => "remove",
            Self::Clear => "clear",
            Self::Rerun => "rerun",
            Self::Reconfigure => "reconfigure",
            Self::Upgrade => "upgrade",
            Self::Hold => "hold",
            Self::Unhold => "unhold",
        }
    }

    pub fn title_and_description(self) -> (&'static str, &'static str) {
        match self {
            Self::Request => ("Request", "Packages, and what they depend on, are to come to a stage."),
            Self::Remove => {
                ("Remove", "Packages are to go: from clients first, then images, then the head node.")
            }
            Self::Clear => {
                ("Clear errors", "What is in error is tried again; all packages where none is named.")
            }
            Self::Rerun => (
                "Run stages again",
                "After nodes came or went: post-clients and post-install. All packages where none is named.",
            ),
            Self::Reconfigure => ("Reconfigure", "With everything that depends on the configuration."),
            Self::Upgrade => ("Upgrade", "New versions are installed where the packages are."),
            Self::Hold => ("Hold", "Packages are kept at their version: they are not upgraded."),
            Self::Unhold => ("Unhold", "Packages may be upgraded again."),
        }
    }

    /// Whether its form has a field for targets.
    pub fn takes_targets(self) -> bool {
        !matches!(self, Self::Reconfigure | Self::Hold | Self::Unhold)
    }

    /// Whether its form has a field for a version.
    pub fn takes_version(self) -> bool {
        self == Self::Upgrade
    }

    /// Whether a package must be named.
    pub fn needs_packages(self) -> bool {
        !matches!(self, Self::Clear | Self::Rerun)
    }

    /// What was asked for, as it would be written for the command of that name.
    pub fn command_line(self, form: &Params) -> String {
        let mut words = vec![self.name().to_owned()];
        words.extend(
            form.get("packages").split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned),
        );
        let mut add = |option: &str, value: &str| {
            if !value.trim().is_empty() {
                words.push(format!("{option} {}", value.trim()));
            }
        };
        if self.takes_targets() {
            add("--on", form.get("on"));
        }
        if !self.stage_choices().0.is_empty() {
            form.get_all("stage").for_each(|stage| add("--stage", stage));
        }
        if self.takes_version() {
            add("--to", form.get("to"));
        }
        if self == Self::Remove && !form.get("cascade").is_empty() {
            words.push("--cascade".into());
        }
        words.join(" ")
    }

    /// The stages that its form offers, and those of them that are selected by default.
    pub fn stage_choices(self) -> (Vec<Stage>, &'static [Stage]) {
        let all_but =
            |excluded: &[Stage]| Stage::ALL.into_iter().filter(|stage| !excluded.contains(stage)).collect();
        match self {
            Self::Request => (all_but(&[Stage::ShouldNotBeInstalled]), &[Stage::Finished]),
            Self::Rerun => (all_but(&[Stage::ShouldNotBeInstalled, Stage::Finished]), &[]),
            _ => (Vec::new(), &[]),
        }
    }
}

/// Why an operation was not performed; then nothing is written. The messages have no full stop.
#[derive(Debug, thiserror::Error)]
pub enum PerformError {
    #[error(transparent)]
    Lookup(#[from] LookupError),
    #[error("name a target: server, images, clients, all, a client, KIND:NAME or @GROUP")]
    NoTarget,
    /// A package name or stage is malformed.
    #[error(transparent)]
    Syntax(#[from] ParseError),
    #[error("{}", describe_operation_error(.0))]
    Rejected(#[from] OperationError),
    #[error(transparent)]
    Database(#[from] opkg_oda::Error),
}

impl PerformError {
    /// The name and the label of the button that performs the operation anyway, if that is possible.
    #[must_use]
    pub fn confirmation(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Rejected(OperationError::Refused(RequestError::RequiredByOthers { by, .. })) => {
                Some(("cascade", format!("Remove {} as well", by.join(", "))))
            }
            Self::Rejected(OperationError::NewPackage { name, .. }) => {
                Some(("new", format!("Request {name} as it is, whether or not there is such a package")))
            }
            _ => None,
        }
    }
}

/// Performs the operation of a form and returns the notice for the user.
///
/// # Errors
/// When it is rejected, or the database fails.
pub fn perform(
    store: &mut dyn Store,
    settings: &ServerSettings,
    operation: Operation,
    form: &Params,
    now: i64,
) -> Result<String, PerformError> {
    let names = parse_package_names(form.get("packages"))?;
    let targets = |cluster: &Cluster| -> Result<BTreeSet<TargetId>, PerformError> {
        let targets = find_targets(cluster, settings, form.get("on"))?;
        if targets.is_empty() { Err(PerformError::NoTarget) } else { Ok(targets) }
    };
    let mut stages = form.get_all("stage").map(str::parse::<Stage>);
    match operation {
        Operation::Request => {
            let stage = stages.next().unwrap_or(Ok(Stage::Finished))?;
            let is_confirmed = |_: &PackageName| !form.get("new").is_empty();
            let requested = operations::request(store, &names, stage, targets, &is_confirmed, None, now)?;
            Ok(request_notice(&requested, stage))
        }
        Operation::Remove => {
            let cascade = !form.get("cascade").is_empty();
            let removed = operations::remove(store, &names, targets, cascade, None, now)?;
            Ok(format!("To be removed: {}. The next run does it.", removed.names))
        }
        Operation::Clear => Ok(match operations::clear(store, &names, targets, now)? {
            0 => "None of that is in error.".to_owned(),
            count => {
                format!("Cleared: {}. The next run tries again.", pluralize(count, "package/target pair"))
            }
        }),
        Operation::Rerun => {
            let stages: BTreeSet<Stage> = stages.collect::<Result<_, _>>()?;
            Ok(queue_notice(operations::rerun(store, &stages, &names, targets)?))
        }
        Operation::Reconfigure => Ok(queue_notice(operations::reconfigure::<PerformError>(store, &names)?)),
        Operation::Upgrade => {
            let to = Some(form.get("to").trim()).filter(|version| !version.is_empty());
            // Where none are named: wherever the packages are.
            let everywhere = form.get("on").trim().is_empty();
            let targets = |cluster: &Cluster| match everywhere {
                true => Ok(cluster.targets.keys().copied().collect()),
                false => targets(cluster),
            };
            let count = operations::upgrade(store, &names, targets, to, None, now)?.count;
            Ok(match to {
                Some(version) if count == 0 => {
                    format!("Nothing is to be done: {version} is installed everywhere already.")
                }
                _ => queue_notice(count),
            })
        }
        Operation::Hold | Operation::Unhold => {
            let held = operation == Operation::Hold;
            let count = operations::hold::<PerformError>(store, &names, held)?;
            let what = if held { "Held" } else { "No longer held" };
            Ok(format!("{what}: {}.", pluralize(count, "package")))
        }
    }
}

fn request_notice(requested: &Requested, stage: Stage) -> String {
    let mut notice = String::new();
    if !requested.new_packages.is_empty() {
        let names: Vec<&str> = requested.new_packages.iter().map(|package| package.name.as_str()).collect();
        notice = format!("Not known so far, and now known: {}. ", names.join(", "));
    }
    notice.push_str(&if requested.has_changes {
        let packages = format::package_list(&requested.cluster, &requested.packages);
        let targets = format::target_list(&requested.cluster, &requested.targets);
        format!("Requested: {packages} to {stage} on {targets}. The next run does it.")
    } else {
        "All of that was requested already.".to_owned()
    });
    notice
}

/// `count` is that of the stages that were queued, over all packages and targets.
fn queue_notice(count: usize) -> String {
    match count {
        0 => "Nothing of that has been done so far, so there is nothing to do again.".to_owned(),
        count => {
            format!(
                "Queued: {} of package/target pairs. The next run does them again.",
                pluralize(count, "stage")
            )
        }
    }
}
