//! The cluster of a simulation: its rows, and package managers that only count.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use opkg_engine::effects::{Effects, Report};
use opkg_engine::machine::{
    Configure, ConfigureOutcome, HookStep, Install, InstallOutcome, Remove, RemoveOutcome, StepFailure,
    VerifyInherited,
};
use opkg_engine::rollouts::{self, Waves};
use opkg_oda::{
    Change, Cluster, ConfigValues, Package, PackageClass, PackageId, ParseError, Phase, Run, RunId, Share,
    Stage, StateKey, Target, TargetAddress, TargetId,
};

pub const HEAD: TargetId = TargetId(1);

/// How large a cluster is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub nodes: u32,
    pub packages: u32,
}

impl Size {
    /// The nodes, in order.
    pub fn nodes(self) -> impl Iterator<Item = TargetId> {
        (0..i64::from(self.nodes)).map(|number| TargetId(2 + number))
    }

    fn packages(self) -> impl Iterator<Item = PackageId> {
        (1..=i64::from(self.packages)).map(PackageId)
    }
}

/// The name of a node.
///
/// # Errors
/// Never: it is made of letters and digits.
pub fn node_address(node: TargetId) -> Result<TargetAddress, ParseError> {
    format!("client:node{:05}", node.0 - 1).parse()
}

/// A head node, nodes that maintain themselves, packages every third of which needs another one; all of them requested
/// everywhere.
///
/// # Errors
/// Never: names are made of letters and digits.
pub fn changes(size: Size) -> Result<Vec<Change>, ParseError> {
    let target = |id, address| Change::PutTarget(Target { id, address, root: None, image: None });
    let mut changes = vec![Change::SetPhase(Phase::TestInstall), target(HEAD, "server:head".parse()?)];
    for node in size.nodes() {
        changes.push(target(node, node_address(node)?));
    }
    for id in size.packages() {
        changes.push(Change::PutPackage(Package {
            id,
            name: format!("package{:03}", id.0).parse()?,
            class: PackageClass::ThirdParty,
            version: None,
            dependencies: if id.0 % 3 == 0 { vec![PackageId(id.0 - 1)] } else { Vec::new() },
            waiting_for: None,
        }));
    }
    for target in std::iter::once(HEAD).chain(size.nodes()) {
        for package in size.packages() {
            let key = StateKey { target, package };
            changes.push(Change::Request { key, stage: Stage::Finished, requested_at: 1 });
            if target != HEAD {
                changes.push(Change::Assign { package, client: target, handed_over_at: None });
            }
        }
    }
    Ok(changes)
}

/// What has the nodes let go in waves, of whom any may fail.
pub fn hold_back(changes: &[Change], at_once: Share) -> Vec<Change> {
    let mut cluster = Cluster::default();
    changes.iter().for_each(|change| cluster.apply(change));
    let waves = Waves { at_once, max_fail: Share::Percent(100), who: "simulation".into() };
    rollouts::hold_back(&cluster, changes, &waves, 1)
}

/// Package managers that install nothing, and remember what they were told; on some nodes they fail.
#[derive(Debug)]
pub struct World {
    /// Of which part of the nodes.
    fail: f64,
    /// How often each target was told to install something.
    transactions: Mutex<BTreeMap<TargetId, u32>>,
    installed: Mutex<BTreeMap<TargetId, BTreeSet<PackageId>>>,
    steps: AtomicU64,
}

impl World {
    pub fn new(fail: f64) -> Self {
        let (transactions, installed) = (Mutex::default(), Mutex::default());
        Self { fail, transactions, installed, steps: AtomicU64::new(0) }
    }

    /// Whether installations fail on a node: always the same ones, spread evenly.
    pub fn fails_on(&self, node: TargetId) -> bool {
        if node == HEAD {
            return false;
        }
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        let (before, after) =
            (((node.0 - 2) as f64 * self.fail) as i64, ((node.0 - 1) as f64 * self.fail) as i64);
        before != after
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// What each target has, and how often it was told to install something.
    pub fn what_happened(&self) -> (BTreeMap<TargetId, BTreeSet<PackageId>>, BTreeMap<TargetId, u32>) {
        let installed = self.installed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (installed, self.transactions.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Effects for World {
    fn root_id(&self, _: &Target) -> Result<Option<String>, String> {
        Err("there are no roots here".into())
    }

    fn renew_root_id(&self, _: &Target) -> Result<String, String> {
        Err("there are no roots here".into())
    }

    fn has_hook(&self, _: &Cluster, _: &HookStep) -> bool {
        false
    }

    fn has_form(&self, _: &Cluster, _: &Configure) -> bool {
        false
    }

    fn needs_image_configuration(&self, _: &Cluster, _: StateKey, _: TargetId) -> bool {
        false
    }

    fn verify_inherited(
        &self,
        _: &Cluster,
        _: &VerifyInherited,
        _: RunId,
    ) -> Report<Result<BTreeSet<PackageId>, StepFailure>> {
        Report::new(Ok(BTreeSet::new()))
    }

    fn install(&self, _: &Cluster, step: &Install, _: RunId) -> Report<InstallOutcome> {
        self.steps.fetch_add(1, Ordering::Relaxed);
        let mut transactions = self.transactions.lock().unwrap_or_else(PoisonError::into_inner);
        *transactions.entry(step.target).or_default() += 1;
        drop(transactions);
        if self.fails_on(step.target) {
            return Report::new(InstallOutcome::Failed(
                "the package manager of the simulation fails here".into(),
            ));
        }
        let mut installed = self.installed.lock().unwrap_or_else(PoisonError::into_inner);
        installed.entry(step.target).or_default().extend(&step.packages);
        Report::new(InstallOutcome::installed())
    }

    fn run_hook(&self, _: &Cluster, _: &HookStep, _: RunId) -> Report<Result<(), StepFailure>> {
        Report::new(Ok(()))
    }

    fn configure(&self, _: &Cluster, _: &Configure, _: &ConfigValues) -> Report<ConfigureOutcome> {
        Report::new(ConfigureOutcome::Configured(ConfigValues::new()))
    }

    fn configure_image(
        &self,
        _: &Cluster,
        _: StateKey,
        _: TargetId,
        _: &ConfigValues,
    ) -> Report<Result<ConfigValues, StepFailure>> {
        Report::new(Ok(ConfigValues::new()))
    }

    fn remove(&self, _: &Cluster, _: &Remove, _: RunId) -> Report<RemoveOutcome> {
        Report::new(RemoveOutcome::removed())
    }

    /// All engines are in this process.
    fn is_run_alive(&self, _: &Run) -> bool {
        true
    }

    fn clean_up(&self, _: RunId) -> Vec<String> {
        Vec::new()
    }

    fn stop_requested(&self) -> bool {
        false
    }
}
