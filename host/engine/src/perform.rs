//! Doing one step: the effects that belong to it, with the values that a configurator needs.

use opkg_oda::{Cluster, ConfigValues, Error, RunId, Store};

use crate::config_values::load_values;
use crate::effects::{Effects, StepTrace};
use crate::machine::{ConfigureOutcome, FinishedStep, HookStep, Step};

/// A step that was done.
pub struct PerformedStep<'s> {
    pub finished: FinishedStep<'s>,
    pub trace: StepTrace,
    /// The values that the database had of the package, where they were read.
    pub known: ConfigValues,
    /// What the configurator made of them.
    pub resolved: ConfigValues,
}

impl<'s> PerformedStep<'s> {
    fn new(finished: FinishedStep<'s>, trace: StepTrace) -> Self {
        Self { finished, trace, known: ConfigValues::new(), resolved: ConfigValues::new() }
    }
}

/// Whether there is anything to be done: many packages have neither hooks nor forms.
pub fn has_effect(effects: &mut dyn Effects, cluster: &Cluster, step: &Step) -> bool {
    match step {
        Step::Hook(hook) => {
            effects.has_hook(cluster, hook)
                || hook.image.is_some_and(|image| effects.needs_image_configuration(cluster, hook.key, image))
        }
        Step::Configure(configure) => effects.has_form(cluster, configure),
        Step::VerifyInherited(_) | Step::Install(_) | Step::Remove(_) => true,
    }
}

/// Does a step.
///
/// # Errors
/// When the database does not give the values of a package.
pub fn perform<'s>(
    store: &mut dyn Store,
    effects: &mut dyn Effects,
    cluster: &Cluster,
    step: &'s Step,
    run: RunId,
) -> Result<PerformedStep<'s>, Error> {
    Ok(match step {
        Step::VerifyInherited(verify) => {
            let report = effects.verify_inherited(cluster, verify, run);
            PerformedStep::new(FinishedStep::VerifyInherited(verify, report.outcome), report.trace)
        }
        Step::Install(install) => {
            let report = effects.install(cluster, install, run);
            PerformedStep::new(FinishedStep::Install(install, report.outcome), report.trace)
        }
        Step::Hook(hook) => return perform_hook(store, effects, cluster, hook, run),
        Step::Configure(configure) => {
            let known = load_values(store, cluster, configure.key.package)?;
            let report = effects.configure(cluster, configure, &known);
            let resolved = match &report.outcome {
                ConfigureOutcome::Configured(values) => values.clone(),
                _ => ConfigValues::new(),
            };
            let finished = FinishedStep::Configure(configure, report.outcome);
            PerformedStep { known, resolved, ..PerformedStep::new(finished, report.trace) }
        }
        Step::Remove(remove) => {
            let report = effects.remove(cluster, remove, run);
            PerformedStep::new(FinishedStep::Remove(remove, report.outcome), report.trace)
        }
    })
}

/// Runs a hook; one that is about an image finds the values of that image.
fn perform_hook<'s>(
    store: &mut dyn Store,
    effects: &mut dyn Effects,
    cluster: &Cluster,
    hook: &'s HookStep,
    run: RunId,
) -> Result<PerformedStep<'s>, Error> {
    let (mut known, mut resolved) = (ConfigValues::new(), ConfigValues::new());
    if let Some(image) = hook.image {
        known = load_values(store, cluster, hook.key.package)?;
        let configured = effects.configure_image(cluster, hook.key, image, &known);
        match configured.outcome {
            Ok(values) => resolved = values,
            Err(failure) => {
                return Ok(PerformedStep::new(FinishedStep::Hook(hook, Err(failure)), configured.trace));
            }
        }
    }
    let report = effects.run_hook(cluster, hook, run);
    let finished = FinishedStep::Hook(hook, report.outcome);
    Ok(PerformedStep { known, resolved, ..PerformedStep::new(finished, report.trace) })
}
