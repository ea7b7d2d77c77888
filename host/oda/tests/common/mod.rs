//! A database in a directory of its own, and changes of every kind for it.
#![allow(clippy::unwrap_used, dead_code)]

use std::path::PathBuf;

use opkg_oda::{
    Address, Change, Class, Ending, Event, EventId, Failure, Key, Kind, Origin, Package, PackageId, Phase,
    Row, Run, RunId, Sqlite, Stage, State, Step, Target, TargetId, Value, Verdict,
};

pub struct Scratch {
    pub directory: tempfile::TempDir,
}

impl Scratch {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("oda.db")
    }

    pub fn create(&self) -> Sqlite {
        Sqlite::create(&self.path()).unwrap()
    }
}

pub fn target(id: i64, kind: Kind) -> Target {
    let address = Address { kind, name: format!("{kind}{id}").parse().unwrap() };
    Target { id: TargetId(id), address, root: None, image: None }
}

pub fn package(id: i64, needs: &[i64]) -> Package {
    Package {
        id: PackageId(id),
        name: format!("p{id}").parse().unwrap(),
        class: Class::Core,
        version: Some("1.0-1".into()),
        needs: needs.iter().copied().map(PackageId).collect(),
        awaits: None,
    }
}

pub fn key(target: i64, package: i64) -> Key {
    Key { target: TargetId(target), package: PackageId(package) }
}

pub fn failed(now: i64) -> Row {
    let failure = Failure { stage: Stage::RunConfigurator, message: "exit status 3; \"'\0é".into() };
    Row {
        current: Stage::ShouldBeInstalled,
        state: State::Error,
        failure: Some(Box::new(failure)),
        attempts: 2,
        inherits: Some(Stage::InstallBinPkgs),
        ..Row::new(Stage::Finished, now)
    }
}

pub fn run() -> Run {
    Run {
        id: RunId(0),
        started: 1_000,
        ended: None,
        verdict: None,
        host: "head".into(),
        process: 17,
        command: "opm run".into(),
    }
}

pub fn event(run: RunId, number: u32) -> Event {
    Event {
        id: EventId { run, number },
        started: 1_100,
        target: TargetId(1),
        packages: vec![PackageId(2), PackageId(1)],
        stage: Stage::ShouldBeInstalled,
        step: Step::Hook,
        name: "api-pre-install".into(),
        ending: None,
    }
}

pub fn ending(verdict: Verdict) -> Ending {
    Ending {
        ended: 1_200,
        verdict,
        message: Some("it is so".into()),
        exit_code: Some(-1),
        signal: Some(9),
        timed_out: true,
        log: Some("/var/log/opm/1".into()),
        tail: "last\nlines\n".into(),
    }
}

/// A server, an image, a client of that image, and two packages.
pub fn small() -> Vec<Change> {
    let mut client = target(3, Kind::Client);
    client.image = Some(TargetId(2));
    let mut server = target(1, Kind::Server);
    server.root = Some("/".into());
    vec![
        Change::Target(server),
        Change::Target(target(2, Kind::Image)),
        Change::Target(client),
        Change::Package(package(1, &[2])),
        Change::Package(package(2, &[])),
    ]
}

/// One change of every kind, in an order in which each has something to do; `run` must be there. The event has
/// the given number, and a target with a key behind it comes and goes.
pub fn one_of_each(run: RunId, number: u32) -> Vec<Change> {
    let id = EventId { run, number };
    let passing = 3 + i64::from(number);
    let value = Value { name: "loglevel".into(), value: "64".into(), origin: Origin::Administrator };
    vec![
        Change::Target(target(passing, Kind::Client)),
        Change::Package(package(3, &[1, 2])),
        Change::Request { key: key(1, 1), stage: Stage::Finished, at: 5 },
        Change::Progress(key(1, 1), failed(6)),
        Change::Assign { package: PackageId(1), client: TargetId(3), handed_over: Some(7) },
        Change::Unassign { package: PackageId(2), client: TargetId(3) },
        Change::ImageSeen { package: PackageId(1), image: TargetId(2), seen: true },
        Change::Rerun { key: key(1, 1), stage: Stage::PostClients, queued: true },
        Change::Configure { package: PackageId(1), image: None, values: vec![value], instead_of: None },
        Change::Phase(Phase::Netboot),
        Change::Event(Box::new(event(run, number))),
        Change::EventEnded { event: id, ending: Box::new(ending(Verdict::Failed)) },
        Change::RunEnded { run, ended: 9, verdict: Verdict::Done },
        Change::TargetGone(TargetId(passing)),
    ]
}

/// This test program once more, to run one of its ignored tests in a process of its own.
pub fn again(test: &str, database: &std::path::Path) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).env("ODA_TEST_DATABASE", database);
    command
}

/// The database that [`again`] was told.
pub fn told() -> PathBuf {
    std::env::var_os("ODA_TEST_DATABASE").unwrap().into()
}

/// Runs an ignored test where its directory is a mount of its own, made by `mount`; `None`, said aloud, where this
/// process may not do so.
pub fn mounted(test: &str, scratch: &Scratch, mount: &str) -> Option<std::process::Output> {
    let may = std::process::Command::new("unshare").args(["-rm", "true"]).output();
    if !may.is_ok_and(|it| it.status.success()) {
        let required = std::env::var_os("OPKG_REQUIRE_TOOLS").is_some();
        assert!(!required, "no mount namespaces here, and $OPKG_REQUIRE_TOOLS is set");
        eprintln!("skipped: no mount namespaces here");
        return None;
    }
    let inner = again(test, &scratch.path());
    let mut outer = std::process::Command::new("unshare");
    outer.args(["-rm", "sh", "-ec", &format!("{mount}; exec \"$@\""), "sh"]);
    outer.arg(inner.get_program()).args(inner.get_args());
    outer.env("ODA_TEST_DATABASE", scratch.path()).env("DIRECTORY", scratch.directory.path());
    Some(outer.output().unwrap())
}
