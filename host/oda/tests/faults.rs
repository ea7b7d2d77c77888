//! What is wrong with a database, its disk or its place is said as what it is, and nothing is lost.
#![allow(clippy::unwrap_used)]

mod common;

use std::os::unix::fs::{FileExt, PermissionsExt};
use std::time::Duration;

use common::{Scratch, key};
use opkg_oda::{Change, Error, Key, Options, Phase, Row, RunId, Sqlite, Stage, Store, Wanted};
use proptest::prelude::*;

/// Two hundred states and a journal, in some dozens of pages.
fn filled() -> Scratch {
    let scratch = Scratch::new();
    let mut store = scratch.create();
    store.commit(&common::small()).unwrap();
    let run = store.start_run(&common::run()).unwrap();
    store.commit(&common::one_of_each(run, 1)).unwrap();
    let clients = (10..110).map(|id| Change::Target(common::target(id, opkg_oda::Kind::Client)));
    store.commit(&clients.collect::<Vec<_>>()).unwrap();
    let requests = (10..110).flat_map(|target| {
        [1, 2].map(|package| Change::Request { key: key(target, package), stage: Stage::Finished, at: 3 })
    });
    store.commit(&requests.collect::<Vec<_>>()).unwrap();
    let events = (2..40).map(|number| Change::Event(Box::new(common::event(run, number))));
    store.commit(&events.collect::<Vec<_>>()).unwrap();
    scratch
}

/// Everything that can be done with it; the answer is whether all went well.
fn used(scratch: &Scratch) -> Result<(), Error> {
    let mut store = Sqlite::open(&scratch.path())?;
    store.pending()?;
    let cluster = store.load()?;
    store.events(&Wanted { failed: true, ..Wanted::default() })?;
    store.events(&Wanted { target: Some(key(1, 1).target), limit: Some(3), ..Wanted::default() })?;
    store.events(&Wanted { package: Some(key(1, 1).package), run: Some(RunId(1)), ..Wanted::default() })?;
    store.runs(3)?;
    store.open_runs()?;
    store.values(key(1, 1).package, None)?;
    let touch = |(key, row): (Key, &Row)| Change::Progress(key, row.clone());
    store.commit(&cluster.all_rows().map(touch).collect::<Vec<_>>())?;
    let run = store.start_run(&common::run())?;
    store.commit(&[Change::Event(Box::new(common::event(run, 1))), Change::Phase(Phase::Netboot)])
}

#[test]
fn a_whole_one_is_used() {
    used(&filled()).unwrap();
}

#[test]
fn no_page_makes_it_panic() {
    let scratch = filled();
    let whole = std::fs::read(scratch.path()).unwrap();
    let mut refused = 0;
    for page in 0..whole.len() / 4096 {
        for flip in [|byte: u8| !byte, |_| 0, |byte: u8| byte.rotate_left(1)] {
            let mut bytes = whole.clone();
            bytes[page * 4096..(page + 1) * 4096].iter_mut().for_each(|byte| *byte = flip(*byte));
            std::fs::write(scratch.path(), bytes).unwrap();
            refused += usize::from(used(&scratch).is_err());
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
        let scratch = filled();
        let size = usize::try_from(scratch.path().metadata().unwrap().len()).unwrap();
        let file = std::fs::File::options().write(true).open(scratch.path()).unwrap();
        for (at, byte) in changes {
            file.write_all_at(&[byte], at.index(size) as u64).unwrap();
        }
        let _ = used(&scratch);
    }
}

#[test]
fn what_cannot_be_is_said_with_its_place() {
    let cases = [
        ("UPDATE state SET requested = 9 WHERE target = 10 AND package = 1", "a stage of state (10, 1) is 9"),
        ("UPDATE state SET state = 7 WHERE target = 10 AND package = 2", "state (10, 2) is 7"),
        ("UPDATE target SET name = '../x' WHERE id = 3", "the name of target 3: `../x`"),
        ("UPDATE target SET id = -5 WHERE id = 12", "the target -5 has no possible key"),
        ("UPDATE target SET image = 1 WHERE id = 3", "the target 3 is no client of an image"),
        ("UPDATE package SET name = 'a b' WHERE id = 1", "the name of package 1: `a b`"),
        ("UPDATE package_need SET needs = 77", "package_need (1, 77) refers to nothing"),
        ("DELETE FROM target WHERE id = 50", "the states of target 50 refer to nothing"),
        ("UPDATE assignment SET client = 1", "assignment (1, 1) refers to nothing"),
        ("UPDATE image_seen SET image = 1", "image_seen (1, 1) refers to nothing"),
        ("UPDATE rerun SET stage = 12", "the stage of rerun (1, 1) is 12"),
        ("UPDATE phase SET phase = 0", "the phase is 0"),
        ("DROP TABLE rerun", "no such table"),
        ("CREATE TRIGGER t AFTER UPDATE ON state BEGIN DELETE FROM run; END", "a trigger, `t`"),
        ("DELETE FROM phase", "no rows"),
    ];
    for (sql, flaw) in cases {
        let scratch = filled();
        let raw = rusqlite::Connection::open(scratch.path()).unwrap();
        raw.execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF").unwrap();
        raw.execute_batch(sql).unwrap();
        drop(raw);
        let error = used(&scratch).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{sql}: {error:?}");
        assert!(error.to_string().contains(flaw), "{sql}: {error}");
    }
}

#[test]
fn what_is_no_database_of_this_program_is_left_alone() {
    let scratch = Scratch::new();
    let path = scratch.path();
    assert!(matches!(Sqlite::open(&path).unwrap_err(), Error::Missing(_)));
    assert!(matches!(Sqlite::open(scratch.directory.path()).unwrap_err(), Error::Foreign(_)));
    for foreign in [&b""[..], b"[request]\n", &[0; 8192], &[0xff; 5000]] {
        std::fs::write(&path, foreign).unwrap();
        assert!(matches!(Sqlite::open(&path).unwrap_err(), Error::Foreign(_)), "{}", foreign.len());
        assert!(matches!(Sqlite::create(&path).unwrap_err(), Error::Exists(_)));
        assert_eq!(std::fs::read(&path).unwrap(), foreign);
    }
    std::fs::remove_file(&path).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE target (id)").unwrap();
    assert!(matches!(Sqlite::open(&path).unwrap_err(), Error::Foreign(_)));
}

#[test]
fn a_newer_schema_is_refused_untouched() {
    let scratch = filled();
    let raw = rusqlite::Connection::open(scratch.path()).unwrap();
    raw.execute_batch("PRAGMA user_version = 4000; DROP TABLE state").unwrap();
    drop(raw);
    let error = Sqlite::open(&scratch.path()).unwrap_err();
    assert!(matches!(error, Error::Newer { found: 4000, .. }), "{error:?}");
}

#[test]
fn a_new_one_replaces_nothing_and_is_its_owners() {
    let scratch = filled();
    assert!(matches!(Sqlite::create(&scratch.path()).unwrap_err(), Error::Exists(_)));
    used(&scratch).unwrap();
    assert_eq!(scratch.path().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let names = || std::fs::read_dir(scratch.directory.path()).unwrap().count();
    assert_eq!(names(), 1);
    // The log of a deleted database would be played into the new one.
    std::fs::remove_file(scratch.path()).unwrap();
    let log = scratch.directory.path().join("oda.db-wal");
    std::fs::write(&log, "x").unwrap();
    let error = Sqlite::create(&scratch.path()).unwrap_err();
    assert!(matches!(&error, Error::Exists(path) if *path == log), "{error}");
    let nowhere = scratch.directory.path().join("nowhere/oda.db");
    assert!(Sqlite::create(&nowhere).is_err());
}

#[test]
fn who_waits_too_long_is_told() {
    let scratch = filled();
    let other = rusqlite::Connection::open(scratch.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let options = Options { patience: Duration::from_millis(30), ..Options::default() };
    let mut store = options.open(&scratch.path()).unwrap();
    store.load().unwrap();
    let error = store.commit(&[Change::Phase(Phase::Netboot)]).unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error:?}");
    other.execute_batch("COMMIT").unwrap();
    store.commit(&[Change::Phase(Phase::Netboot)]).unwrap();
}

#[test]
#[ignore = "a process of its own, for the test below"]
fn counts() {
    let mut store = Sqlite::open(&common::told()).unwrap();
    for _ in 0..100 {
        store
            .update(&mut |cluster| {
                let row = cluster.row(key(10, 1)).unwrap();
                vec![Change::Progress(key(10, 1), Row { attempts: row.attempts + 1, ..row.clone() })]
            })
            .unwrap();
    }
}

#[test]
fn two_write_at_a_time() {
    let scratch = filled();
    let mut store = Sqlite::open(&scratch.path()).unwrap();
    assert!(!store.changed().unwrap());
    let mut children = [(); 2].map(|()| common::again("counts", &scratch.path()).spawn().unwrap());
    assert!(children.iter_mut().all(|it| it.wait().unwrap().success()));
    assert!(store.changed().unwrap());
    assert!(!store.changed().unwrap());
    assert_eq!(store.load().unwrap().row(key(10, 1)).unwrap().attempts, 200);
}

#[test]
#[ignore = "on a small disk, for the test below"]
fn fills() {
    let path = common::told();
    let mut store = Sqlite::create(&path).unwrap();
    store.commit(&common::small()).unwrap();
    let run = store.start_run(&common::run()).unwrap();
    let mut ending = common::ending(opkg_oda::Verdict::Done);
    ending.tail = "x".repeat(30_000);
    let error = (1..).find_map(|number| {
        let event = opkg_oda::Event { ending: Some(ending.clone()), ..common::event(run, number) };
        store.commit(&[Change::Event(Box::new(event))]).err().map(|error| (number, error))
    });
    let (number, error) = error.unwrap();
    assert!(matches!(error, Error::Full(_)), "{error:?}");
    assert!(number > 3, "{number}");
    assert_eq!(store.events(&Wanted::default()).unwrap().len(), number as usize - 1);
    std::fs::remove_file(path.with_file_name("ballast")).unwrap();
    store.commit(&[Change::Phase(Phase::Netboot)]).unwrap();
}

#[test]
fn a_full_disk_loses_nothing() {
    let scratch = Scratch::new();
    let mount =
        "mount -t tmpfs -o size=1m none \"$DIRECTORY\"; head -c 200000 /dev/zero > \"$DIRECTORY/ballast\"";
    if let Some(output) = common::mounted("fills", &scratch, mount) {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
#[ignore = "on a disk that cannot be written, for the test below"]
fn cannot_write() {
    let path = common::told();
    // With no log to read it may be opened or not; either way it is the same complaint.
    let error =
        Sqlite::open(&path).and_then(|mut store| store.commit(&[Change::Phase(Phase::Netboot)])).unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
    let error = Sqlite::create(&path.with_file_name("new.db")).unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error:?}");
}

#[test]
fn a_disk_that_cannot_be_written() {
    let scratch = filled();
    let mount = "mount --bind \"$DIRECTORY\" \"$DIRECTORY\"; mount -o remount,ro,bind \"$DIRECTORY\"";
    if let Some(output) = common::mounted("cannot_write", &scratch, mount) {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
