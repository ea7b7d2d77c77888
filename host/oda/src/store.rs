//! What an engine needs of a database.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::event::{Event, EventId, Run, RunId};
use crate::pruning::{PrunableStep, PruneOrder, StepTotal};
use crate::tables::RowReceiver;
use crate::{
    Change, Cluster, CommandRecord, ConfigValue, ConfigValues, PackageId, PackageState, StateKey, Target,
    TargetAddress, TargetId, TargetKind,
};

/// Between two looks at a database that tells nobody of its changes.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Which events to return. Absent fields do not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    pub target: Option<TargetId>,
    pub package: Option<PackageId>,
    pub run: Option<RunId>,
    /// Only those that failed or were interrupted.
    pub failed_only: bool,
    /// At most this many, newest first.
    pub limit: Option<u32>,
}

/// What to purge from a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PurgeOrder {
    /// The configuration of these packages.
    pub values_of: Vec<PackageId>,
    /// Runs, with their steps, that ended before this time, in milliseconds since 1970.
    pub runs_ended_before: i64,
}

/// What was purged, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PurgeCounts {
    /// How many values of which packages.
    pub values: BTreeMap<PackageId, usize>,
    /// Runs, oldest first.
    pub runs: Vec<RunId>,
    /// Their steps.
    pub events: usize,
    /// The logs of these steps, as the database names them.
    pub logs: Vec<String>,
}

impl PurgeCounts {
    /// Whether there is nothing to remove.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.runs.is_empty()
    }
}

/// Adds whose changes these are, where there are any.
pub fn record_command(changes: &mut Vec<Change>, command: Option<CommandRecord>) {
    if !changes.is_empty() {
        changes.extend(command.map(|command| Change::RecordCommand(Box::new(command))));
    }
}

/// Which process holds the lock on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHolder {
    /// The first of the requested targets that it holds.
    pub target: TargetId,
    /// The machine that it runs on, where that may be another one.
    pub host: Option<String>,
    /// Absent if the holder has not recorded it.
    pub pid: Option<u32>,
    /// In seconds since 1970; absent if the holder has not recorded it.
    pub locked_since: Option<i64>,
}

/// A run without an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedRun {
    pub run: Run,
    /// Whether it is dead to the database, since another engine took over from it; otherwise its process tells.
    pub is_dead: bool,
}

/// What an engine of one target has to know before it does anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    pub target: Target,
    /// What tells its root from any other one, where that was written into it.
    pub root_id: Option<String>,
    pub has_pending_work: bool,
}

/// When targets looked for work last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastSeen {
    /// The time of the database, in seconds since 1970.
    pub now: i64,
    /// Likewise.
    pub targets: BTreeMap<TargetId, i64>,
}

/// What became of what an engine did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Recorded {
    /// It is in the database.
    InDatabase,
    /// The database is away: it is on the disk of this machine, and gets into the database when that is back.
    OnDisk {
        /// The file.
        path: PathBuf,
        /// Why the database is away.
        reason: String,
    },
}

/// What got into a database of what was on the disk of this machine, or why it did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// What this many steps did.
    Steps(u64),
    /// Nothing, and now it is in a file that is not looked at again.
    Refused {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },
}

/// An exclusive lock on targets. Released when this is dropped and when the process ends.
pub trait Lock: std::fmt::Debug {}

/// The database of a cluster. Every method fails with an [`Error`] of the database, and has then changed nothing.
#[allow(clippy::missing_errors_doc)] // the same for all of them
pub trait Store {
    /// Whether this is a copy of a database that could only be read, which does not change any more.
    fn is_copy(&self) -> bool {
        false
    }

    /// Whether any package on any of the targets may have work left. Cheap; never says no where there is.
    fn has_pending_work(&mut self) -> Result<bool, Error>;

    /// Everything that decides about work, at one instant.
    fn load(&mut self) -> Result<Cluster, Error>;

    /// The same to look at, but not to write: targets that are alike share what is on them, so that this is cheap however
    /// many there are. Times of changes and of hand-overs may be those of another target that is alike.
    fn load_overview(&mut self) -> Result<Cluster, Error>;

    /// What decides about some targets, as [`Cluster::into_part`] says. Cheap, however many others there are.
    fn load_part(&mut self, targets: &BTreeSet<TargetId>) -> Result<Cluster, Error> {
        Ok(self.load()?.into_part(targets))
    }

    /// The same to look at, but not to write, as [`Store::load_overview`] says.
    fn load_part_overview(&mut self, targets: &BTreeSet<TargetId>) -> Result<Cluster, Error> {
        Ok(self.load_overview()?.into_part(targets))
    }

    /// A target, and whether it may have work left; absent where there is none of that name. Cheap, however many others
    /// there are; never says no where there is work. Of the head node it is as
    /// [`Store::has_pending_work`] says. On a server it is written down that the target looked for work.
    fn glance(&mut self, address: &TargetAddress) -> Result<Option<Glance>, Error> {
        let has_pending_work = self.has_pending_work()?;
        let cluster = self.load_targets()?;
        let root_id = |target: &Target| cluster.root_ids.get(&target.id).cloned();
        let target = cluster.find_target(address);
        Ok(target.map(|target| Glance { root_id: root_id(target), target: target.clone(), has_pending_work }))
    }

    /// The target whose root has an id.
    fn find_root(&mut self, root_id: &str) -> Result<Option<TargetId>, Error> {
        let cluster = self.load_targets()?;
        Ok(cluster.root_ids.into_iter().find_map(|(target, known)| (known == root_id).then_some(target)))
    }

    /// The state of one package on one target, with the time of its own last change.
    fn load_state(&mut self, key: StateKey) -> Result<Option<PackageState>, Error>;

    /// The targets alone, with what tells their roots from others. Cheap, whatever is installed.
    fn load_targets(&mut self) -> Result<Cluster, Error>;

    /// Likewise, but for clients whose roots have no id: the targets whose roots may be other ones than they were.
    fn load_identified_targets(&mut self) -> Result<Cluster, Error> {
        let mut cluster = self.load_targets()?;
        let root_ids = &cluster.root_ids;
        cluster.targets.retain(|id, target| target.kind() != TargetKind::Client || root_ids.contains_key(id));
        Ok(cluster)
    }

    /// When targets looked for work last; of none where they do not report.
    fn last_seen(&mut self) -> Result<LastSeen, Error> {
        Ok(LastSeen::default())
    }

    /// Whether what [`Store::load_part_overview`] gave last is all there is about those targets, and still the same; for an
    /// engine that has locked them since. Then [`Store::has_changed`] tells what others write from now on.
    fn is_part_current(&mut self) -> Result<bool, Error> {
        Ok(false)
    }

    /// Whether another process has changed anything since the last call. While targets are locked, what other engines do to
    /// theirs need not count.
    fn has_changed(&mut self) -> Result<bool, Error>;

    /// Writes changes, all or none. When this returns they will outlast a loss of power.
    fn commit(&mut self, changes: &[Change]) -> Result<(), Error>;

    /// Writes what came of steps. An engine of a server that is away does not lose it, but has it on its disk; it shall begin
    /// nothing then, and end.
    fn record_results(&mut self, changes: &[Change]) -> Result<Recorded, Error> {
        self.commit(changes).map(|()| Recorded::InDatabase)
    }

    /// Brings what engines of this machine did while the database was away into it, each thing once.
    fn deliver_results(&mut self) -> Result<Vec<Delivered>, Error> {
        Ok(Vec::new())
    }

    /// Reads, lets `decide` say what is to change, and writes that, while nobody else can write.
    fn update(&mut self, decide: &mut dyn FnMut(&Cluster) -> Vec<Change>) -> Result<(), Error>;

    /// From now on what [`Store::update`] and [`Store::purge`] change is in the journal as this command's.
    fn record_as(&mut self, command: CommandRecord);

    /// The commands that changed something, newest first, at most `limit`.
    fn commands(&mut self, limit: u32) -> Result<Vec<CommandRecord>, Error>;

    /// Records a new run and returns its id; `run.id` is ignored.
    fn start_run(&mut self, run: &Run) -> Result<RunId, Error>;

    /// Runs, newest first, at most `limit`.
    fn runs(&mut self, limit: u32) -> Result<Vec<Run>, Error>;

    /// The runs without an end, of processes that live and of those that died, as far as anybody here can judge them.
    fn unfinished_runs(&mut self) -> Result<Vec<UnfinishedRun>, Error>;

    /// Events of the journal, newest first.
    fn events(&mut self, filter: &EventFilter) -> Result<Vec<Event>, Error>;

    /// Whether the journal is to be pruned: it was not since that long, in milliseconds, before now, in milliseconds since 1970. Of
    /// several that ask one is told so.
    fn claim_pruning(&mut self, now: i64, interval: i64) -> Result<bool, Error>;

    /// Steps of the journal that may go, the oldest first.
    fn prunable(&mut self, order: &PruneOrder) -> Result<Vec<PrunableStep>, Error>;

    /// Removes such steps, all or none, and of the runs that are as old some that have no steps left. They go on being counted in
    /// [`Store::totals`].
    fn prune(&mut self, order: &PruneOrder, steps: &[EventId]) -> Result<(), Error>;

    /// How many steps there were that have ended, the oldest first.
    fn totals(&mut self) -> Result<Vec<StepTotal>, Error>;

    /// Removes rows that nobody needs any longer, all or none; with `dry_run` only counts them. Steps go on being counted.
    fn purge(&mut self, order: &PurgeOrder, dry_run: bool) -> Result<PurgeCounts, Error>;

    /// The configuration of a package, for an image or for the whole cluster, in the order of its form.
    fn values(&mut self, package: PackageId, image: Option<TargetId>) -> Result<Vec<ConfigValue>, Error>;

    /// The configuration of all packages.
    fn all_values(&mut self) -> Result<ConfigValues, Error>;

    /// Hands over all that there is, at one instant: the tables in their order, then [`LAST_RUN`](crate::tables::LAST_RUN).
    fn dump(&mut self, receive: &mut RowReceiver<'_>) -> Result<(), Error>;

    /// Puts all that another database holds in the place of what is here, all or nothing. Engines that had claimed targets
    /// write nothing any more.
    fn replace_with(&mut self, source: &mut dyn Store) -> Result<(), Error>;

    /// From now on [`Store::wait_for_change`] wakes up soon. The answer is whether it does: a server has places for a limited
    /// number of listeners, and whoever has none shall close the database while there is nothing to do.
    fn subscribe(&mut self) -> Result<bool, Error> {
        Ok(true)
    }

    /// Waits until somebody may have asked for something, at most so long. It may wake up for nothing.
    fn wait_for_change(&mut self, timeout: Duration) -> Result<bool, Error> {
        let until = Instant::now() + timeout;
        while !self.has_changed()? {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            std::thread::sleep(left.min(POLL_INTERVAL));
        }
        Ok(true)
    }

    /// Says that whoever has locked targets is still there. To be called every few seconds while steps take their time.
    fn renew_lock(&mut self) {}

    /// Locks targets exclusively, all or none. The inner error says who holds one of them.
    ///
    /// # Errors
    /// When locks do not work there.
    fn lock(&mut self, targets: &[TargetId]) -> Result<Result<Box<dyn Lock>, LockHolder>, Error>;
}
