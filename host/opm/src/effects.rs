//! The steps of an engine on the real system.

use std::collections::BTreeSet;
use std::path::Path;

use opkg_engine::effects::{Effects, Report};
use opkg_engine::machine::{
    Configure, ConfigureOutcome, Hook, HookStep, Install, InstallOutcome, Remove, RemoveOutcome, Step,
    StepFailure, VerifyInherited,
};
use opkg_oda::{Cluster, ConfigValues, PackageId, Run, RunId, Stage, StateKey, Target, TargetId};

use crate::forms;
use crate::hooks::{self, HookContext, HookInvocation, HookOutcome, NullListener};
use crate::packages::PackageError;
use crate::process::{
    CleanUpLimits, ProcessRole, StepLog, Termination, clean_up_orphans, finish_trace, is_run_alive_elsewhere,
};
use crate::roots::{TargetRoot, root_id, write_root_id};
use crate::system::{System, SystemError};

impl Effects for System {
    fn has_hook(&self, cluster: &Cluster, step: &HookStep) -> bool {
        let (Some(target), Some(package)) =
            (cluster.targets.get(&step.key.target), cluster.packages.get(&step.key.package))
        else {
            return false;
        };
        let home = hooks::package_home(&package.name);
        let Ok(root) = TargetRoot::of_target(target) else { return true };
        // What cannot be looked at is taken for a hook, so that the failure is reported.
        hooks::find_candidates(&root, &home, step.hook.names()).map_or(true, |found| !found.is_empty())
    }

    fn has_form(&self, cluster: &Cluster, step: &Configure) -> bool {
        forms::has_form(cluster, step.key)
    }

    fn needs_image_configuration(&self, cluster: &Cluster, key: StateKey, image: TargetId) -> bool {
        forms::needs_configuration(cluster, key, image)
    }

    fn plan_log(&self, cluster: &Cluster, step: &Step, run: RunId) -> Option<String> {
        let key = step.rows().first().copied()?;
        let target = &cluster.targets.get(&key.target)?.address.name;
        let title = match step {
            Step::VerifyInherited(_) => format!("{target}-confirm"),
            Step::Install(_) => format!("{target}-install"),
            Step::Remove(_) => format!("{target}-remove"),
            Step::Hook(hook) => {
                let package = &cluster.packages.get(&key.package)?.name;
                let image = hook.image.and_then(|image| cluster.targets.get(&image));
                let image = image.map_or_else(String::new, |image| format!("-{}", image.address.name));
                format!("{target}-{package}-{}{image}", hook.hook.name())
            }
            Step::Configure(_) => return None,
        };
        Some(self.log_paths.plan(run, key.target, &title).display().to_string())
    }

    fn root_id(&self, target: &Target) -> Result<Option<String>, String> {
        root_id(target).map_err(|error| error.to_string())
    }

    fn renew_root_id(&self, target: &Target) -> Result<String, String> {
        let root = TargetRoot::of_target(target).map_err(|error| error.to_string())?;
        write_root_id(&root).map_err(|error| error.to_string())
    }

    fn verify_inherited(
        &self,
        cluster: &Cluster,
        step: &VerifyInherited,
        run: RunId,
    ) -> Report<Result<BTreeSet<PackageId>, StepFailure>> {
        let report = self.with_packages(cluster, step.target, run, "confirm", |packages, log| {
            split_error(packages.find_present(&step.packages, log))
        });
        report.unwrap_or_else(|error| failed(&error))
    }

    fn install(&self, cluster: &Cluster, step: &Install, run: RunId) -> Report<InstallOutcome> {
        let again: BTreeSet<PackageId> = step
            .rows()
            .into_iter()
            .filter(|key| is_repeated(cluster, *key, step.stage))
            .map(|key| key.package)
            .collect();
        let report = self.with_packages(cluster, step.target, run, "install", |packages, log| {
            let mut sources = self.refresh_states.take(run, step.target);
            let done = packages.install(step.stage, &step.packages, &again, &mut sources, log);
            self.refresh_states.put_back(run, step.target, sources);
            done
        });
        report.unwrap_or_else(|error| Report::new(InstallOutcome::Failed(error.to_string())))
    }

    fn run_hook(&self, cluster: &Cluster, step: &HookStep, run: RunId) -> Report<Result<(), StepFailure>> {
        self.try_run_hook(cluster, step, run).unwrap_or_else(|error| failed(&error))
    }

    fn configure(
        &self,
        cluster: &Cluster,
        step: &Configure,
        known: &ConfigValues,
    ) -> Report<ConfigureOutcome> {
        forms::configure(&self.config, cluster, step.key, known)
    }

    fn configure_image(
        &self,
        cluster: &Cluster,
        key: StateKey,
        image: TargetId,
        known: &ConfigValues,
    ) -> Report<Result<ConfigValues, StepFailure>> {
        forms::configure_image(&self.config, cluster, key, image, known)
    }

    fn remove(&self, cluster: &Cluster, step: &Remove, run: RunId) -> Report<RemoveOutcome> {
        let report = self.with_packages(cluster, step.target, run, "remove", |packages, log| {
            packages.remove(&step.packages, step.down_to, log)
        });
        report.unwrap_or_else(|error| {
            let failure = StepFailure::Failed(error.to_string());
            Report::new(RemoveOutcome::failed(&step.packages, &failure))
        })
    }

    fn is_run_alive(&self, run: &Run) -> bool {
        is_run_alive_elsewhere(run)
    }

    fn clean_up(&self, crashed: RunId) -> Vec<String> {
        let limits = CleanUpLimits {
            grace: self.config.limits.grace,
            package_manager: self.config.limits.package_manager,
        };
        let done = clean_up_orphans(crashed, &self.database, limits, &self.executor.stop);
        hooks::remove_leftover_directories();
        done
    }

    fn stop_requested(&self) -> bool {
        self.executor.stop.stop_requested()
    }
}

impl System {
    fn try_run_hook(
        &self,
        cluster: &Cluster,
        step: &HookStep,
        run: RunId,
    ) -> Result<Report<Result<(), StepFailure>>, SystemError> {
        let HookStep { key, stage, hook, image } = step;
        let target = cluster.targets.get(&key.target).ok_or(SystemError::UnknownTarget)?;
        let package = cluster.packages.get(&key.package).ok_or(SystemError::UnknownPackage)?;
        let root = TargetRoot::of_target(target)?;
        let image = image.and_then(|id| cluster.targets.get(&id));
        let image =
            image.map(|image| Ok::<_, SystemError>((image, TargetRoot::of_target(image)?))).transpose()?;
        let home = hooks::package_home(&package.name);
        let candidates = hooks::find_candidates(&root, &home, hook.names())?;
        let Some(file) = candidates.first().and_then(|file| file.file_name()) else {
            return Ok(Report::new(Ok(())));
        };
        let name = file.to_string_lossy().into_owned();
        let directory = image.as_ref().map(|(_, directory)| directory.path());
        let context = HookContext {
            cluster,
            package: Some(package),
            stage: *stage,
            target: &target.address,
            image: image.as_ref().map(|(image, root)| (image.address.name.as_str(), root)),
            tag: self.process_tag(run, ProcessRole::Script),
        };
        // Real hooks read it from either argument.
        let arguments = match (hook, directory) {
            (Hook::PostImage, Some(directory)) => vec![directory.into(), directory.into()],
            _ => Vec::new(),
        };
        let call = HookInvocation {
            name: hook.name(),
            display_name: name.clone(),
            context: &context,
            root: &root,
            home,
            candidates,
            arguments,
            environment: hooks::hook_environment(&self.config, &context).map_err(SystemError::Environment)?,
            shared_dirs: directory.map(Path::to_owned).into_iter().collect(),
            timeout: self.config.limits.hook_timeout(),
        };
        let title = match &image {
            Some((image, _)) => {
                format!("{}-{}-{name}-{}", target.address.name, package.name, image.address.name)
            }
            None => format!("{}-{}-{name}", target.address.name, package.name),
        };
        let mut log = self.create_log(run, key.target, &title)?;
        let outcome = self.hook_runners().run(&call, &mut log, &mut NullListener);
        Ok(hook_report(outcome, log))
    }
}

/// A hook that has run, with its log.
pub(crate) fn hook_report(outcome: HookOutcome, log: StepLog) -> Report<Result<(), StepFailure>> {
    let (outcome, termination) = match outcome {
        HookOutcome::Done => (Ok(()), Termination::Exited(0)),
        HookOutcome::Stopped => (Err(StepFailure::Stopped), Termination::Stopped),
        HookOutcome::Failed { reason, termination } => (Err(StepFailure::Failed(reason)), termination),
    };
    Report { outcome, trace: finish_trace(Some(&termination), log) }
}

/// Whether a stage runs again, after it had completed or failed: then its scripts run again, even if a package manager
/// would find nothing to do.
fn is_repeated(cluster: &Cluster, key: StateKey, stage: Stage) -> bool {
    cluster.state(key).is_some_and(|row| row.attempts > 1 || row.current >= stage)
}

fn split_error<T>(result: Result<T, PackageError>) -> (Result<T, StepFailure>, Option<Termination>) {
    match result {
        Ok(value) => (Ok(value), None),
        Err(error) => (Err(StepFailure::from(&error)), error.termination().cloned()),
    }
}

fn failed<T>(error: &SystemError) -> Report<Result<T, StepFailure>> {
    Report::new(Err(StepFailure::Failed(error.to_string())))
}
