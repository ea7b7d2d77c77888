//! Databases for tests, and changes of every kind for them.

mod backend;

use std::path::PathBuf;

use opkg_database::Location;
use opkg_oda::{
    Absence, AbsenceKind, Change, CommandRecord, ConfigValue, Event, EventId, Package, PackageClass,
    PackageId, PackageState, Phase, ProcessIdentity, RolloutId, RolloutOrder, RolloutState, Run, RunId,
    RunStatus, Share, Stage, StageFailure, StateKey, StepKind, StepResult, Target, TargetAddress, TargetId,
    TargetKind, ValueOrigin, WaveState, WorkState,
};
use opkg_sqlite::SqliteStore;

pub(crate) use backend::on_both;
pub use backend::{Backend, Scratch};

/// A file in a directory of its own.
pub struct Fixture {
    pub directory: tempfile::TempDir,
}

impl Fixture {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("oda.db")
    }

    pub fn create(&self) -> SqliteStore {
        SqliteStore::create(&self.path()).unwrap()
    }
}

pub fn target(id: i64, kind: TargetKind) -> Target {
    let address = TargetAddress { kind, name: format!("{kind}{id}").parse().unwrap() };
    Target { id: TargetId(id), address, root: None, image: None }
}

pub fn package(id: i64, needs: &[i64]) -> Package {
    Package {
        id: PackageId(id),
        name: format!("p{id}").parse().unwrap(),
        class: PackageClass::Core,
        version: Some("1.0-1".into()),
        dependencies: needs.iter().copied().map(PackageId).collect(),
        waiting_for: None,
    }
}

pub fn state_key(target: i64, package: i64) -> StateKey {
    StateKey { target: TargetId(target), package: PackageId(package) }
}

pub fn failed_state(now: i64) -> PackageState {
    let failure = StageFailure { stage: Stage::RunConfigurator, message: "exit status 3; \"'é".into() };
    PackageState {
        current: Stage::ShouldBeInstalled,
        work_state: WorkState::Failed,
        failure: Some(Box::new(failure)),
        attempts: 2,
        inherited_stage: Some(Stage::InstallBinPkgs),
        ..PackageState::new(Stage::Finished, now)
    }
}

pub fn sample_run() -> Run {
    Run {
        id: RunId(0),
        started_at: 1_000,
        ended_at: None,
        status: None,
        host: "head".into(),
        pid: 17,
        process: Some(ProcessIdentity { boot_id: "b007".into(), started_ticks: 7 }),
        command: "opm run".into(),
    }
}

pub fn sample_absence() -> Absence {
    Absence {
        kind: AbsenceKind::Maintenance,
        reason: "a new fan".into(),
        since: 1,
        until: None,
        who: "ada".into(),
    }
}

pub fn sample_rollout() -> RolloutOrder {
    RolloutOrder {
        packages: [PackageId(1), PackageId(2)].into(),
        at_once: 10,
        max_fail: Share::Percent(5),
        since: 1,
        who: "ada".into(),
    }
}

pub fn sample_command() -> CommandRecord {
    CommandRecord {
        at: 1_000,
        who: "ada".into(),
        host: "head".into(),
        command: "opm request p1".into(),
        role: None,
    }
}

pub fn sample_event(run: RunId, number: u32) -> Event {
    Event {
        id: EventId { run, number },
        started_at: 1_100,
        target: TargetId(1),
        packages: vec![PackageId(2), PackageId(1)],
        stage: Stage::ShouldBeInstalled,
        kind: StepKind::Hook,
        name: "api-pre-install".into(),
        log_path: Some("/var/log/opm/1".into()),
        result: None,
    }
}

pub fn sample_result(verdict: RunStatus) -> StepResult {
    StepResult {
        ended_at: 1_200,
        status: verdict,
        message: Some("it is so".into()),
        exit_code: Some(-1),
        signal: Some(9),
        timed_out: true,
        log_path: Some("/var/log/opm/1".into()),
        log_tail: "last\nlines\n".into(),
    }
}

/// A server, an image, a client of that image, and two packages.
pub fn sample_cluster() -> Vec<Change> {
    let mut client = target(3, TargetKind::Client);
    client.image = Some(TargetId(2));
    let mut server = target(1, TargetKind::Server);
    server.root = Some("/".into());
    vec![
        Change::PutTarget(server),
        Change::PutTarget(target(2, TargetKind::Image)),
        Change::PutTarget(client),
        Change::PutPackage(package(1, &[2])),
        Change::PutPackage(package(2, &[])),
    ]
}

/// One change of every kind, in an order in which each has something to do; `run` must be there. The event has
/// the given number, and a target with a key behind it comes and goes.
pub fn one_change_of_each_kind(run: RunId, number: u32) -> Vec<Change> {
    let id = EventId { run, number };
    let passing = 3 + i64::from(number);
    let value =
        ConfigValue { name: "loglevel".into(), value: "64".into(), origin: ValueOrigin::Administrator };
    vec![
        Change::PutTarget(target(passing, TargetKind::Client)),
        Change::PutPackage(package(3, &[1, 2])),
        Change::Request { key: state_key(1, 1), stage: Stage::Finished, requested_at: 5 },
        Change::UpdateState(state_key(1, 1), failed_state(6)),
        Change::Assign { package: PackageId(1), client: TargetId(3), handed_over_at: Some(7) },
        Change::Unassign { package: PackageId(2), client: TargetId(3) },
        Change::SetImageSeen { package: PackageId(1), image: TargetId(2), seen: true },
        Change::SetRerun { key: state_key(1, 1), stage: Stage::PostClients, queued: true },
        Change::SetValues { package: PackageId(1), image: None, values: vec![value], expected: None },
        Change::SetPhase(Phase::Netboot),
        Change::StartEvent(Box::new(sample_event(run, number))),
        Change::EndEvent { event: id, result: Box::new(sample_result(RunStatus::Failed)) },
        Change::EndRun { run, ended_at: 9, status: RunStatus::Done },
        Change::SetRequirements { package: PackageId(1), names: vec!["opkg-p9".into()] },
        Change::SetHeld { package: PackageId(1), held: true },
        Change::PinVersion { package: PackageId(1), version: Some("1.0-1".into()) },
        Change::SetInstalledVersion { key: state_key(1, 1), version: Some("1.0-1".into()) },
        Change::SetPostponed { key: state_key(1, 2), reason: Some("the lock is held".into()) },
        Change::SetRootId { target: TargetId(1), id: Some("1f".into()) },
        Change::SetAbsence { target: TargetId(3), absence: Some(sample_absence()) },
        Change::PutRollout { id: RolloutId(1), order: Box::new(sample_rollout()) },
        Change::SetWave { rollout: RolloutId(1), target: TargetId(3), state: WaveState::LetGo },
        Change::SetRolloutState { rollout: RolloutId(1), state: RolloutState::Stopped("it failed".into()) },
        Change::RemoveTarget(TargetId(passing)),
        Change::RecordCommand(Box::new(sample_command())),
        Change::PutPackage(package(100 + i64::from(number), &[1])),
        Change::RemovePackage(PackageId(100 + i64::from(number))),
    ]
}

/// This test program once more, to run one of its ignored tests in a process of its own.
pub fn child_test(test: &str, database: impl AsRef<std::ffi::OsStr>) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).env("ODA_TEST_DATABASE", database.as_ref());
    command
}

/// The database that a process of [`child_test`] was told.
pub fn database_from_env() -> Location {
    Location::parse(&std::env::var_os("ODA_TEST_DATABASE").unwrap()).unwrap()
}

/// Likewise, where it is a file.
pub fn file_from_env() -> PathBuf {
    database_from_env().file().unwrap().to_owned()
}

/// Runs an ignored test where its directory is a mount of its own, made by `mount`; `None`, said aloud, where this
/// process may not do so.
pub fn run_in_mount_namespace(test: &str, scratch: &Fixture, mount: &str) -> Option<std::process::Output> {
    let may = std::process::Command::new("unshare").args(["-rm", "true"]).output();
    if !may.is_ok_and(|it| it.status.success()) {
        let required = std::env::var_os("OPKG_REQUIRE_TOOLS").is_some();
        assert!(!required, "no mount namespaces here, and $OPKG_REQUIRE_TOOLS is set");
        eprintln!("skipped: no mount namespaces here");
        return None;
    }
    let inner = child_test(test, scratch.path());
    let mut outer = std::process::Command::new("unshare");
    outer.args(["-rm", "sh", "-ec", &format!("{mount}; exec \"$@\""), "sh"]);
    outer.arg(inner.get_program()).args(inner.get_args());
    outer.env("ODA_TEST_DATABASE", scratch.path()).env("DIRECTORY", scratch.directory.path());
    Some(outer.output().unwrap())
}
