//! The stage machine: what comes next, and what its end means. It reads and writes nothing but memory.

mod order;
mod select;
mod settle;
mod verdict;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use opkg_oda::{Change, Cluster, Key, Kind, PackageId, Row, Stage, State, TargetId};

pub use order::Order;
pub use verdict::{Due, Verdict, Wait, unseen_images, verdict};
pub use work::{Hook, Outcome, Work};

/// Which rows a run is about. All others are only looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The targets that this engine maintains.
    pub targets: BTreeSet<TargetId>,
    /// These packages only; all if absent.
    pub packages: Option<BTreeSet<PackageId>>,
}

/// Leads packages from stage to stage. The caller asks for [`Machine::next`], commits what [`Machine::begin`]
/// returns, does the work, and commits what [`Machine::finish`] returns.
#[derive(Debug)]
pub struct Machine {
    cluster: Cluster,
    order: Order,
    scope: Scope,
    /// The targets of the scope: server, images, clients; by name within a kind.
    targets: Vec<TargetId>,
    position: select::Position,
    /// Whether anything happened since the first slot was left.
    moved: bool,
    /// Whether work of earlier slots has come up.
    restart: bool,
    /// Rows that are not tried again in this run.
    barred: BTreeSet<Key>,
    /// Transactions that failed as a whole, whose packages go one by one.
    apart: BTreeSet<(TargetId, Stage)>,
    /// Stages of several parts: how many of them are done.
    parts: BTreeMap<Key, usize>,
}

impl Machine {
    /// A machine for a cluster as it was loaded.
    #[must_use]
    pub fn new(cluster: Cluster, scope: Scope) -> Self {
        let order = Order::new(&cluster.packages);
        let mut targets: Vec<_> =
            cluster.targets.values().filter(|it| scope.targets.contains(&it.id)).collect();
        targets.sort_by(|a, b| a.address.cmp(&b.address));
        let targets = targets.into_iter().map(|it| it.id).collect();
        Self {
            order,
            scope,
            targets,
            cluster,
            position: select::Position::default(),
            moved: false,
            restart: false,
            barred: BTreeSet::new(),
            apart: BTreeSet::new(),
            parts: BTreeMap::new(),
        }
    }

    /// The cluster as it is now.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Takes over what others have changed in the database, and starts from the first stage again. What was
    /// stopped in this run is not tried again, what failed only if somebody has cleared it.
    pub fn renew(&mut self, cluster: Cluster) {
        let renewed = Self::new(cluster, std::mem::take(&mut self.scope));
        let mut parts = std::mem::take(&mut self.parts);
        // A stage goes on with its next part, however often others change something else meanwhile.
        parts.retain(|key, _| {
            let running = renewed.cluster.row(*key).is_some_and(|it| it.state == State::Running);
            running && renewed.cluster.reruns.get(key) == self.cluster.reruns.get(key)
        });
        *self = Self {
            barred: std::mem::take(&mut self.barred),
            apart: std::mem::take(&mut self.apart),
            parts,
            ..renewed
        };
    }

    /// How a row is judged at this moment.
    #[must_use]
    pub fn verdict(&self, key: Key) -> Verdict {
        verdict(&self.cluster, &self.order, key, &|_| false)
    }

    /// What must be committed before a piece of work is begun.
    pub fn begin(&mut self, work: &Work, now: i64) -> Vec<Change> {
        if matches!(work, Work::Mark { .. } | Work::Confirm { .. }) {
            return Vec::new();
        }
        let started = |key: Key, row: &Row| {
            let goes_on = row.state == State::Running && self.parts.contains_key(&key);
            let attempts = if goes_on { row.attempts } else { row.attempts.saturating_add(1) };
            Change::Progress(key, Row { state: State::Running, attempts, changed: now, ..row.clone() })
        };
        let mut changes: Vec<Change> = work
            .rows()
            .into_iter()
            .filter_map(|key| self.cluster.row(key).map(|row| started(key, row)))
            .collect();
        if let Work::Remove { key, .. } = work
            && let Some(row) = self.cluster.row(*key)
            && matches!(row.current, Stage::ShouldBeInstalled | Stage::InstallBinPkgs)
        {
            // A removal that does not complete leaves nobody knows what: should the package be wanted again
            // after that, what was installed is installed anew.
            changes.push(Change::Rerun { key: *key, stage: row.current, queued: true });
        }
        self.apply(&changes);
        changes
    }

    /// Takes over changes of packages, which may change their order as well.
    pub(crate) fn take(&mut self, changes: &[Change]) {
        if !changes.is_empty() {
            self.apply(changes);
            self.order = Order::new(&self.cluster.packages);
        }
    }

    fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            self.cluster.apply(change);
        }
    }

    fn kind(&self, target: TargetId) -> Kind {
        self.cluster.targets.get(&target).map_or(Kind::Client, opkg_oda::Target::kind)
    }
}

/// The hooks and the configurator, in their order, that make up a stage on the head node.
fn parts(stage: Stage) -> &'static [Part] {
    match stage {
        Stage::RunConfigurator => {
            &[Part::Hook(Hook::PreConfigure), Part::Configurator, Part::Hook(Hook::PostConfigure)]
        }
        Stage::PostClients => &[Part::Hook(Hook::PostClientdef)],
        Stage::PostInstall => &[Part::Hook(Hook::PostDeploy)],
        _ => &[],
    }
}

/// A part of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Hook(Hook),
    Configurator,
}
