//! The contents of the database as far as an engine needs them, in memory.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::Change;
use crate::{
    Package, PackageId, PackageName, PackageState, PackageStates, Phase, Stage, StateKey, Target,
    TargetAddress, TargetId, TargetKind,
};

/// What is requested, what is current, and everything that decides what comes next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    /// How far the installation has come.
    pub phase: Phase,
    /// The largest id that any target ever had; ids of removed targets are not used again.
    pub last_target_id: i64,
    /// Likewise of packages.
    /// The largest id that any package ever had.
    pub last_package_id: i64,
    pub targets: BTreeMap<TargetId, Target>,
    pub packages: BTreeMap<PackageId, Package>,
    /// For each target its packages.
    pub states: BTreeMap<TargetId, PackageStates>,
    /// Which clients are to get which packages, and when (in seconds since 1970) the work was handed over.
    pub assignments: BTreeMap<PackageId, BTreeMap<TargetId, Option<i64>>>,
    /// For which images `api-post-image` of which packages has run.
    pub images_seen: BTreeSet<(PackageId, TargetId)>,
    /// Stages that completed and were queued to run again.
    pub reruns: BTreeMap<StateKey, BTreeSet<Stage>>,
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

    /// Whether a client has been told to take a package.
    #[must_use]
    pub fn is_handed_over(&self, key: StateKey) -> bool {
        self.assignments
            .get(&key.package)
            .and_then(|clients| clients.get(&key.target))
            .is_some_and(Option::is_some)
    }

    /// Does in memory what the database does with a change. What is said of a target or package that is not
    /// there (it may have been removed meanwhile) changes nothing.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Request { key, stage, requested_at } if self.has_target_and_package(*key) => {
                let states = self.states.entry(key.target).or_default();
                states.entry(key.package, || PackageState::new(*stage, *requested_at)).requested = *stage;
            }
            Change::UpdateState(key, new) => {
                let states = self.states.get_mut(&key.target);
                if let Some(state) = states.and_then(|states| states.get_mut(key.package)) {
                    *state = PackageState { requested: state.requested, ..new.clone() };
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
                self.assignments.entry(*package).or_default().insert(*client, *handed_over_at);
            }
            Change::Unassign { package, client } => {
                if let Some(clients) = self.assignments.get_mut(package) {
                    clients.remove(client);
                    if clients.is_empty() {
                        self.assignments.remove(package);
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
            Change::Request { .. }
            | Change::Assign { .. }
            | Change::SetImageSeen { .. }
            | Change::SetRerun { .. }
            | Change::SetValues { .. }
            | Change::EndRun { .. }
            | Change::StartEvent(_)
            | Change::EndEvent { .. } => {}
        }
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
        self.assignments.retain(|_, clients| {
            clients.remove(&removed);
            !clients.is_empty()
        });
        self.images_seen.retain(|(_, image)| *image != removed);
        self.reruns.retain(|key, _| key.target != removed);
        for target in self.targets.values_mut().filter(|target| target.image == Some(removed)) {
            target.image = None;
        }
    }
}
