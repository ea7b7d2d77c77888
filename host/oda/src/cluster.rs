//! The contents of the database as far as an engine needs them, in memory.

use std::collections::{BTreeMap, BTreeSet};

use crate::assignments::Assignments;
use crate::change::Change;
use crate::{
    Absence, AbsenceKind, Package, PackageId, PackageName, PackageState, PackageStates, Phase, Rollout,
    RolloutId, RolloutOrder, RolloutState, Stage, StateKey, Target, TargetAddress, TargetId, TargetKind,
    WaveState, WorkState,
};

/// What is requested, what is current, and everything that decides what comes next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    /// How far the installation has come.
    pub phase: Phase,
    /// The largest id that any target ever had; ids of removed targets are not used again.
    pub last_target_id: i64,
    /// Likewise of packages.
    pub last_package_id: i64,
    pub targets: BTreeMap<TargetId, Target>,
    pub packages: BTreeMap<PackageId, Package>,
    /// For each target its packages.
    pub states: BTreeMap<TargetId, PackageStates>,
    /// For each client that is to get packages, which.
    pub assignments: BTreeMap<TargetId, Assignments>,
    /// For which images `api-post-image` of which packages has run.
    pub images_seen: BTreeSet<(PackageId, TargetId)>,
    /// Stages that completed and were queued to run again.
    pub reruns: BTreeMap<StateKey, BTreeSet<Stage>>,
    /// The native packages of other OPKGs that packages require, by their names: what dependencies are found from.
    pub requirements: BTreeMap<PackageId, Vec<String>>,
    /// Packages that are not to be upgraded.
    pub held: BTreeSet<PackageId>,
    /// Versions that an administrator asked for.
    pub pinned_versions: BTreeMap<PackageId, String>,
    /// What was in the way of the last step for a package on a target, and passes by itself.
    pub postponed: BTreeMap<StateKey, String>,
    /// What tells the roots of targets from other ones, where it was written into them.
    pub root_ids: BTreeMap<TargetId, String>,
    /// Targets of which nothing is expected; those whose time has ended are not among them.
    pub absences: BTreeMap<TargetId, Absence>,
    /// Requests that go out in waves, those that have not ended.
    pub rollouts: BTreeMap<RolloutId, Rollout>,
    /// The largest id that any rollout ever had.
    pub last_rollout_id: i64,
}

impl Cluster {
    /// The state of a package on a target.
    #[must_use]
    pub fn state(&self, key: StateKey) -> Option<&PackageState> {
        self.states.get(&key.target)?.get(key.package)
    }

    /// All states, target by target.
    pub fn all_states(&self) -> impl Iterator<Item = (StateKey, &PackageState)> {
        self.states.iter().flat_map(|(target, states)| {
            states.iter().map(|(package, state)| (StateKey { target: *target, package }, state))
        })
    }

    pub fn targets_of_kind(&self, kind: TargetKind) -> impl Iterator<Item = &Target> {
        self.targets.values().filter(move |target| target.kind() == kind)
    }

    #[must_use]
    pub fn find_target(&self, address: &TargetAddress) -> Option<&Target> {
        self.targets.values().find(|target| target.address == *address)
    }

    #[must_use]
    pub fn find_package(&self, name: &PackageName) -> Option<&Package> {
        self.packages.values().find(|package| package.name == *name)
    }

    /// The version of a package that is wanted: the one that was asked for, else the newest that is known. As
    /// `config.xml` or the administrator writes it.
    #[must_use]
    pub fn wanted_version(&self, package: PackageId) -> Option<&str> {
        let pinned = self.pinned_versions.get(&package);
        pinned.or_else(|| self.packages.get(&package)?.version.as_ref()).map(String::as_str)
    }

    /// Whether nothing is to be begun on a target, since somebody works on it.
    #[must_use]
    pub fn is_in_maintenance(&self, target: TargetId) -> bool {
        self.absences.get(&target).is_some_and(|absence| absence.kind == AbsenceKind::Maintenance)
    }

    /// The first of the rollouts that have not let a target begin with a package.
    #[must_use]
    pub fn holding_rollout(&self, key: StateKey) -> Option<RolloutId> {
        let mut rollouts = self.rollouts.iter();
        rollouts.find(|(_, rollout)| rollout.holds(key.package, key.target)).map(|(id, _)| *id)
    }

    /// The rollouts that have not let a target go.
    #[must_use]
    pub fn rollouts_holding(&self, target: TargetId) -> Vec<RolloutId> {
        let holds =
            |(_, rollout): &(&RolloutId, &Rollout)| rollout.targets.get(&target) == Some(&WaveState::Held);
        self.rollouts.iter().filter(holds).map(|(id, _)| *id).collect()
    }

    /// Whether a client has been told to take a package.
    #[must_use]
    pub fn is_handed_over(&self, key: StateKey) -> bool {
        self.assignment(key).is_some_and(|handed_over_at| handed_over_at.is_some())
    }

    /// Whether a client is to get a package; within, when (in seconds since 1970) the work was handed over.
    #[must_use]
    #[allow(clippy::option_option)] // an assignment, and a time that it may have
    pub fn assignment(&self, key: StateKey) -> Option<Option<i64>> {
        self.assignments.get(&key.target)?.get(key.package)
    }

    /// The clients that are to get a package, and when the work was handed over.
    pub fn assigned_clients(&self, package: PackageId) -> impl Iterator<Item = (TargetId, Option<i64>)> {
        let of_client =
            move |(client, assigned): (&TargetId, &Assignments)| Some((*client, assigned.get(package)?));
        self.assignments.iter().filter_map(of_client)
    }

    /// Which version of a package is installed on a target, as its package manager says it.
    #[must_use]
    pub fn installed_version(&self, key: StateKey) -> Option<&str> {
        self.states.get(&key.target)?.version(key.package)
    }

    /// Does in memory what the database does with a change. What is said of a target or package that is not
    /// there (it may have been removed meanwhile) changes nothing.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Request { key, stage, requested_at } if self.has_target_and_package(*key) => {
                let states = self.states.entry(key.target).or_default();
                let new = || PackageState::new(*stage, *requested_at);
                states.get_or_insert_with(key.package, new).requested = *stage;
            }
            Change::UpdateState(key, new) => {
                let states = self.states.get_mut(&key.target);
                if let Some(state) = states.and_then(|states| states.get_mut(key.package)) {
                    *state = PackageState { requested: state.requested, ..new.clone() };
                }
                if new.work_state != WorkState::Idle {
                    self.postponed.remove(key);
                }
            }
            Change::PutTarget(target) => {
                self.last_target_id = self.last_target_id.max(target.id.0);
                let image = target.image.filter(|image| self.is_of_kind(*image, TargetKind::Image));
                self.targets.insert(target.id, Target { image, ..target.clone() });
            }
            Change::RemoveTarget(target) => self.remove_target(*target),
            Change::PutPackage(package) => {
                self.last_package_id = self.last_package_id.max(package.id.0);
                self.packages.insert(package.id, package.clone());
            }
            Change::Assign { package, client, handed_over_at }
                if self.packages.contains_key(package) && self.is_of_kind(*client, TargetKind::Client) =>
            {
                self.assignments.entry(*client).or_default().insert(*package, *handed_over_at);
            }
            Change::Unassign { package, client } => {
                if let Some(assigned) = self.assignments.get_mut(client) {
                    assigned.remove(*package);
                    if assigned.is_empty() {
                        self.assignments.remove(client);
                    }
                }
            }
            Change::SetImageSeen { package, image, seen: true }
                if self.packages.contains_key(package) && self.is_of_kind(*image, TargetKind::Image) =>
            {
                self.images_seen.insert((*package, *image));
            }
            Change::SetImageSeen { package, image, seen: false } => {
                self.images_seen.remove(&(*package, *image));
            }
            Change::SetRerun { key, stage, queued: true } if self.has_target_and_package(*key) => {
                self.reruns.entry(*key).or_default().insert(*stage);
            }
            Change::SetRerun { key, stage, queued: false } => {
                if let Some(stages) = self.reruns.get_mut(key) {
                    stages.remove(stage);
                    if stages.is_empty() {
                        self.reruns.remove(key);
                    }
                }
            }
            Change::SetPhase(phase) => self.phase = *phase,
            Change::RemovePackage(package) => self.remove_package(*package),
            Change::SetRequirements { package, names } => {
                let known = self.packages.contains_key(package);
                set_or_remove(
                    &mut self.requirements,
                    *package,
                    Some(names).filter(|names| known && !names.is_empty()),
                );
            }
            Change::SetHeld { package, held } => {
                if *held && self.packages.contains_key(package) {
                    self.held.insert(*package);
                } else {
                    self.held.remove(package);
                }
            }
            Change::PinVersion { package, version } => {
                let known = self.packages.contains_key(package);
                set_or_remove(&mut self.pinned_versions, *package, version.as_ref().filter(|_| known));
            }
            Change::SetInstalledVersion { key, version } => {
                if let Some(states) = self.states.get_mut(&key.target) {
                    states.set_version(key.package, version.as_deref());
                }
            }
            Change::SetPostponed { key, reason } => {
                let known = self.state(*key).is_some();
                set_or_remove(&mut self.postponed, *key, reason.as_ref().filter(|_| known));
            }
            Change::SetRootId { target, id } => {
                let known = self.targets.contains_key(target);
                set_or_remove(&mut self.root_ids, *target, id.as_ref().filter(|_| known));
            }
            Change::SetAbsence { target, absence } => {
                let known = self.targets.contains_key(target);
                set_or_remove(&mut self.absences, *target, absence.as_ref().filter(|_| known));
            }
            Change::PutRollout { id, order } => self.put_rollout(*id, order),
            Change::SetRolloutState { rollout, state: RolloutState::Ended(_) } => {
                self.rollouts.remove(rollout);
            }
            Change::SetRolloutState { rollout, state } => {
                if let Some(rollout) = self.rollouts.get_mut(rollout) {
                    rollout.state = state.clone();
                }
            }
            Change::SetWave { rollout, target, state } if self.targets.contains_key(target) => {
                let goes_on = |rollout: &&mut Rollout| {
                    *state != WaveState::LetGo || rollout.state == RolloutState::UnderWay
                };
                if let Some(rollout) = self.rollouts.get_mut(rollout).filter(goes_on) {
                    rollout.targets.insert(*target, *state);
                }
            }
            Change::Request { .. }
            | Change::SetWave { .. }
            | Change::Assign { .. }
            | Change::SetImageSeen { .. }
            | Change::SetRerun { .. }
            | Change::SetValues { .. }
            | Change::EndRun { .. }
            | Change::StartEvent(_)
            | Change::EndEvent { .. }
            | Change::RecordCommand(_) => {}
        }
    }

    /// What decides about some targets: of the others only those that they refer to, and the head node; of packages all, and
    /// the phase. About the head node everything decides.
    #[must_use]
    pub fn into_part(mut self, targets: &BTreeSet<TargetId>) -> Self {
        let chosen = || targets.iter().filter_map(|id| self.targets.get(id));
        if chosen().any(|target| target.kind() == TargetKind::Server) {
            return self;
        }
        let images: BTreeSet<TargetId> = chosen().filter_map(|target| target.image).collect();
        self.targets.retain(|id, target| {
            target.kind() == TargetKind::Server || targets.contains(id) || images.contains(id)
        });
        self.root_ids.retain(|id, _| self.targets.contains_key(id));
        self.absences.retain(|id, _| targets.contains(id));
        self.states.retain(|id, _| targets.contains(id));
        self.assignments.retain(|id, _| targets.contains(id));
        self.images_seen.retain(|(_, image)| targets.contains(image));
        self.reruns.retain(|key, _| targets.contains(&key.target));
        self.postponed.retain(|key, _| targets.contains(&key.target));
        self.rollouts.retain(|_, rollout| {
            rollout.targets.retain(|target, _| targets.contains(target));
            !rollout.targets.is_empty()
        });
        self
    }

    fn put_rollout(&mut self, id: RolloutId, order: &RolloutOrder) {
        self.last_rollout_id = self.last_rollout_id.max(id.0);
        let mut order = order.clone();
        order.packages.retain(|package| self.packages.contains_key(package));
        let known = self.rollouts.remove(&id);
        let (state, targets) =
            known.map_or_else(|| (RolloutState::UnderWay, BTreeMap::new()), |it| (it.state, it.targets));
        self.rollouts.insert(id, Rollout { order, state, targets });
    }

    fn has_target_and_package(&self, key: StateKey) -> bool {
        self.targets.contains_key(&key.target) && self.packages.contains_key(&key.package)
    }

    fn is_of_kind(&self, target: TargetId, kind: TargetKind) -> bool {
        self.targets.get(&target).is_some_and(|target| target.kind() == kind)
    }

    fn remove_target(&mut self, removed: TargetId) {
        self.targets.remove(&removed);
        self.states.remove(&removed);
        self.assignments.remove(&removed);
        self.images_seen.retain(|(_, image)| *image != removed);
        self.reruns.retain(|key, _| key.target != removed);
        self.postponed.retain(|key, _| key.target != removed);
        self.root_ids.remove(&removed);
        self.absences.remove(&removed);
        for rollout in self.rollouts.values_mut() {
            rollout.targets.remove(&removed);
        }
        for target in self.targets.values_mut().filter(|target| target.image == Some(removed)) {
            target.image = None;
        }
    }

    fn remove_package(&mut self, removed: PackageId) {
        self.packages.remove(&removed);
        for package in self.packages.values_mut() {
            package.dependencies.retain(|needed| *needed != removed);
        }
        for states in self.states.values_mut() {
            states.remove(removed);
        }
        self.states.retain(|_, states| !states.is_empty());
        self.assignments.retain(|_, assigned| {
            assigned.remove(removed);
            !assigned.is_empty()
        });
        self.images_seen.retain(|(package, _)| *package != removed);
        self.reruns.retain(|key, _| key.package != removed);
        self.requirements.remove(&removed);
        self.held.remove(&removed);
        self.pinned_versions.remove(&removed);
        self.postponed.retain(|key, _| key.package != removed);
        for rollout in self.rollouts.values_mut() {
            rollout.order.packages.remove(&removed);
        }
    }
}

/// What a map holds for a key from now on; nothing, where `value` is absent.
fn set_or_remove<K: Ord, V: Clone>(map: &mut BTreeMap<K, V>, key: K, value: Option<&V>) {
    match value {
        Some(value) => {
            map.insert(key, value.clone());
        }
        None => {
            map.remove(&key);
        }
    }
}
