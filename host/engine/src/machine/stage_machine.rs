//! The state of the machine, and what it changes before a step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use opkg_oda::{Change, Cluster, PackageId, PackageState, Stage, StateKey, TargetId, TargetKind, WorkState};

use super::decision::{Decision, decide};
use super::dependency_order::DependencyOrder;
use super::slots::{Cursor, Slot};
use super::work::Step;

/// Which rows a run is about. All others are only looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The targets that this engine maintains.
    pub targets: BTreeSet<TargetId>,
    /// These packages only; all if absent.
    pub packages: Option<BTreeSet<PackageId>>,
}

/// Leads packages from stage to stage. The caller asks for [`StageMachine::next_work`]. What [`StageMachine::set_stage`]
/// returns for a stage without work is committed; for a step, first what [`StageMachine::begin`] returns, then, when the
/// step is done, what [`StageMachine::finish`] returns.
///
/// Between these two the step is in flight, and the caller may ask for more: whatever order steps then end in, what comes of
/// them is what came of them one after the other.
#[derive(Debug)]
pub struct StageMachine {
    /// Shared with the steps in flight, each of which sees it as it was when it began.
    pub(super) cluster: Arc<Cluster>,
    pub(super) order: DependencyOrder,
    pub(super) scope: Scope,
    /// The targets of the scope: server, images, clients; by name within a kind.
    pub(super) targets: Vec<TargetId>,
    pub(super) cursor: Cursor,
    /// The targets on which a step was begun that has not come to its end.
    pub(super) in_flight: BTreeSet<TargetId>,
    /// Whether anything happened since the pass began.
    pub(super) progressed: bool,
    /// Whether work of earlier slots has come up.
    pub(super) restart_pass: bool,
    /// Rows that are not tried again in this run.
    pub(super) skip: BTreeSet<StateKey>,
    /// Where a transaction left packages untouched: on this target they go one by one in this slot.
    pub(super) retry_singly: BTreeSet<(TargetId, Slot)>,
    /// What steps in flight have queued to run again, should they not complete.
    pub(super) noted_reruns: BTreeSet<(StateKey, Stage)>,
    /// Stages of several parts: how many of them are done.
    pub(super) completed_parts: BTreeMap<StateKey, usize>,
}

impl StageMachine {
    /// A machine for a cluster as it was loaded.
    #[must_use]
    pub fn new(cluster: Cluster, scope: Scope) -> Self {
        let order = DependencyOrder::new(&cluster.packages);
        let mut targets: Vec<_> =
            cluster.targets.values().filter(|it| scope.targets.contains(&it.id)).collect();
        targets.sort_by(|a, b| a.address.cmp(&b.address));
        let targets = targets.into_iter().map(|it| it.id).collect();
        Self {
            order,
            scope,
            targets,
            cluster: Arc::new(cluster),
            cursor: Cursor::default(),
            in_flight: BTreeSet::new(),
            progressed: false,
            restart_pass: false,
            skip: BTreeSet::new(),
            retry_singly: BTreeSet::new(),
            noted_reruns: BTreeSet::new(),
            completed_parts: BTreeMap::new(),
        }
    }

    /// The cluster as it is now.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The cluster as it is now, for a step that begins.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Cluster> {
        Arc::clone(&self.cluster)
    }

    /// The cluster as it is at the end.
    #[must_use]
    pub fn into_cluster(self) -> Cluster {
        Arc::unwrap_or_clone(self.cluster)
    }

    /// Takes over what others have changed in the database, and starts from the first stage again; only while no step is in
    /// flight. What was
    /// stopped in this run is not tried again, what failed only if somebody has cleared it.
    pub fn reload(&mut self, cluster: Cluster) {
        let renewed = Self::new(cluster, std::mem::take(&mut self.scope));
        let mut parts = std::mem::take(&mut self.completed_parts);
        // A stage goes on with its next part, however often others change something else meanwhile.
        parts.retain(|key, _| {
            let running = renewed.cluster.state(*key).is_some_and(|it| it.work_state == WorkState::Running);
            running && renewed.cluster.reruns.get(key) == self.cluster.reruns.get(key)
        });
        *self = Self {
            skip: std::mem::take(&mut self.skip),
            retry_singly: std::mem::take(&mut self.retry_singly),
            completed_parts: parts,
            ..renewed
        };
    }

    /// What is to be done with a row at this moment.
    #[must_use]
    pub fn decision(&self, key: StateKey) -> Decision {
        decide(&self.cluster, &self.order, key, &|_| false)
    }

    /// What must be committed before a step is begun. From now on it is in flight.
    pub fn begin(&mut self, step: &Step, now: i64) -> Vec<Change> {
        self.in_flight.insert(step.target());
        if matches!(step, Step::VerifyInherited(_)) {
            return Vec::new();
        }
        let started = |key: StateKey, row: &PackageState| {
            let goes_on = row.work_state == WorkState::Running && self.completed_parts.contains_key(&key);
            let attempts = if goes_on { row.attempts } else { row.attempts.saturating_add(1) };
            let work_state = WorkState::Running;
            Change::UpdateState(key, PackageState { work_state, attempts, changed_at: now, ..row.clone() })
        };
        let mut changes: Vec<Change> = step
            .rows()
            .into_iter()
            .filter_map(|key| self.cluster.state(key).map(|row| started(key, row)))
            .collect();
        if let Step::Remove(remove) = step {
            // A removal that does not complete leaves nobody knows what: should a package be wanted again
            // after that, what was installed is installed anew.
            for key in remove.rows() {
                let stage = self.cluster.state(key).map(|row| row.current);
                let Some(stage @ (Stage::ShouldBeInstalled | Stage::InstallBinPkgs)) = stage else {
                    continue;
                };
                if !self.cluster.reruns.get(&key).is_some_and(|queued| queued.contains(&stage)) {
                    changes.push(Change::SetRerun { key, stage, queued: true });
                    self.noted_reruns.insert((key, stage));
                }
            }
        }
        self.apply(&changes);
        changes
    }

    /// Takes over changes of packages, which may change their order as well.
    pub(super) fn apply_package_changes(&mut self, changes: &[Change]) {
        if !changes.is_empty() {
            self.apply(changes);
            self.order = DependencyOrder::new(&self.cluster.packages);
        }
    }

    pub(super) fn apply(&mut self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        let cluster = Arc::make_mut(&mut self.cluster);
        for change in changes {
            cluster.apply(change);
        }
    }

    pub(super) fn target_kind(&self, target: TargetId) -> TargetKind {
        self.cluster.targets.get(&target).map_or(TargetKind::Client, opkg_oda::Target::kind)
    }
}
