//! A whole cluster from request to `finished`, and all of it away again, on a real database, with a package manager and hooks that are only
//! simulated: what remains is what the engine itself costs. The last column is how much longer the run takes than its
//! commits alone. `cargo bench -p opkg-engine` runs it; after `--`, numbers of
//! clients, and `--keep FILE` to leave the last database there.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use opkg_engine::clock::SystemClock;
use opkg_engine::effects::{Effects, Report, StepTrace};
use opkg_engine::engine::{Engine, Observer, RunIdentity, RunOptions};
use opkg_engine::machine::{
    Configure, ConfigureOutcome, Hook, HookStep, Install, InstallOutcome, Remove, RemoveOutcome, Step,
    StepFailure, StepStatus, VerifyInherited,
};
use opkg_engine::requests;
use opkg_oda::ConfigValues;
use opkg_oda::tables::RowReceiver;
use opkg_oda::{
    Change, Cluster, ConfigValue, Error, Event, EventFilter, EventId, Lock, LockHolder, Package,
    PackageClass, PackageId, PackageState, Phase, PrunableStep, PruneOrder, PurgeCounts, PurgeOrder, Run,
    RunId, Stage, StateKey, StepTotal, Store, Target, TargetAddress, TargetId, TargetKind,
};
use opkg_sqlite::SqliteStore;

const PACKAGE_COUNT: i64 = 40;

fn main() {
    let mut keep: Option<PathBuf> = None;
    let mut sizes = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--keep" => keep = arguments.next().map(PathBuf::from),
            "--bench" => {}
            number => sizes.push(number.parse().unwrap()),
        }
    }
    if sizes.is_empty() {
        sizes = vec![100, 1_000, 10_000];
    }
    println!(
        "| clients | request s | run s | steps | µs a step | idle ms | load ms | database MB | peak MB | commits a step | run / commits | removal s | its steps | its commits a package |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for size in sizes {
        let directory = tempfile::tempdir_in(".").unwrap();
        let path = directory.path().join("oda.db");
        measure(size, &path);
        if let Some(keep) = &keep {
            std::fs::copy(&path, keep).unwrap();
        }
    }
}

fn measure(clients: i64, path: &Path) {
    let mut store = SqliteStore::create(path).unwrap();
    store.commit(&cluster_changes(clients)).unwrap();
    let cluster = store.load().unwrap();
    let everywhere: BTreeSet<TargetId> = cluster.targets.keys().copied().collect();
    let packages: Vec<PackageId> = cluster.packages.keys().copied().collect();

    let start = Instant::now();
    store
        .update(&mut |cluster| requests::request(cluster, &packages, Stage::Finished, &everywhere, 1))
        .unwrap();
    let requested = start.elapsed();

    let order = RunOptions { targets: everywhere, ..RunOptions::default() };
    let start = Instant::now();
    let mut timed = TimedStore { store: &mut store, commits: 0, took: Duration::ZERO };
    let summary = run(&mut timed, &order);
    let took = start.elapsed();
    let (commits, committing) = (timed.commits, timed.took);
    let cluster = summary.cluster.unwrap();
    assert!(cluster.all_states().all(|(_, row)| row.current == Stage::Finished), "not all of it is finished");
    drop(cluster);

    let start = Instant::now();
    assert_eq!(run(&mut store, &order).run, None);
    let idle = start.elapsed();
    let start = Instant::now();
    store.load().unwrap();
    let loaded = start.elapsed();
    let removal = measure_removal(&mut store, &packages, &order);
    drop(store);
    let size = std::fs::metadata(path).unwrap().len();
    let steps = summary.steps;
    println!(
        "| {clients} | {:.2} | {:.2} | {steps} | {:.0} | {:.1} | {:.0} | {:.1} | {:.0} | {:.2} | {:.2} | {removal} |",
        requested.as_secs_f64(),
        took.as_secs_f64(),
        took.as_secs_f64() * 1e6 / steps as f64,
        idle.as_secs_f64() * 1e3,
        loaded.as_secs_f64() * 1e3,
        size as f64 / 1e6,
        peak_memory_mib(),
        commits as f64 / steps as f64,
        took.as_secs_f64() / committing.as_secs_f64(),
    );
}

/// Removes all packages that may go, and what they need. Returns columns: seconds, steps, commits for each package on each
/// target.
fn measure_removal(store: &mut SqliteStore, packages: &[PackageId], order: &RunOptions) -> String {
    let start = Instant::now();
    store
        .update(&mut |cluster| {
            let packages: Vec<PackageId> = packages.iter().copied().filter(|id| !is_core(*id)).collect();
            requests::remove(cluster, &packages, &order.targets, false, 2).unwrap()
        })
        .unwrap();
    let mut timed = TimedStore { store, commits: 0, took: Duration::ZERO };
    let summary = run(&mut timed, order);
    let took = start.elapsed();
    let cluster = summary.cluster.unwrap();
    let gone = cluster.all_states().filter(|(_, row)| row.current == Stage::ShouldNotBeInstalled).count();
    assert_eq!(gone, (packages.len() - 1) * order.targets.len(), "not all of it is gone");
    let commits = timed.commits as f64 / gone as f64;
    format!("{:.2} | {} | {commits:.3}", took.as_secs_f64(), summary.steps)
}

/// Packages of class `core` stay.
fn is_core(id: PackageId) -> bool {
    id == PackageId(1)
}

/// A head node, one image, clients, and packages of which each third depends on the one before.
fn cluster_changes(clients: i64) -> Vec<Change> {
    let target = |id: i64, kind, name: String, image| {
        let root = Some(PathBuf::from(format!("/srv/{name}")));
        let address = TargetAddress { kind, name: name.parse().unwrap() };
        Change::PutTarget(Target { id: TargetId(id), address, root, image })
    };
    let mut changes = vec![
        Change::SetPhase(Phase::TestInstall),
        target(1, TargetKind::Server, "head".into(), None),
        target(2, TargetKind::Image, "compute".into(), None),
    ];
    changes.extend(
        (0..clients).map(|it| target(3 + it, TargetKind::Client, format!("node{it:05}"), Some(TargetId(2)))),
    );
    changes.extend((1..=PACKAGE_COUNT).map(|id| {
        let needs = if id % 3 == 0 { vec![PackageId(id - 1)] } else { Vec::new() };
        let class = if is_core(PackageId(id)) { PackageClass::Core } else { PackageClass::ThirdParty };
        let name = format!("package{id:02}").parse().unwrap();
        Change::PutPackage(Package {
            id: PackageId(id),
            name,
            class,
            version: None,
            dependencies: needs,
            waiting_for: None,
        })
    }));
    changes
}

fn run(store: &mut dyn Store, order: &RunOptions) -> opkg_engine::engine::RunSummary {
    let identity = RunIdentity {
        host: "head".into(),
        pid: std::process::id(),
        process: None,
        command: "opm run".into(),
    };
    Engine { store, effects: &FakeEffects, observer: &mut NullObserver, clock: &SystemClock, identity }
        .run(order)
        .unwrap()
}

struct FakeEffects;

impl Effects for FakeEffects {
    fn root_id(&self, _: &opkg_oda::Target) -> Result<Option<String>, String> {
        Err("there are no roots here".into())
    }

    fn renew_root_id(&self, _: &opkg_oda::Target) -> Result<String, String> {
        Err("there are no roots here".into())
    }

    fn has_hook(&self, _: &Cluster, step: &HookStep) -> bool {
        // As in real packages, most hooks are not there.
        step.hook == Hook::PostImage
    }

    fn has_form(&self, _: &Cluster, _: &Configure) -> bool {
        true
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

    fn install(&self, _: &Cluster, _: &Install, _: RunId) -> Report<InstallOutcome> {
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

    fn is_run_alive(&self, _: &Run) -> bool {
        false
    }

    fn clean_up(&self, _: RunId) -> Vec<String> {
        Vec::new()
    }

    fn stop_requested(&self) -> bool {
        false
    }
}

/// A database that counts its commits, and how long they take.
struct TimedStore<'a> {
    store: &'a mut SqliteStore,
    commits: usize,
    took: Duration,
}

impl Store for TimedStore<'_> {
    fn has_pending_work(&mut self) -> Result<bool, Error> {
        self.store.has_pending_work()
    }

    fn load(&mut self) -> Result<Cluster, Error> {
        self.store.load()
    }

    fn load_overview(&mut self) -> Result<Cluster, Error> {
        self.store.load_overview()
    }

    fn load_state(&mut self, key: StateKey) -> Result<Option<PackageState>, Error> {
        self.store.load_state(key)
    }

    fn load_targets(&mut self) -> Result<Cluster, Error> {
        self.store.load_targets()
    }

    fn has_changed(&mut self) -> Result<bool, Error> {
        self.store.has_changed()
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), Error> {
        let start = Instant::now();
        let result = self.store.commit(changes);
        self.took += start.elapsed();
        self.commits += 1;
        result
    }

    fn update(&mut self, decide: &mut dyn FnMut(&Cluster) -> Vec<Change>) -> Result<(), Error> {
        self.store.update(decide)
    }

    fn record_as(&mut self, command: opkg_oda::CommandRecord) {
        self.store.record_as(command);
    }

    fn commands(&mut self, limit: u32) -> Result<Vec<opkg_oda::CommandRecord>, Error> {
        self.store.commands(limit)
    }

    fn start_run(&mut self, run: &Run) -> Result<RunId, Error> {
        self.store.start_run(run)
    }

    fn runs(&mut self, limit: u32) -> Result<Vec<Run>, Error> {
        self.store.runs(limit)
    }

    fn unfinished_runs(&mut self) -> Result<Vec<opkg_oda::UnfinishedRun>, Error> {
        self.store.unfinished_runs()
    }

    fn events(&mut self, filter: &EventFilter) -> Result<Vec<Event>, Error> {
        self.store.events(filter)
    }

    fn claim_pruning(&mut self, now: i64, interval: i64) -> Result<bool, Error> {
        self.store.claim_pruning(now, interval)
    }

    fn prunable(&mut self, order: &PruneOrder) -> Result<Vec<PrunableStep>, Error> {
        self.store.prunable(order)
    }

    fn prune(&mut self, order: &PruneOrder, steps: &[EventId]) -> Result<(), Error> {
        self.store.prune(order, steps)
    }

    fn totals(&mut self) -> Result<Vec<StepTotal>, Error> {
        self.store.totals()
    }

    fn purge(&mut self, order: &PurgeOrder, dry_run: bool) -> Result<PurgeCounts, Error> {
        self.store.purge(order, dry_run)
    }

    fn dump(&mut self, receive: &mut RowReceiver<'_>) -> Result<(), Error> {
        self.store.dump(receive)
    }

    fn replace_with(&mut self, source: &mut dyn Store) -> Result<(), Error> {
        self.store.replace_with(source)
    }

    fn all_values(&mut self) -> Result<ConfigValues, Error> {
        self.store.all_values()
    }

    fn values(&mut self, package: PackageId, image: Option<TargetId>) -> Result<Vec<ConfigValue>, Error> {
        self.store.values(package, image)
    }

    fn lock(&mut self, targets: &[TargetId]) -> Result<Result<Box<dyn Lock>, LockHolder>, Error> {
        self.store.lock(targets)
    }
}

struct NullObserver;

impl Observer for NullObserver {
    fn work_started(&mut self, _: &Cluster, _: &Step) {}

    fn work_finished(&mut self, _: &Cluster, _: &Step, _: &StepStatus, _: &StepTrace) {}

    fn note(&mut self, _: &str) {}
}

/// Peak of resident memory of this process in MiB.
fn peak_memory_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1024.0
}
