//! The contents of the database as far as an engine needs them, in memory.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::Change;
use crate::{Address, Key, Kind, Package, PackageId, PackageName, Phase, Row, Rows, Stage, Target, TargetId};

/// What is requested, what is current, and everything that decides what comes next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    /// How far the installation has come.
    pub phase: Phase,
    /// The largest key that any target ever had; those of targets that are gone are not used again.
    pub last_target: i64,
    /// Likewise of packages.
    pub last_package: i64,
    /// All targets.
    pub targets: BTreeMap<TargetId, Target>,
    /// All packages.
    pub packages: BTreeMap<PackageId, Package>,
    /// For each target its packages.
    pub rows: BTreeMap<TargetId, Rows>,
    /// Which clients are to get which packages, and when (in seconds since 1970) the work was handed over.
    pub assignments: BTreeMap<PackageId, BTreeMap<TargetId, Option<i64>>>,
    /// For which images `api-post-image` of which packages has run.
    pub images_seen: BTreeSet<(PackageId, TargetId)>,
    /// Stages that completed and were queued to run again.
    pub reruns: BTreeMap<Key, BTreeSet<Stage>>,
}

impl Cluster {
    /// The state of a package on a target.
    #[must_use]
    pub fn row(&self, key: Key) -> Option<&Row> {
        self.rows.get(&key.target)?.get(key.package)
    }

    /// All of them, target by target.
    pub fn all_rows(&self) -> impl Iterator<Item = (Key, &Row)> {
        self.rows.iter().flat_map(|(target, rows)| {
            rows.iter().map(|(package, row)| (Key { target: *target, package }, row))
        })
    }

    /// The targets of a kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Target> {
        self.targets.values().filter(move |it| it.kind() == kind)
    }

    /// The target of that address.
    #[must_use]
    pub fn target(&self, address: &Address) -> Option<&Target> {
        self.targets.values().find(|it| it.address == *address)
    }

    /// The package of that name.
    #[must_use]
    pub fn package(&self, name: &PackageName) -> Option<&Package> {
        self.packages.values().find(|it| it.name == *name)
    }

    /// Whether a client has been told to take a package.
    #[must_use]
    pub fn handed_over(&self, key: Key) -> bool {
        self.assignments
            .get(&key.package)
            .and_then(|clients| clients.get(&key.target))
            .is_some_and(Option::is_some)
    }

    /// Does in memory what the database does with a change. What is said of a target or package that is not
    /// there (it may have been removed meanwhile) changes nothing.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Request { key, stage, at } if self.knows(*key) => {
                let rows = self.rows.entry(key.target).or_default();
                rows.entry(key.package, || Row::new(*stage, *at)).requested = *stage;
            }
            Change::Progress(key, row) => {
                if let Some(known) = self.rows.get_mut(&key.target).and_then(|it| it.get_mut(key.package)) {
                    *known = Row { requested: known.requested, ..row.clone() };
                }
            }
            Change::Target(target) => {
                self.last_target = self.last_target.max(target.id.0);
                let image = target.image.filter(|it| self.is(*it, Kind::Image));
                self.targets.insert(target.id, Target { image, ..target.clone() });
            }
            Change::TargetGone(gone) => self.forget(*gone),
            Change::Package(package) => {
                self.last_package = self.last_package.max(package.id.0);
                self.packages.insert(package.id, package.clone());
            }
            Change::Assign { package, client, handed_over }
                if self.packages.contains_key(package) && self.is(*client, Kind::Client) =>
            {
                self.assignments.entry(*package).or_default().insert(*client, *handed_over);
            }
            Change::Unassign { package, client } => {
                if let Some(clients) = self.assignments.get_mut(package) {
                    clients.remove(client);
                    if clients.is_empty() {
                        self.assignments.remove(package);
                    }
                }
            }
            Change::ImageSeen { package, image, seen: true }
                if self.packages.contains_key(package) && self.is(*image, Kind::Image) =>
            {
                self.images_seen.insert((*package, *image));
            }
            Change::ImageSeen { package, image, seen: false } => {
                self.images_seen.remove(&(*package, *image));
            }
            Change::Rerun { key, stage, queued: true } if self.knows(*key) => {
                self.reruns.entry(*key).or_default().insert(*stage);
            }
            Change::Rerun { key, stage, queued: false } => {
                if let Some(stages) = self.reruns.get_mut(key) {
                    stages.remove(stage);
                    if stages.is_empty() {
                        self.reruns.remove(key);
                    }
                }
            }
            Change::Phase(phase) => self.phase = *phase,
            Change::Request { .. }
            | Change::Assign { .. }
            | Change::ImageSeen { .. }
            | Change::Rerun { .. }
            | Change::Configure { .. }
            | Change::RunEnded { .. }
            | Change::Event(_)
            | Change::EventEnded { .. } => {}
        }
    }

    fn knows(&self, key: Key) -> bool {
        self.targets.contains_key(&key.target) && self.packages.contains_key(&key.package)
    }

    fn is(&self, target: TargetId, kind: Kind) -> bool {
        self.targets.get(&target).is_some_and(|it| it.kind() == kind)
    }

    fn forget(&mut self, gone: TargetId) {
        self.targets.remove(&gone);
        self.rows.remove(&gone);
        self.assignments.retain(|_, clients| {
            clients.remove(&gone);
            !clients.is_empty()
        });
        self.images_seen.retain(|(_, image)| *image != gone);
        self.reruns.retain(|key, _| key.target != gone);
        for target in self.targets.values_mut().filter(|it| it.image == Some(gone)) {
            target.image = None;
        }
    }
}
