//! Installing the native packages of OPKGs, and looking for them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use opkg_engine::machine::{InstallOutcome, StepFailure};
use opkg_interface::package_manager::Installed;
use opkg_oda::{Cluster, PackageId, Stage, Target, TargetKind};

use super::installed_set::Presence;
use super::legacy_scripts::PackagePart;
use super::metadata::read_metadata;
use super::package_error::PackageError;
use super::package_manager::{ManagerContext, PackageManager};
use super::pin::{Companion, Pin};
use super::retry_budget::RetryBudget;
use super::transaction::{PackageResult, Transaction, TransactionReport};
use crate::hooks::HookRunners;
use crate::process::{StepLog, Termination};

/// Work on the packages of one target.
#[derive(Debug)]
pub(crate) struct NativePackages<'a> {
    pub(crate) manager: &'a PackageManager,
    pub(crate) context: ManagerContext<'a>,
    pub(crate) cluster: &'a Cluster,
    pub(crate) target: &'a Target,
    pub(crate) runners: HookRunners<'a>,
    /// Of the run.
    pub(crate) retry_budget: &'a RetryBudget,
    /// The versions of packages that the package manager told of.
    pub(crate) versions: RefCell<BTreeMap<PackageId, String>>,
    /// Packages that are there in part, and how.
    pub(crate) incomplete: RefCell<BTreeMap<PackageId, String>>,
}

/// Whether the package sources of a target were read in this run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum RefreshState {
    #[default]
    Unread,
    Read,
    /// Why they could not be read, and whether that passes by itself.
    Failed {
        reason: String,
        transient: bool,
    },
}

impl NativePackages<'_> {
    /// Installs the part of packages that belongs to a stage here, in one transaction. The scripts of those in `again` run
    /// even if they are there already. Returns as well how the program ended that decided, where one did.
    pub(crate) fn install(
        &self,
        stage: Stage,
        packages: &[PackageId],
        again: &BTreeSet<PackageId>,
        sources: &mut RefreshState,
        log: &mut StepLog,
    ) -> (InstallOutcome, Option<Termination>) {
        let part = part_for_stage(stage, self.target.kind());
        let natives = self.native_names(part, packages);
        let names: Vec<String> = natives.iter().map(|(_, native)| native.clone()).collect();
        let again =
            natives.iter().filter(|(id, _)| again.contains(id)).map(|(_, name)| name.clone()).collect();
        let parts: Vec<String> = PackagePart::ALL
            .into_iter()
            .flat_map(|part| self.native_names(part, packages))
            .map(|(_, name)| name)
            .collect();
        let pins = self.pins(part, &natives);
        let transaction = Transaction {
            manager: self.manager,
            context: &self.context,
            packages: &names,
            parts: &parts,
            pins: &pins,
            again: &again,
        };
        let report = self.retry_budget.retry(&self.context.executor.stop, log, |log| {
            self.read_sources(sources, log);
            let report = transaction.run(log);
            // What is not known of the sources may be what is missing.
            let blind = matches!(sources, RefreshState::Failed { transient: true, .. });
            let is_transient = match &report {
                Ok(report) => blind && report.is_futile,
                Err(error) => error.is_transient() || blind && !error.is_stop(),
            };
            (report, is_transient)
        });
        match report {
            (Ok(report), is_transient) => {
                let reason = report.results.values().find_map(PackageResult::reason).map(str::to_owned);
                match reason {
                    Some(reason) if is_transient => {
                        (InstallOutcome::Postponed(with_refresh_error(reason, sources)), report.termination)
                    }
                    _ => self.finish_install(stage, part, &natives, report, sources, log),
                }
            }
            (Err(error), is_transient) => {
                let termination = error.termination().cloned();
                let outcome = match StepFailure::from(&PackageError::from(error)) {
                    StepFailure::Stopped => InstallOutcome::Stopped,
                    StepFailure::Failed(reason) | StepFailure::Postponed(reason) => {
                        let reason = with_refresh_error(reason, sources);
                        if is_transient {
                            InstallOutcome::Postponed(reason)
                        } else {
                            InstallOutcome::TransactionFailed(reason)
                        }
                    }
                };
                (outcome, termination)
            }
        }
    }

    /// Once in a run, unless something was in the way.
    fn read_sources(&self, sources: &mut RefreshState, log: &mut StepLog) {
        if matches!(sources, RefreshState::Unread | RefreshState::Failed { transient: true, .. }) {
            *sources = match self.manager.refresh(&self.context, log) {
                Ok(()) => RefreshState::Read,
                Err(error) => {
                    RefreshState::Failed { reason: error.to_string(), transient: error.is_transient() }
                }
            };
        }
    }

    /// Runs the scripts that the package manager does not run, and reads what packages say of themselves.
    fn finish_install(
        &self,
        stage: Stage,
        part: PackagePart,
        natives: &[(PackageId, String)],
        report: TransactionReport,
        sources: &RefreshState,
        log: &mut StepLog,
    ) -> (InstallOutcome, Option<Termination>) {
        let TransactionReport { mut results, mut termination, .. } = report;
        let (mut metadata, mut failures, mut untouched) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for (id, native) in natives {
            let found = match results.remove(native) {
                Some(PackageResult::Installed(found)) => {
                    self.record_version(*id, &found);
                    found
                }
                Some(PackageResult::Failed(reason)) => {
                    failures.insert(*id, reason);
                    continue;
                }
                Some(PackageResult::Untouched(reason)) => {
                    untouched.insert(*id, with_refresh_error(reason, sources));
                    continue;
                }
                None => continue,
            };
            match self.run_post_install(*id, part, &found, stage, log) {
                Err(error) if error.is_stop() => {
                    return (InstallOutcome::Stopped, Some(Termination::Stopped));
                }
                Err(error) => {
                    failures.insert(*id, error.to_string());
                    termination = error.termination().cloned();
                }
                Ok(()) if part == PackagePart::Api => {
                    match read_metadata(self.context.root, self.cluster, *id, self.manager.distribution()) {
                        Ok(found) => metadata.extend(found),
                        Err(error) => log.note(&error.to_string()),
                    }
                }
                Ok(()) => {}
            }
        }
        let is_all_untouched = untouched.len() == natives.len();
        let outcome = match untouched.first_key_value() {
            Some((_, reason)) if is_all_untouched => InstallOutcome::TransactionFailed(reason.clone()),
            _ => InstallOutcome::Installed { metadata, failures, untouched },
        };
        (outcome, termination)
    }

    /// The versions that were chosen of these packages. Of an OPKG, what serves the head node and what both need are of the
    /// same version, and so come together.
    fn pins(&self, part: PackagePart, natives: &[(PackageId, String)]) -> Vec<Pin> {
        let pin = |(id, native): &(PackageId, String)| {
            let name = &self.cluster.packages.get(id)?.name;
            let companion = match part {
                PackagePart::Api => {
                    Some(Companion::IfInstalled(PackagePart::Server.native_name(name.as_str())))
                }
                PackagePart::Server => Some(Companion::Needed(PackagePart::Api.native_name(name.as_str()))),
                PackagePart::Client => None,
            };
            let version = self.cluster.pinned_versions.get(id)?.clone();
            Some(Pin { package: name.clone(), version, native: native.clone(), companion })
        };
        natives.iter().filter_map(pin).collect()
    }

    fn native_names(&self, part: PackagePart, packages: &[PackageId]) -> Vec<(PackageId, String)> {
        let native =
            |id: &PackageId| Some((*id, part.native_name(self.cluster.packages.get(id)?.name.as_str())));
        packages.iter().filter_map(native).collect()
    }

    /// Which of these packages are there with the part that belongs to this target. One that is there in part is not.
    ///
    /// # Errors
    /// When the package manager does not tell.
    pub(crate) fn find_present(
        &self,
        packages: &[PackageId],
        log: &mut StepLog,
    ) -> Result<BTreeSet<PackageId>, PackageError> {
        let part = part_for_stage(Stage::InstallBinPkgs, self.target.kind());
        let installed = self.manager.query(&self.context, log)?;
        let mut present = BTreeSet::new();
        for (id, native) in self.native_names(part, packages) {
            match installed.presence(&native) {
                Presence::Complete(found) => {
                    self.record_version(id, found);
                    present.insert(id);
                }
                Presence::Incomplete(_, how) => {
                    self.incomplete.borrow_mut().insert(id, format!("{native} is {how}"));
                }
                Presence::Residual | Presence::Absent => {}
            }
        }
        Ok(present)
    }

    /// Keeps which version the package manager said that a package has, by the name of its part.
    fn record_version(&self, package: PackageId, found: &Installed) {
        if !found.version.is_empty() {
            self.versions.borrow_mut().insert(package, found.version.clone());
        }
    }
}

/// Why something failed, with what went wrong when the package sources were read before it.
fn with_refresh_error(reason: String, sources: &RefreshState) -> String {
    match sources {
        RefreshState::Failed { reason: cause, .. } if !reason.contains(cause.as_str()) => {
            format!("{reason} (the package sources could not be read: {cause})")
        }
        _ => reason,
    }
}

/// The part that a stage brings to a target.
fn part_for_stage(stage: Stage, kind: TargetKind) -> PackagePart {
    match (stage, kind) {
        (Stage::ShouldBeInstalled, _) => PackagePart::Api,
        (_, TargetKind::Server) => PackagePart::Server,
        (_, TargetKind::Image | TargetKind::Client) => PackagePart::Client,
    }
}
