//! Scripts of packages that their package manager does not run.

use std::path::PathBuf;

use opkg_interface::package_manager::Installed;
use opkg_oda::{PackageId, Stage};

use super::legacy_scripts::{PackagePart, saved_scripts_dir};
use super::native_packages::NativePackages;
use super::package_error::PackageError;
use crate::hooks::{self, HomeError, HookContext, HookInvocation, HookOutcome, NullListener};
use crate::process::{ProcessRole, ProcessTag, StepLog, Termination};
use crate::roots::TempFiles;

/// Whether the package manager runs the package's own scripts. Where it does not tell, it is believed that it does: what it
/// installs was made to be installed by it, and a script that runs twice does more harm than one that somebody has to run.
pub(super) fn carries_scripts(package: &Installed) -> bool {
    package.has_scriptlets.unwrap_or(true)
}

impl NativePackages<'_> {
    /// Runs the script that follows an installation, where the package manager did not.
    pub(super) fn run_post_install(
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

    /// Runs the script that was kept over the removal of its package, now or by a run that crashed.
    pub(super) fn run_saved_script(
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
    pub(super) fn scripts_to_run(
        &self,
        id: PackageId,
        found: &Installed,
        names: &[&str],
    ) -> Result<Vec<PathBuf>, HomeError> {
        let Some(home) = self.home(id) else { return Ok(Vec::new()) };
        let mut candidates = hooks::find_candidates(self.context.root, &home, names)?;
        let starts_with_component = candidates.first().is_some_and(|file| hooks::is_component(file));
        if carries_scripts(found) && !starts_with_component {
            candidates.clear();
        }
        Ok(candidates)
    }

    /// Runs the first of these files, if there is any, as the script of this name.
    pub(super) fn run_script(
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
