//! What an engine does next.

use opkg_oda::{PackageId, RolloutId, Stage, StateKey, TargetId};

use super::hook::Hook;

/// What an engine does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkItem {
    /// Changes the database alone.
    SetStage(SetStage),
    /// Likewise.
    AdvanceRollout(AdvanceRollout),
    /// Does something to the system, and leaves an event in the journal.
    Step(Step),
}

/// A request that goes out in waves comes further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvanceRollout {
    /// Which one.
    pub rollout: RolloutId,
    /// What comes next.
    pub advance: RolloutAdvance,
}

/// How a rollout comes further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolloutAdvance {
    /// These targets may begin.
    LetGo(Vec<TargetId>),
    /// No further one may; why, in one line.
    Stop(String),
    /// All were let go and have come to their end; how, in one line.
    End(String),
}

/// Packages come to a stage in which nothing is to be done where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetStage {
    /// The stage that completes; where packages leave: the one they come down to.
    pub stage: Stage,
    /// Packages on targets, in the order in which they come to the stage.
    pub rows: Vec<StateKey>,
}

/// Something that is done to the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The package manager of a client is asked for what the client may have inherited.
    VerifyInherited(VerifyInherited),
    /// Native packages are installed.
    Install(Install),
    /// A hook runs, if the package has it.
    Hook(HookStep),
    /// The configurator runs, if the package has a form.
    Configure(Configure),
    /// Native packages are removed.
    Remove(Remove),
}

/// The packages that a client may have inherited from its image are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyInherited {
    /// The client.
    pub target: TargetId,
    /// The packages to look for.
    pub packages: Vec<PackageId>,
}

/// The native packages of a stage are installed, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// The target whose root they are installed into.
    pub target: TargetId,
    /// `ShouldBeInstalled` or `InstallBinPkgs`.
    pub stage: Stage,
    /// In dependency order.
    pub packages: Vec<PackageId>,
}

/// A hook of a package runs on the head node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookStep {
    /// The package, on the head node.
    pub key: StateKey,
    /// The stage it belongs to.
    pub stage: Stage,
    /// Which of the package's hooks.
    pub hook: Hook,
    /// The image that it is about, for a hook that runs once for each.
    pub image: Option<TargetId>,
}

/// The configurator of a package runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Configure {
    /// The package, on the head node.
    pub key: StateKey,
}

/// The native packages of packages are removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remove {
    /// The target that they leave.
    pub target: TargetId,
    /// What depends on others before these.
    pub packages: Vec<PackageId>,
    /// The stage that they come down to: `ShouldBeInstalled` without server or client part,
    /// `ShouldNotBeInstalled` without any.
    pub down_to: Stage,
}

impl WorkItem {
    /// The rows that it is about.
    #[must_use]
    pub fn rows(&self) -> Vec<StateKey> {
        match self {
            Self::SetStage(set_stage) => set_stage.rows.clone(),
            Self::AdvanceRollout(_) => Vec::new(),
            Self::Step(step) => step.rows(),
        }
    }
}

impl Step {
    /// The target on which it is done. A hook about an image is done on the head node.
    #[must_use]
    pub fn target(&self) -> TargetId {
        match self {
            Self::VerifyInherited(verify) => verify.target,
            Self::Install(install) => install.target,
            Self::Hook(hook) => hook.key.target,
            Self::Configure(configure) => configure.key.target,
            Self::Remove(remove) => remove.target,
        }
    }

    /// The rows that it is about.
    #[must_use]
    pub fn rows(&self) -> Vec<StateKey> {
        match self {
            Self::VerifyInherited(verify) => verify.rows(),
            Self::Install(install) => install.rows(),
            Self::Hook(hook) => vec![hook.key],
            Self::Configure(configure) => vec![configure.key],
            Self::Remove(remove) => remove.rows(),
        }
    }
}

impl VerifyInherited {
    /// The rows that it is about.
    #[must_use]
    pub fn rows(&self) -> Vec<StateKey> {
        rows_on(self.target, &self.packages)
    }
}

impl Install {
    /// The rows that it is about.
    #[must_use]
    pub fn rows(&self) -> Vec<StateKey> {
        rows_on(self.target, &self.packages)
    }
}

impl Remove {
    /// The rows that it is about.
    #[must_use]
    pub fn rows(&self) -> Vec<StateKey> {
        rows_on(self.target, &self.packages)
    }
}

fn rows_on(target: TargetId, packages: &[PackageId]) -> Vec<StateKey> {
    packages.iter().map(|package| StateKey { target, package: *package }).collect()
}
