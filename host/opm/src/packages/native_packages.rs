//! Installing and removing the native packages of OPKGs. What a package manager says of its work is not believed: it is
//! asked what is there, before and after.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use opkg_engine::machine::{InstallOutcome, StepFailure};
use opkg_interface::package_manager::Installed;
use opkg_oda::{Cluster, Package, PackageId, Stage, Target, TargetKind};

use super::legacy_scripts::{PackagePart, SaveScriptError, save_script, saved_scripts_dir};
use super::metadata::read_metadata;
use super::package_manager::{ManagerContext, PackageManager, PackageManagerError};
use crate::hooks::{self, HomeError, HookContext, HookInvocation, HookOutcome, HookRunners, NullListener};
use crate::process::{ProcessRole, ProcessTag, StepLog, Termination};
use crate::roots::TempFiles;

/// How the names of all native packages of OPKGs begin.
const NATIVE_PREFIX: &str = "opkg-";

/// Work on the packages of one target.
#[derive(Debug)]
pub(crate) struct NativePackages<'a> {
    pub(crate) manager: &'a PackageManager,
    pub(crate) context: ManagerContext<'a>,
    pub(crate) cluster: &'a Cluster,
    pub(crate) target: &'a Target,
    pub(crate) runners: HookRunners<'a>,
}

/// Why native packages are not as they should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageError {
    #[error(transparent)]
    Manager(#[from] PackageManagerError),
    #[error("{native} is not installed, although its installation was said to have succeeded")]
    NotInstalled { native: String },
    #[error("{} {} still installed, although the removal was said to have succeeded", .0.join(", "), if .0.len() == 1 { "is" } else { "are" })]
    StillInstalled(Vec<String>),
    #[error("the removal took {} as well, which needed it: `opm audit` shows what is missing now", .0.join(", "))]
    RemovedOthers(Vec<String>),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    SaveScript(#[from] SaveScriptError),
    #[error("{} cannot be run: {error}", .script.display())]
    SavedScript { script: PathBuf, error: io::Error },
    #[error("{reason}")]
    Script { reason: String, termination: Termination },
}

impl PackageError {
    /// How the program ended that failed, where it was one.
    pub(crate) fn termination(&self) -> Option<&Termination> {
        match self {
            Self::Manager(error) => error.termination(),
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
        if error.is_stop() { Self::Stopped } else { Self::Failed(error.to_string()) }
    }
}

impl NativePackages<'_> {
    /// Installs the part of packages that belongs to a stage here, in one transaction. `refresh_error` says what went
    /// wrong when the package sources were read, if anything did. Returns as well how the program ended that decided,
    /// where one did.
    pub(crate) fn install(
        &self,
        stage: Stage,
        packages: &[PackageId],
        refresh_error: Option<&str>,
        log: &mut StepLog,
    ) -> (InstallOutcome, Option<Termination>) {
        let part = part_for_stage(stage, self.target.kind());
        let names: Vec<(PackageId, String)> = packages
            .iter()
            .filter_map(|id| {
                let name = self.cluster.packages.get(id)?.name.as_str();
                Some((*id, part.native_name(name)))
            })
            .collect();
        let natives: Vec<String> = names.iter().map(|(_, native)| native.clone()).collect();
        if let Err(error) = self.manager.install(&natives, &self.context, log) {
            return transaction_failed(&error.into(), refresh_error);
        }
        let installed = match self.manager.query(&natives, &self.context, log) {
            Ok(installed) => installed,
            Err(error) => return transaction_failed(&error.into(), None),
        };
        let (mut metadata, mut failures, mut termination) = (Vec::new(), BTreeMap::new(), None);
        for (id, native) in &names {
            let result = match installed.get(native) {
                None => Err(PackageError::NotInstalled { native: native.clone() }),
                Some(found) => self.run_post_install(*id, part, found, stage, log),
            };
            match result {
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
        (InstallOutcome::Installed { metadata, failures }, termination)
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
        let before = self.manager.query(&[], &self.context, log)?;
        let mut leaving = BTreeSet::new();
        for part in parts_to_remove(down_to, self.target.kind()) {
            let native = part.native_name(name);
            match before.get(&native) {
                Some(found) => {
                    leaving.insert(native);
                    self.remove_part(package.id, name, *part, found, down_to, log)?;
                }
                None => self.run_saved_script(package.id, name, *part, down_to, log)?,
            }
        }
        if leaving.is_empty() {
            return Ok(());
        }
        let after = self.manager.query(&[], &self.context, log)?;
        let still: Vec<String> =
            leaving.iter().filter(|native| after.contains_key(*native)).cloned().collect();
        if !still.is_empty() {
            return Err(PackageError::StillInstalled(still));
        }
        let gone = |native: &&String| {
            native.starts_with(NATIVE_PREFIX) && !after.contains_key(*native) && !leaving.contains(*native)
        };
        let others: Vec<String> = before.keys().filter(gone).cloned().collect();
        if others.is_empty() { Ok(()) } else { Err(PackageError::RemovedOthers(others)) }
    }

    /// Which of these packages are there with the part that belongs to this target.
    ///
    /// # Errors
    /// When the package manager does not tell.
    pub(crate) fn find_present(
        &self,
        packages: &[PackageId],
        log: &mut StepLog,
    ) -> Result<BTreeSet<PackageId>, PackageError> {
        let part = part_for_stage(Stage::InstallBinPkgs, self.target.kind());
        let native = |id: &PackageId| Some(part.native_name(self.cluster.packages.get(id)?.name.as_str()));
        let natives: Vec<String> = packages.iter().filter_map(native).collect();
        let installed = self.manager.query(&natives, &self.context, log)?;
        let is_present = |id: &&PackageId| native(id).is_some_and(|name| installed.contains_key(&name));
        Ok(packages.iter().filter(is_present).copied().collect())
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
        self.manager.remove(&[native], &self.context, log)?;
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
            environment: hooks::hook_environment(self.context.config, &hook_context),
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

/// What a failed transaction means, with what went wrong when the package sources were read before it.
fn transaction_failed(
    error: &PackageError,
    refresh_error: Option<&str>,
) -> (InstallOutcome, Option<Termination>) {
    let outcome = match StepFailure::from(error) {
        StepFailure::Stopped => InstallOutcome::Stopped,
        StepFailure::Failed(reason) => InstallOutcome::TransactionFailed(match refresh_error {
            Some(cause) => format!("{reason} (the package sources could not be read: {cause})"),
            None => reason,
        }),
    };
    (outcome, error.termination().cloned())
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
