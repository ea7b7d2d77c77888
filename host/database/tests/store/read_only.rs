//! Reading without writing: on a disk that cannot be written, with the rights of a user who may only read, and beside
//! somebody who writes.

use crate::common;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use crate::common::Fixture;
use opkg_oda::{Change, Error, EventFilter, Phase, Store, TargetKind};
use opkg_sqlite::SqliteStore;

fn files(scratch: &Fixture) -> BTreeSet<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(scratch.directory.path()).unwrap().map(Result::unwrap);
    entries.map(|it| (it.file_name().into_string().unwrap(), std::fs::read(it.path()).unwrap())).collect()
}

fn filled() -> Fixture {
    let scratch = Fixture::new();
    scratch.create().commit(&common::sample_cluster()).unwrap();
    scratch
}

#[test]
fn nothing_is_written_and_all_is_read() {
    let scratch = filled();
    let before = files(&scratch);
    let mut store = SqliteStore::open_read_only(&scratch.path()).unwrap();
    assert_eq!(store.load().unwrap().targets.len(), 3);
    assert!(store.is_copy() && !store.has_changed().unwrap());
    drop(store);
    assert_eq!(files(&scratch), before, "neither the database nor anything beside it");
    assert!(matches!(
        SqliteStore::open_read_only(&scratch.directory.path().join("none")).unwrap_err(),
        Error::NotFound(_)
    ));
    let foreign = scratch.directory.path().join("foreign");
    std::fs::write(&foreign, "no database").unwrap();
    assert!(matches!(SqliteStore::open_read_only(&foreign).unwrap_err(), Error::NotADatabase(_)));
}

#[test]
#[ignore = "a process of its own, for the test below"]
fn leaves_a_log() {
    let path = common::file_from_env();
    let mut store = SqliteStore::open(&path).unwrap();
    store.commit(&[Change::SetPhase(Phase::Netboot)]).unwrap();
    // Killed, it leaves its write-ahead log to whoever comes next.
    std::process::Command::new("sh").args(["-c", "kill -9 $PPID"]).status().unwrap();
}

#[test]
fn what_a_killed_process_committed_is_read_from_its_log() {
    let scratch = filled();
    let status = common::child_test("read_only::leaves_a_log", scratch.path()).status().unwrap();
    assert!(!status.success());
    assert!(scratch.directory.path().join("oda.db-wal").metadata().unwrap().len() > 0);
    for without in ["", "-shm"] {
        if !without.is_empty() {
            std::fs::remove_file(scratch.directory.path().join(format!("oda.db{without}"))).unwrap();
        }
        let before = files(&scratch);
        let mut store = SqliteStore::open_read_only(&scratch.path()).unwrap();
        assert_eq!(store.load().unwrap().phase, Phase::Netboot, "{without}");
        drop(store);
        assert_eq!(files(&scratch), before, "{without}");
    }
}

#[test]
#[ignore = "on a disk that cannot be written, for the test below"]
fn reads() {
    let mut store = SqliteStore::open_read_only(&common::file_from_env()).unwrap();
    assert_eq!(store.load().unwrap().targets.len(), 3);
    store.events(&EventFilter::default()).unwrap();
    store.runs(9).unwrap();
}

#[test]
fn a_disk_that_cannot_be_written_is_read() {
    let scratch = filled();
    let mount = "mount --bind \"$DIRECTORY\" \"$DIRECTORY\"; mount -o remount,ro,bind \"$DIRECTORY\"";
    if let Some(output) = common::run_in_mount_namespace("read_only::reads", &scratch, mount) {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn a_user_who_may_only_read_reads() {
    // Whoever is root may do everything: another user is needed to see it.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let scratch = filled();
    std::fs::set_permissions(scratch.directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let program = scratch.directory.path().join("reader");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let run = || {
        let mut reader = std::process::Command::new("setpriv");
        reader.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        reader.args(["--exact", "read_only::reads", "--ignored"]).env("ODA_TEST_DATABASE", scratch.path());
        reader.output().unwrap()
    };
    assert!(!run().status.success(), "it is its owner's alone");
    std::fs::set_permissions(scratch.path(), PermissionsExt::from_mode(0o644)).unwrap();
    let output = run();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let names: BTreeSet<String> = files(&scratch).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, BTreeSet::from(["oda.db".to_owned(), "reader".to_owned()]));
}

#[test]
#[ignore = "a process of its own, for the test below"]
fn writes_on() {
    let mut store = SqliteStore::open(&common::file_from_env()).unwrap();
    for number in 0..40 {
        let clients = (0..20).map(|client| {
            Change::PutTarget(common::target(1_000 + number * 20 + client, TargetKind::Client))
        });
        store.commit(&clients.collect::<Vec<_>>()).unwrap();
    }
}

#[test]
fn beside_somebody_who_writes_whole_commits_are_read() {
    let scratch = filled();
    let mut writer = common::child_test("read_only::writes_on", scratch.path()).spawn().unwrap();
    let mut seen = 0;
    while writer.try_wait().unwrap().is_none() {
        let mut store = SqliteStore::open_read_only(&scratch.path()).unwrap();
        let clients = store.load().unwrap().targets.len() - 3;
        assert!(clients.is_multiple_of(20) && clients >= seen, "{clients} after {seen}");
        seen = clients;
    }
    assert!(writer.wait().unwrap().success());
}

#[test]
fn one_of_an_older_schema_is_read_and_left_as_it_is() {
    let scratch = Fixture::new();
    let old = rusqlite::Connection::open(scratch.path()).unwrap();
    old.pragma_update(None, "journal_mode", "WAL").unwrap();
    old.execute_batch(include_str!("../../../sqlite/src/schema-1.sql")).unwrap();
    old.execute_batch(
        "INSERT INTO target (id, kind, name) VALUES (1, 1, 'head');
        PRAGMA application_id = 1330662724; PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(old);
    let before = files(&scratch);
    let mut store = SqliteStore::open_read_only(&scratch.path()).unwrap();
    assert_eq!(store.load().unwrap().targets.len(), 1);
    drop(store);
    assert_eq!(files(&scratch), before);
}

/// Longer than what file systems do not tell apart.
const QUIET: std::time::Duration = std::time::Duration::from_millis(50);

#[test]
fn whatever_its_name_is_it_is_read() {
    for name in ["oda.db", "a b.db", "50%.db", "what?immutable=0.db", "#1.db", "né.db", "%41.db"] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        drop(SqliteStore::create_with(&path, &common::sample_cluster()).unwrap());
        std::thread::sleep(QUIET);
        let mut reader = SqliteStore::open_read_only(&path).unwrap();
        assert_eq!(reader.load().unwrap().targets.len(), 3, "{name}");
        let left: Vec<_> =
            std::fs::read_dir(directory.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(left, [std::ffi::OsString::from(name)]);
    }
}

#[test]
fn what_is_written_while_it_is_read_is_read_whole() {
    let scratch = Fixture::new();
    drop(SqliteStore::create_with(&scratch.path(), &common::sample_cluster()).unwrap());
    std::thread::sleep(QUIET);
    let mut reader = SqliteStore::open_read_only(&scratch.path()).unwrap();
    assert!(reader.is_copy());
    assert_eq!(reader.load().unwrap().phase, Phase::default());
    // Into the log, then into the file, where pages move.
    let mut writer = SqliteStore::open(&scratch.path()).unwrap();
    writer.commit(&[Change::SetPhase(Phase::Netboot)]).unwrap();
    let mut expected = writer.load().unwrap();
    assert_eq!(reader.load().unwrap(), expected);
    drop(writer);
    std::thread::sleep(QUIET);
    let mut reader = SqliteStore::open_read_only(&scratch.path()).unwrap();
    let mut writer = SqliteStore::open(&scratch.path()).unwrap();
    let targets = (10..500).map(|id| Change::PutTarget(common::target(id, TargetKind::Client)));
    writer.commit(&targets.collect::<Vec<_>>()).unwrap();
    expected = writer.load().unwrap();
    drop(writer);
    assert!(reader.load_overview().unwrap() == expected);
    assert_eq!(reader.runs(9).unwrap(), []);
}
