//! Doing one step: the effects that belong to it. Nothing here touches the database, so that several steps may be done at a
//! time.

use opkg_oda::{Cluster, ConfigValues, PackageId, RunId};

use crate::effects::{Effects, StepTrace};
use crate::machine::{ConfigureOutcome, FinishedStep, HookStep, Step};

/// A step that was done.
#[derive(Debug)]
pub struct PerformedStep {
    pub finished: FinishedStep,
    pub trace: StepTrace,
    /// The values that the database had of the package, where a configurator was given them.
    pub known: ConfigValues,
    /// What the configurator made of them.
    pub resolved: ConfigValues,
}

impl PerformedStep {
    fn new(finished: FinishedStep, trace: StepTrace) -> Self {
        Self { finished, trace, known: ConfigValues::new(), resolved: ConfigValues::new() }
    }
}

/// Whether there is anything to be done: many packages have neither hooks nor forms.
pub fn has_effect(effects: &dyn Effects, cluster: &Cluster, step: &Step) -> bool {
    match step {
        Step::Hook(hook) => {
            effects.has_hook(cluster, hook)
                || hook.image.is_some_and(|image| effects.needs_image_configuration(cluster, hook.key, image))
        }
        Step::Configure(configure) => effects.has_form(cluster, configure),
        Step::VerifyInherited(_) | Step::Install(_) | Step::Remove(_) => true,
    }
}

/// The package whose values a step needs: that of a configurator, or of a hook about an image, which may have come after the
/// configurator.
pub fn configured_package(step: &Step) -> Option<PackageId> {
    match step {
        Step::Configure(configure) => Some(configure.key.package),
        Step::Hook(hook) if hook.image.is_some() => Some(hook.key.package),
        Step::Hook(_) | Step::VerifyInherited(_) | Step::Install(_) | Step::Remove(_) => None,
    }
}

/// Does a step, with the values that the database has of its [`configured_package`].
pub fn perform(
    effects: &dyn Effects,
    cluster: &Cluster,
    step: Step,
    known: ConfigValues,
    run: RunId,
) -> PerformedStep {
    match step {
        Step::VerifyInherited(verify) => {
            let report = effects.verify_inherited(cluster, &verify, run);
            PerformedStep::new(FinishedStep::VerifyInherited(verify, report.outcome), report.trace)
        }
        Step::Install(install) => {
            let report = effects.install(cluster, &install, run);
            PerformedStep::new(FinishedStep::Install(install, report.outcome), report.trace)
        }
        Step::Hook(hook) => perform_hook(effects, cluster, hook, known, run),
        Step::Configure(configure) => {
            let report = effects.configure(cluster, &configure, &known);
            let resolved = match &report.outcome {
                ConfigureOutcome::Configured(values) => values.clone(),
                _ => ConfigValues::new(),
            };
            let finished = FinishedStep::Configure(configure, report.outcome);
            PerformedStep { known, resolved, ..PerformedStep::new(finished, report.trace) }
        }
        Step::Remove(remove) => {
            let report = effects.remove(cluster, &remove, run);
            PerformedStep::new(FinishedStep::Remove(remove, report.outcome), report.trace)
        }
    }
}

/// Runs a hook; one that is about an image finds the values of that image.
fn perform_hook(
    effects: &dyn Effects,
    cluster: &Cluster,
    hook: HookStep,
    known: ConfigValues,
    run: RunId,
) -> PerformedStep {
    let mut resolved = ConfigValues::new();
    if let Some(image) = hook.image {
        let configured = effects.configure_image(cluster, hook.key, image, &known);
        match configured.outcome {
            Ok(values) => resolved = values,
            Err(failure) => {
                return PerformedStep::new(FinishedStep::Hook(hook, Err(failure)), configured.trace);
            }
        }
    }
    let report = effects.run_hook(cluster, &hook, run);
    let finished = FinishedStep::Hook(hook, report.outcome);
    PerformedStep { known, resolved, ..PerformedStep::new(finished, report.trace) }
}
