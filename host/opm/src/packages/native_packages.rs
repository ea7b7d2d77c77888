//! Installing and removing the native packages of OPKGs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use opkg_engine::machine::{InstallOutcome, StepFailure};
use opkg_interface::package_manager::Installed;
use opkg_oda::{Cluster, Package, PackageId, Stage, Target, TargetKind};

use super::installed_set::Presence;
use super::legacy_scripts::{PackagePart, SaveScriptError, save_script, saved_scripts_dir};
use super::metadata::read_metadata;
use super::package_manager::{ManagerContext, PackageManager, PackageManagerError};
use super::patience::Patience;
use super::pin::{Companion, Pin};
use super::transaction::{PackageResult, Transaction, TransactionReport};
use crate::hooks::{self, HomeError, HookContext, HookInvocation, HookOutcome, HookRunners, NullListener};
use crate::process::{ProcessRole, ProcessTag, StepLog, Termination};
use crate::roots::TempFiles;

/// Work on the packages of one target.
#[derive(Debug)]
pub(crate) struct NativePackages<'a> {
    pub(crate) manager: &'a PackageManager,
    pub(crate) context: ManagerContext<'a>,
    pub(crate) cluster: &'a Cluster,
    pub(crate) target: &'a Target,
    pub(crate) runners: HookRunners<'a>,
    /// Of the run.
    pub(crate) patience: &'a Patience,
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

/// Why native packages are not as they should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageError {
    #[error(transparent)]
    Manager(#[from] PackageManagerError),
    #[error("{} still there, although the removal was said to have succeeded", .0.join(", "))]
    StillThere(Vec<String>),
    #[error("{error} ({native} is {how} now)")]
    LeftIncomplete { native: String, how: String, error: Box<PackageManagerError> },
    #[error("the removal took {} as well, which nobody asked for: `opm audit` shows what is missing now", .0.join(", "))]
    RemovedOthers(Vec<String>),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    SaveScript(#[from] SaveScriptError),
    #[error("{} cannot be run: {error}", .script.display())]
    SavedScript { script: PathBuf, error: io::Error },
    #[error("the list of nodes cannot be written: {0}")]
    Environment(io::Error),
    #[error("{reason}")]
    Script { reason: String, termination: Termination },
}

impl PackageError {
    /// How the program ended that failed, where it was one.
    pub(crate) fn termination(&self) -> Option<&Termination> {
        match self {
            Self::Manager(error) => error.termination(),
            Self::LeftIncomplete { error, .. } => error.termination(),
            Self::Script { termination, .. } => Some(termination),
            _ => None,
        }
    }

    /// Whether something was stopped, so that nothing has failed.
    fn is_stop(&self) -> bool {
        self.termination() == Some(&Termination::Stopped)
    }
}

impl From<&PackageError> for StepFailure {
    fn from(error: &PackageError) -> Self {
        match error {
            _ if error.is_stop() => Self::Stopped,
            PackageError::Manager(cause) if cause.is_transient() => Self::Postponed(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
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
        let report = self.patience.retry(&self.context.executor.stop, log, |log| {
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

    /// Removes the parts of a package that it must not have at a stage.
    ///
    /// # Errors
    /// When one of them is still there, or more than these is gone.
    pub(crate) fn remove(
        &self,
        package: &Package,
        down_to: Stage,
        log: &mut StepLog,
    ) -> Result<(), PackageError> {
        let name = package.name.as_str();
        let before = self.manager.query(&self.context, log)?;
        let mut leaving = BTreeSet::new();
        for part in parts_to_remove(down_to, self.target.kind()) {
            let native = part.native_name(name);
            match before.presence(&native) {
                Presence::Complete(found) | Presence::Incomplete(found, _) => {
                    leaving.insert(native);
                    self.remove_part(package.id, name, *part, found, down_to, log)?;
                }
                Presence::Residual => {
                    self.remove_native(&native, log)?;
                    leaving.insert(native);
                    self.run_saved_script(package.id, name, *part, down_to, log)?;
                }
                Presence::Absent => self.run_saved_script(package.id, name, *part, down_to, log)?,
            }
        }
        if leaving.is_empty() {
            return Ok(());
        }
        let after = self.manager.query(&self.context, log)?;
        let still = leaving.iter().filter_map(|native| match after.presence(native) {
            Presence::Absent => None,
            Presence::Residual => Some(format!("the configuration of {native} is")),
            Presence::Incomplete(_, how) => Some(format!("{native} ({how}) is")),
            Presence::Complete(_) => Some(format!("{native} is")),
        });
        let still: Vec<String> = still.collect();
        if !still.is_empty() {
            return Err(PackageError::StillThere(still));
        }
        let others = after.lost_since(&before, &leaving);
        if others.is_empty() { Ok(()) } else { Err(PackageError::RemovedOthers(others)) }
    }

    /// Removes one native package; what is in the way but passes by itself is waited for.
    fn remove_native(&self, native: &str, log: &mut StepLog) -> Result<(), PackageError> {
        let names = [native.to_owned()];
        let removed = self.patience.retry(&self.context.executor.stop, log, |log| {
            let removed = self.manager.remove(&names, &self.context, log);
            let is_transient = removed.as_ref().is_err_and(PackageManagerError::is_transient);
            (removed, is_transient)
        });
        let Err(error) = removed.0 else { return Ok(()) };
        if error.is_stop() || error.is_transient() {
            return Err(error.into());
        }
        // Its scripts may have failed halfway.
        let left = self.manager.query(&self.context, log)?;
        match left.presence(native) {
            Presence::Incomplete(_, how) => {
                let (native, how) = (native.to_owned(), how.to_owned());
                Err(PackageError::LeftIncomplete { native, how, error: Box::new(error) })
            }
            _ => Err(error.into()),
        }
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

    fn run_post_install(
        &self,
        id: PackageId,
        part: PackagePart,
        found: &Installed,
        stage: Stage,
        log: &mut StepLog,
    ) -> Result<(), PackageError> {
        let candidates = self.scripts_to_run(id, found, part.post_install())?;
        self.run_script(id, part.post_install()[0], stage, &candidates, log)
    }

    fn remove_part(
        &self,
        id: PackageId,
        name: &str,
        part: PackagePart,
        found: &Installed,
        to: Stage,
        log: &mut StepLog,
    ) -> Result<(), PackageError> {
        let native = part.native_name(name);
        let candidates = |names| self.scripts_to_run(id, found, names);
        self.run_script(id, part.pre_uninstall()[0], to, &candidates(part.pre_uninstall())?, log)?;
        let last = candidates(part.post_uninstall())?;
        save_script(self.context.root, &native, &last)?;
        self.remove_native(&native, log)?;
        self.run_saved_script(id, name, part, to, log)
    }

    /// Runs the script that was kept over the removal of its package, now or by a run that crashed.
    fn run_saved_script(
        &self,
        id: PackageId,
        name: &str,
        part: PackagePart,
        to: Stage,
        log: &mut StepLog,
    ) -> Result<(), PackageError> {
        let (root, native) = (self.context.root, part.native_name(name));
        let candidates = hooks::find_candidates(root, &saved_scripts_dir(&native), part.post_uninstall())?;
        let (Some(home), Some(script)) = (self.home(id), candidates.first()) else { return Ok(()) };
        let cannot = |error| PackageError::SavedScript { script: script.clone(), error };
        // It starts in its home, which may be gone.
        let mut home_dir = TempFiles::new(root);
        home_dir.create_dir_all(&home).map_err(cannot)?;
        self.run_script(id, part.post_uninstall()[0], to, &candidates, log)?;
        drop(home_dir);
        root.remove_with_empty_parents(script).map_err(cannot)
    }

    fn home(&self, id: PackageId) -> Option<PathBuf> {
        self.cluster.packages.get(&id).map(|package| hooks::package_home(&package.name))
    }

    /// The files that serve a script which the package manager does not run: none, where it has run the package's own.
    fn scripts_to_run(
        &self,
        id: PackageId,
        found: &Installed,
        names: &[&str],
    ) -> Result<Vec<PathBuf>, HomeError> {
        let Some(home) = self.home(id) else { return Ok(Vec::new()) };
        let mut candidates = hooks::find_candidates(self.context.root, &home, names)?;
        let starts_with_component = candidates.first().is_some_and(|file| hooks::is_component(file));
        if found.has_scriptlets && !starts_with_component {
            candidates.clear();
        }
        Ok(candidates)
    }

    /// Runs the first of these files, if there is any, as the script of this name.
    fn run_script(
        &self,
        id: PackageId,
        name: &str,
        stage: Stage,
        candidates: &[PathBuf],
        log: &mut StepLog,
    ) -> Result<(), PackageError> {
        let (Some(script), Some(package)) = (candidates.first(), self.cluster.packages.get(&id)) else {
            return Ok(());
        };
        let hook_context = HookContext {
            cluster: self.cluster,
            package: Some(package),
            stage,
            target: &self.target.address,
            image: None,
            tag: ProcessTag { role: ProcessRole::Script, ..self.context.tag.clone() },
        };
        let file = script.file_name().unwrap_or_default().to_string_lossy();
        let call = HookInvocation {
            name,
            display_name: format!("{file} of {}", package.name),
            context: &hook_context,
            root: self.context.root,
            home: hooks::package_home(&package.name),
            candidates: candidates.to_vec(),
            arguments: Vec::new(),
            environment: hooks::hook_environment(self.context.config, &hook_context)
                .map_err(PackageError::Environment)?,
            shared_dirs: Vec::new(),
            timeout: self.context.config.limits.hook_timeout(),
        };
        match self.runners.run(&call, log, &mut NullListener) {
            HookOutcome::Done => Ok(()),
            HookOutcome::Stopped => {
                let reason = format!("{} was stopped", call.display_name);
                Err(PackageError::Script { reason, termination: Termination::Stopped })
            }
            HookOutcome::Failed { reason, termination } => Err(PackageError::Script { reason, termination }),
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

/// The parts that must not be there at a stage, in the order in which they go.
fn parts_to_remove(to: Stage, kind: TargetKind) -> &'static [PackagePart] {
    match (to, kind) {
        (Stage::ShouldNotBeInstalled, TargetKind::Server) => &[PackagePart::Server, PackagePart::Api],
        (_, TargetKind::Server) => &[PackagePart::Server],
        (_, TargetKind::Image | TargetKind::Client) => &[PackagePart::Client],
    }
}
