//! The database of a large cluster.

use std::path::Path;

use opkg_oda::{
    Change, Event, EventId, Package, PackageClass, PackageId, PackageState, Phase, Run, RunId, RunStatus,
    Stage, StateKey, StepKind, StepResult, Store, Target, TargetAddress, TargetId, TargetKind,
};
use opkg_sqlite::SqliteStore;

/// Steps of one run.
const EVENTS_PER_RUN: u32 = 1000;
/// A moment, in seconds since 1970.
const NOW: i64 = 1_700_000_000;

/// How much there is.
#[derive(Clone, Copy)]
pub struct Size {
    pub clients: u32,
    /// On each of them, and on the head node and the image.
    pub packages: u32,
    /// Steps in the journal.
    pub events: u32,
}

/// How far the packages have come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is requested.
    Nothing,
    /// Clients wait until the head node hands the work over, and that for answers.
    Waiting,
    Finished,
}

/// Makes it.
pub fn make(path: &Path, size: Size, progress: Progress) {
    let [clients, packages, events] = [size.clients, size.packages, size.events].map(i64::from);
    let mut store = SqliteStore::create(path).unwrap();
    let waiting = progress == Progress::Waiting;
    store.commit(&cluster(clients, packages, waiting)).unwrap();
    if progress != Progress::Nothing {
        let targets: Vec<i64> = (1..=clients + 2).collect();
        for part in targets.chunks(500) {
            let rows = part.iter().flat_map(|target| (1..=packages).map(move |package| (*target, package)));
            let changes: Vec<Change> =
                rows.flat_map(|(target, package)| row(target, package, waiting)).collect();
            store.commit(&changes).unwrap();
        }
    }
    if progress == Progress::Finished {
        let seen = |id| Change::SetImageSeen { package: PackageId(id), image: TargetId(2), seen: true };
        store.commit(&(1..=packages).map(seen).collect::<Vec<_>>()).unwrap();
    }
    journal(&mut store, clients, packages, events);
}

/// A head node, an image, clients, and packages of which each third needs the one before.
fn cluster(clients: i64, packages: i64, waiting: bool) -> Vec<Change> {
    let target = |id: i64, kind, name: String, image| {
        let address = TargetAddress { kind, name: name.parse().unwrap() };
        Change::PutTarget(Target { id: TargetId(id), address, root: None, image })
    };
    let mut changes = vec![
        Change::SetPhase(Phase::TestInstall),
        target(1, TargetKind::Server, "head".into(), None),
        target(2, TargetKind::Image, "compute".into(), None),
    ];
    changes.extend(
        (3..3 + clients).map(|id| target(id, TargetKind::Client, format!("node{id:05}"), Some(TargetId(2)))),
    );
    changes.extend((1..=packages).map(|id| {
        Change::PutPackage(Package {
            id: PackageId(id),
            name: format!("package{id:02}").parse().unwrap(),
            class: PackageClass::ThirdParty,
            version: Some("1.0-1".into()),
            dependencies: if id % 3 == 0 { vec![PackageId(id - 1)] } else { Vec::new() },
            waiting_for: waiting.then(|| "the field `port`".into()),
        })
    }));
    changes
}

/// A package on a target. The times of all are different.
fn row(target: i64, package: i64, waiting: bool) -> Vec<Change> {
    let key = StateKey { target: TargetId(target), package: PackageId(package) };
    let now = NOW + target * 60 + package;
    let current = match (waiting, target) {
        (false, _) => Stage::Finished,
        (true, 1) => Stage::ShouldBeInstalled,
        (true, _) => Stage::ShouldNotBeInstalled,
    };
    let row = PackageState { current, ..PackageState::new(Stage::Finished, now) };
    let mut changes = vec![
        Change::Request { key, stage: Stage::Finished, requested_at: now },
        Change::UpdateState(key, row),
    ];
    if current != Stage::ShouldNotBeInstalled {
        changes.push(Change::SetInstalledVersion { key, version: Some("1.0-1.el9".into()) });
    }
    if target > 2 {
        let handed_over_at = (!waiting).then_some(now);
        changes.push(Change::Assign { package: key.package, client: key.target, handed_over_at });
    }
    changes
}

/// Steps on one target after another, of three packages each; every hundredth failed.
fn journal(store: &mut SqliteStore, clients: i64, packages: i64, events: i64) {
    let mut left = events;
    while left > 0 {
        let count = left.min(i64::from(EVENTS_PER_RUN));
        let started_at = (NOW + events - left) * 1000;
        let run = store
            .start_run(&Run {
                id: RunId(0),
                started_at,
                ended_at: None,
                status: None,
                host: "head".into(),
                pid: 1,
                process: None,
                command: "opm run".into(),
            })
            .unwrap();
        let mut changes: Vec<Change> = (1..=count)
            .map(|number| {
                Change::StartEvent(Box::new(step(run, number, left, clients, packages, started_at)))
            })
            .collect();
        changes.push(Change::EndRun { run, ended_at: started_at + 1000, status: RunStatus::Done });
        store.commit(&changes).unwrap();
        left -= count;
    }
}

fn step(run: RunId, number: i64, left: i64, clients: i64, packages: i64, started_at: i64) -> Event {
    let place = left + number;
    let status = if place % 100 == 0 { RunStatus::Failed } else { RunStatus::Done };
    Event {
        id: EventId { run, number: u32::try_from(number).unwrap() },
        started_at: started_at + number,
        target: TargetId(1 + place % (clients + 2)),
        packages: (0..3).map(|offset| PackageId(1 + (place + offset) % packages)).collect(),
        stage: Stage::InstallBinPkgs,
        kind: StepKind::Install,
        name: "install".into(),
        log_path: Some(format!("/var/log/opm/{}/{number}.log", run.0)),
        result: Some(StepResult {
            ended_at: started_at + number + 1,
            status,
            message: (status == RunStatus::Failed).then(|| "exit status 1".into()),
            exit_code: Some(i32::from(status == RunStatus::Failed)),
            signal: None,
            timed_out: false,
            log_path: Some(format!("/var/log/opm/{}/{number}.log", run.0)),
            log_tail: "Installing, and what else a package manager says\n".repeat(4),
        }),
    }
}
