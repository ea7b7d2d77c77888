//! What is wrong with a database, its disk or its place is said as what it is, and nothing is lost.

use crate::common;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::time::Duration;

use crate::common::{Fixture, state_key};
use opkg_oda::{Change, Error, EventFilter, PackageState, Phase, RunId, Stage, StateKey, Store};
use opkg_sqlite::{OpenOptions, SqliteStore};
use proptest::prelude::*;

/// Two hundred states and a journal, in some dozens of pages.
fn filled_fixture() -> Fixture {
    let scratch = Fixture::new();
    let mut store = scratch.create();
    store.commit(&common::sample_cluster()).unwrap();
    let run = store.start_run(&common::sample_run()).unwrap();
    store.commit(&common::one_change_of_each_kind(run, 1)).unwrap();
    let clients = (10..110).map(|id| Change::PutTarget(common::target(id, opkg_oda::TargetKind::Client)));
    store.commit(&clients.collect::<Vec<_>>()).unwrap();
    let requests = (10..110).flat_map(|target| {
        [1, 2].map(|package| Change::Request {
            key: state_key(target, package),
            stage: Stage::Finished,
            requested_at: 3,
        })
    });
    store.commit(&requests.collect::<Vec<_>>()).unwrap();
    let events = (2..40).map(|number| Change::StartEvent(Box::new(common::sample_event(run, number))));
    store.commit(&events.collect::<Vec<_>>()).unwrap();
    scratch
}

/// Everything that can be done with it; the answer is whether all went well.
fn exercise(scratch: &Fixture) -> Result<(), Error> {
    let mut store = SqliteStore::open(&scratch.path())?;
    store.has_pending_work()?;
    let cluster = store.load()?;
    store.events(&EventFilter { failed_only: true, ..EventFilter::default() })?;
    store.events(&EventFilter {
        target: Some(state_key(1, 1).target),
        limit: Some(3),
        ..EventFilter::default()
    })?;
    store.events(&EventFilter {
        package: Some(state_key(1, 1).package),
        run: Some(RunId(1)),
        ..EventFilter::default()
    })?;
    store.runs(3)?;
    store.unfinished_runs()?;
    store.values(state_key(1, 1).package, None)?;
    let touch = |(key, row): (StateKey, &PackageState)| Change::UpdateState(key, row.clone());
    store.commit(&cluster.all_states().map(touch).collect::<Vec<_>>())?;
    let run = store.start_run(&common::sample_run())?;
    store.commit(&[
        Change::StartEvent(Box::new(common::sample_event(run, 1))),
        Change::SetPhase(Phase::Netboot),
    ])
}

#[test]
fn a_whole_one_is_used() {
    exercise(&filled_fixture()).unwrap();
}

#[test]
fn no_page_makes_it_panic() {
    let scratch = filled_fixture();
    let whole = std::fs::read(scratch.path()).unwrap();
    let mut refused = 0;
    for page in 0..whole.len() / 4096 {
        for flip in [|byte: u8| !byte, |_| 0, |byte: u8| byte.rotate_left(1)] {
            let mut bytes = whole.clone();
            bytes[page * 4096..(page + 1) * 4096].iter_mut().for_each(|byte| *byte = flip(*byte));
            std::fs::write(scratch.path(), bytes).unwrap();
            refused += usize::from(exercise(&scratch).is_err());
            for left in ["-wal", "-shm"] {
                let mut name = scratch.path().into_os_string();
                name.push(left);
                let _ = std::fs::remove_file(name);
            }
        }
    }
    assert!(refused > 10, "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30)) {
        let scratch = filled_fixture();
        let size = usize::try_from(scratch.path().metadata().unwrap().len()).unwrap();
        let file = std::fs::File::options().write(true).open(scratch.path()).unwrap();
        for (at, byte) in changes {
            file.write_all_at(&[byte], at.index(size) as u64).unwrap();
        }
        let _ = exercise(&scratch);
    }
}

#[test]
fn what_cannot_be_is_said_with_its_place() {
    let cases = [
        ("UPDATE state SET requested = 9 WHERE target = 10 AND package = 1", "a stage of state (10, 1) is 9"),
        ("UPDATE state SET state = 7 WHERE target = 10 AND package = 2", "state (10, 2) is 7"),
        ("UPDATE target SET name = '../x' WHERE id = 3", "the name of target 3: `../x`"),
        ("UPDATE target SET id = -5 WHERE id = 12", "the id -5 of a target is out of range"),
        ("UPDATE target SET image = 1 WHERE id = 3", "the image of target 3 does not exist"),
        ("UPDATE package SET name = 'a b' WHERE id = 1", "the name of package 1: `a b`"),
        ("UPDATE package_need SET needs = 77", "package_need (1, 77) refers to a missing row"),
        ("DELETE FROM target WHERE id = 50", "the states of target 50 refer to a missing row"),
        ("UPDATE assignment SET client = 1", "assignment (1, 1) refers to a missing row"),
        ("UPDATE image_seen SET image = 1", "image_seen (1, 1) refers to a missing row"),
        ("UPDATE rerun SET stage = 12", "the stage of rerun (1, 1) is 12"),
        ("UPDATE phase SET phase = 0", "the phase is 0"),
        ("DROP TABLE rerun", "no such table"),
        ("CREATE TRIGGER t AFTER UPDATE ON state BEGIN DELETE FROM run; END", "a trigger, `t`"),
        ("DELETE FROM phase", "no rows"),
        (
            "INSERT INTO package_requirement VALUES (77, 0, 'opkg-x')",
            "package_requirement (77) refers to a missing row",
        ),
    ];
    for (sql, flaw) in cases {
        let scratch = filled_fixture();
        let raw = rusqlite::Connection::open(scratch.path()).unwrap();
        raw.execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF").unwrap();
        raw.execute_batch(sql).unwrap();
        drop(raw);
        let error = exercise(&scratch).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{sql}: {error:?}");
        assert!(error.to_string().contains(flaw), "{sql}: {error}");
    }
}

#[test]
fn what_is_no_database_of_this_program_is_left_alone() {
    let scratch = Fixture::new();
    let path = scratch.path();
    assert!(matches!(SqliteStore::open(&path).unwrap_err(), Error::NotFound(_)));
    assert!(matches!(SqliteStore::open(scratch.directory.path()).unwrap_err(), Error::NotADatabase(_)));
    for foreign in [&b""[..], b"[request]\n", &[0; 8192], &[0xff; 5000]] {
        std::fs::write(&path, foreign).unwrap();
        assert!(matches!(SqliteStore::open(&path).unwrap_err(), Error::NotADatabase(_)), "{}", foreign.len());
        assert!(matches!(SqliteStore::create(&path).unwrap_err(), Error::AlreadyExists(_)));
        assert_eq!(std::fs::read(&path).unwrap(), foreign);
    }
    std::fs::remove_file(&path).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE target (id)").unwrap();
    assert!(matches!(SqliteStore::open(&path).unwrap_err(), Error::NotADatabase(_)));
}

#[test]
fn a_newer_schema_is_refused_untouched() {
    let scratch = filled_fixture();
    let raw = rusqlite::Connection::open(scratch.path()).unwrap();
    raw.execute_batch("PRAGMA user_version = 4000; DROP TABLE state").unwrap();
    drop(raw);
    let error = SqliteStore::open(&scratch.path()).unwrap_err();
    assert!(matches!(error, Error::SchemaTooNew { found: 4000, .. }), "{error:?}");
}

#[test]
fn a_new_one_replaces_nothing_and_is_its_owners() {
    let scratch = filled_fixture();
    assert!(matches!(SqliteStore::create(&scratch.path()).unwrap_err(), Error::AlreadyExists(_)));
    exercise(&scratch).unwrap();
    assert_eq!(scratch.path().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let names = || std::fs::read_dir(scratch.directory.path()).unwrap().count();
    assert_eq!(names(), 1);
    // The log of a deleted database would be played into the new one.
    std::fs::remove_file(scratch.path()).unwrap();
    let log = scratch.directory.path().join("oda.db-wal");
    std::fs::write(&log, "x").unwrap();
    let error = SqliteStore::create(&scratch.path()).unwrap_err();
    assert!(matches!(&error, Error::AlreadyExists(path) if *path == log), "{error}");
    let nowhere = scratch.directory.path().join("nowhere/oda.db");
    assert!(SqliteStore::create(&nowhere).is_err());
}

#[test]
fn who_waits_too_long_is_told() {
    let scratch = filled_fixture();
    let other = rusqlite::Connection::open(scratch.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let options = OpenOptions { busy_timeout: Duration::from_millis(30), ..OpenOptions::default() };
    let mut store = options.open(&scratch.path()).unwrap();
    store.load().unwrap();
    let error = store.commit(&[Change::SetPhase(Phase::Netboot)]).unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error:?}");
    other.execute_batch("COMMIT").unwrap();
    store.commit(&[Change::SetPhase(Phase::Netboot)]).unwrap();
}

#[test]
#[ignore = "a process of its own, for the test below"]
fn counts() {
    let mut store = SqliteStore::open(&common::file_from_env()).unwrap();
    for _ in 0..100 {
        store
            .update(&mut |cluster| {
                let row = cluster.state(state_key(10, 1)).unwrap();
                vec![Change::UpdateState(
                    state_key(10, 1),
                    PackageState { attempts: row.attempts + 1, ..row.clone() },
                )]
            })
            .unwrap();
    }
}

#[test]
fn two_write_at_a_time() {
    let scratch = filled_fixture();
    let mut store = SqliteStore::open(&scratch.path()).unwrap();
    assert!(!store.has_changed().unwrap());
    let mut children =
        [(); 2].map(|()| common::child_test("errors::counts", scratch.path()).spawn().unwrap());
    assert!(children.iter_mut().all(|it| it.wait().unwrap().success()));
    assert!(store.has_changed().unwrap());
    assert!(!store.has_changed().unwrap());
    assert_eq!(store.load().unwrap().state(state_key(10, 1)).unwrap().attempts, 200);
}

#[test]
#[ignore = "on a small disk, for the test below"]
fn fills() {
    let path = common::file_from_env();
    let mut store = SqliteStore::create(&path).unwrap();
    store.commit(&common::sample_cluster()).unwrap();
    let run = store.start_run(&common::sample_run()).unwrap();
    let mut ending = common::sample_result(opkg_oda::RunStatus::Done);
    ending.log_tail = "x".repeat(30_000);
    let error = (1..).find_map(|number| {
        let event = opkg_oda::Event { result: Some(ending.clone()), ..common::sample_event(run, number) };
        store.commit(&[Change::StartEvent(Box::new(event))]).err().map(|error| (number, error))
    });
    let (number, error) = error.unwrap();
    assert!(matches!(error, Error::DiskFull(_)), "{error:?}");
    assert!(number > 3, "{number}");
    assert_eq!(store.events(&EventFilter::default()).unwrap().len(), number as usize - 1);
    std::fs::remove_file(path.with_file_name("ballast")).unwrap();
    store.commit(&[Change::SetPhase(Phase::Netboot)]).unwrap();
}

#[test]
fn a_full_disk_loses_nothing() {
    let scratch = Fixture::new();
    let mount =
        "mount -t tmpfs -o size=1m none \"$DIRECTORY\"; head -c 200000 /dev/zero > \"$DIRECTORY/ballast\"";
    if let Some(output) = common::run_in_mount_namespace("errors::fills", &scratch, mount) {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
#[ignore = "on a disk that cannot be written, for the test below"]
fn cannot_write() {
    let path = common::file_from_env();
    // With no log to read it may be opened or not; either way it is the same complaint.
    let error = SqliteStore::open(&path)
        .and_then(|mut store| store.commit(&[Change::SetPhase(Phase::Netboot)]))
        .unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
    let error = SqliteStore::create(&path.with_file_name("new.db")).unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
}

#[test]
fn a_disk_that_cannot_be_written() {
    let scratch = filled_fixture();
    let mount = "mount --bind \"$DIRECTORY\" \"$DIRECTORY\"; mount -o remount,ro,bind \"$DIRECTORY\"";
    if let Some(output) = common::run_in_mount_namespace("errors::cannot_write", &scratch, mount) {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
