//! What the engine does to the world, behind a trait: the real system, and the fakes of tests.

use std::collections::{BTreeMap, BTreeSet};

use opkg_oda::{Cluster, ConfigValues, PackageId, Run, RunId, StateKey, Target, TargetId};

use crate::machine::{
    Configure, ConfigureOutcome, HookStep, Install, InstallOutcome, Remove, RemoveOutcome, Step, StepFailure,
    VerifyInherited,
};

/// What a step left behind besides its outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepTrace {
    /// The exit status of the program that decided, where there was one.
    pub exit_code: Option<i32>,
    /// The signal that killed that program.
    pub signal: Option<i32>,
    /// Whether its time limit was over.
    pub timed_out: bool,
    /// The file that holds what was printed.
    pub log: Option<String>,
    /// The last lines that were printed, at most 20.
    pub tail: String,
    /// The versions of packages that the package manager told of, as it writes them.
    pub versions: BTreeMap<PackageId, String>,
    /// Packages that are there in part, and how: `opkg-munge-server is half-configured`.
    pub incomplete: BTreeMap<PackageId, String>,
}

/// How a step went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report<T> {
    /// What came of it.
    pub outcome: T,
    /// What it left behind.
    pub trace: StepTrace,
}

impl<T> Report<T> {
    /// A report of nothing but its outcome.
    #[must_use]
    pub fn new(outcome: T) -> Self {
        Self { outcome, trace: StepTrace::default() }
    }
}

/// Does the steps that the machine chose. All that can go wrong with one is in its report.
///
/// Several threads do steps at a time, each on a target of its own; everything else the engine asks from one thread.
pub trait Effects: Sync {
    /// Whether a package has a hook: one that it does not have is done at once, and leaves no event in the journal.
    fn has_hook(&self, cluster: &Cluster, step: &HookStep) -> bool;

    /// Whether a package has a form: without one it is configured at once, and leaves no event in the journal.
    fn has_form(&self, cluster: &Cluster, step: &Configure) -> bool;

    /// Whether a package has a form for an image that is not configured yet: the image came after the package had been
    /// configured.
    fn needs_image_configuration(&self, cluster: &Cluster, key: StateKey, image: TargetId) -> bool;

    /// The file that is going to hold what a step prints, so that it can be read while it runs; nothing where it will have
    /// none.
    fn plan_log(&self, cluster: &Cluster, step: &Step, run: RunId) -> Option<String> {
        let _ = (cluster, step, run);
        None
    }

    /// What was written into the root of a target to tell it from any other one; nothing where nothing was, or where it
    /// came from another root with a copy.
    ///
    /// # Errors
    /// The root cannot be looked into; why, in one line.
    fn root_id(&self, target: &Target) -> Result<Option<String>, String>;

    /// Writes a new id into the root of a target.
    ///
    /// # Errors
    /// It cannot be written; why, in one line.
    fn renew_root_id(&self, target: &Target) -> Result<String, String>;

    /// Asks which of the packages are installed.
    fn verify_inherited(
        &self,
        cluster: &Cluster,
        step: &VerifyInherited,
        run: RunId,
    ) -> Report<Result<BTreeSet<PackageId>, StepFailure>>;

    /// Installs native packages.
    fn install(&self, cluster: &Cluster, step: &Install, run: RunId) -> Report<InstallOutcome>;

    /// Runs a hook.
    fn run_hook(&self, cluster: &Cluster, step: &HookStep, run: RunId) -> Report<Result<(), StepFailure>>;

    /// Runs the configurator for a package, with the values that the database has of it.
    fn configure(
        &self,
        cluster: &Cluster,
        step: &Configure,
        known: &ConfigValues,
    ) -> Report<ConfigureOutcome>;

    /// Runs the configurator for an image alone, unless it has run for that already.
    fn configure_image(
        &self,
        cluster: &Cluster,
        key: StateKey,
        image: TargetId,
        known: &ConfigValues,
    ) -> Report<Result<ConfigValues, StepFailure>>;

    /// Removes native packages, those of one package before those of others that it needs.
    fn remove(&self, cluster: &Cluster, step: &Remove, run: RunId) -> Report<RemoveOutcome>;

    /// Whether the process of a run is still at work. All runs of a database are of one machine, whatever its name was.
    fn is_run_alive(&self, run: &Run) -> bool;

    /// Ends what a crashed run has left running, or waits for its end; returns what it did, a line each.
    fn clean_up(&self, crashed: RunId) -> Vec<String>;

    /// Whether the run is asked to begin no further step.
    fn stop_requested(&self) -> bool;
}
