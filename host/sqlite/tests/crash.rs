//! Killed at every point of every write: all of it is there afterwards, or nothing.
#![allow(clippy::unwrap_used)]
#![cfg(debug_assertions)]

mod common;

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;

use common::Fixture;
use opkg_oda::{Change, Cluster, Store};
use opkg_sqlite::SqliteStore;

/// The writes of the child, in their order.
const WRITES: [&str; 3] = ["start_run", "commit", "update"];

#[test]
#[ignore = "a process of its own, for the tests below"]
fn writes() {
    let mut store = SqliteStore::open(&common::database_from_env()).unwrap();
    let run = store.start_run(&common::sample_run()).unwrap();
    store.commit(&common::one_change_of_each_kind(run, 1)).unwrap();
    store.update(&mut |_| common::one_change_of_each_kind(run, 2)).unwrap();
}

fn new_fixture() -> Fixture {
    let scratch = Fixture::new();
    scratch.create().commit(&common::sample_cluster()).unwrap();
    scratch
}

fn expected_points() -> BTreeSet<String> {
    let mut points = BTreeSet::new();
    for write in WRITES {
        points.extend(["before", "commit", "after"].map(|it| format!("{write}.{it}")));
    }
    points.insert("start_run.within".into());
    for write in ["commit", "update"] {
        points.extend(Change::NAMES.map(|name| format!("{write}.within.{name}")));
    }
    points
}

#[test]
fn every_write_has_its_points() {
    assert_eq!(Change::NAMES.into_iter().collect::<BTreeSet<_>>().len(), Change::NAMES.len());
    let scratch = new_fixture();
    let trace = scratch.directory.path().join("trace");
    let output =
        common::child_test("writes", &scratch.path()).env("OPM_CRASH_TRACE", &trace).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let reached: BTreeSet<String> = std::fs::read_to_string(trace).unwrap().lines().map(Into::into).collect();
    assert_eq!(reached, expected_points());
}

/// How many of the child's writes are in the database.
fn count_writes(scratch: &Fixture) -> (usize, Cluster) {
    let mut store = SqliteStore::open(&scratch.path()).unwrap();
    let cluster = store.load().unwrap();
    let runs = store.runs(9).unwrap();
    assert_eq!(
        store.unfinished_runs().unwrap().len(),
        usize::from(runs.len() == 1 && cluster.states.is_empty())
    );
    let events = store.events(&opkg_oda::EventFilter::default()).unwrap();
    assert!(events.iter().all(|it| it.result.is_some()), "{events:?}");
    let configured = store.values(opkg_oda::PackageId(1), None).unwrap().len();
    assert_eq!(configured, usize::from(!events.is_empty()));
    (runs.len() + events.len(), cluster)
}

#[test]
fn killed_anywhere_a_write_is_whole_or_not_there() {
    let mut clusters: Vec<Option<Cluster>> = vec![None; 4];
    for point in expected_points() {
        let scratch = new_fixture();
        let status = common::child_test("writes", &scratch.path())
            .env("OPM_CRASH_AT", &point)
            .output()
            .unwrap()
            .status;
        assert_eq!(status.signal(), Some(9), "{point}");
        let (name, place) = point.split_once('.').unwrap();
        let done = WRITES.iter().position(|it| *it == name).unwrap() + usize::from(place == "after");
        let (count, cluster) = count_writes(&scratch);
        assert_eq!(count, done, "{point}");
        let expected = clusters[done].get_or_insert_with(|| cluster.clone());
        assert_eq!(cluster, *expected, "{point}");
    }
    assert!(clusters.iter().all(Option::is_some));
    assert_ne!(clusters[1], clusters[2]);
}

#[test]
#[ignore = "a process of its own, for the test below"]
fn creates() {
    SqliteStore::create_with(&common::database_from_env(), &common::sample_cluster()).unwrap();
}

#[test]
fn a_new_database_is_whole_or_not_there() {
    let whole = new_fixture();
    let expected = SqliteStore::open(&whole.path()).unwrap().load().unwrap();
    let kinds: BTreeSet<&str> = common::sample_cluster().iter().map(Change::name).collect();
    let within = kinds.into_iter().map(|name| (format!("create.within.{name}"), false));
    let points = [("create.before".to_owned(), false), ("create.after".to_owned(), true)];
    for (point, there) in within.chain(points) {
        let point = point.as_str();
        let scratch = Fixture::new();
        let status = common::child_test("creates", &scratch.path())
            .env("OPM_CRASH_AT", point)
            .output()
            .unwrap()
            .status;
        assert_eq!(status.signal(), Some(9), "{point}");
        assert_eq!(scratch.path().exists(), there, "{point}");
        let opened = if there {
            SqliteStore::open(&scratch.path())
        } else {
            SqliteStore::create_with(&scratch.path(), &common::sample_cluster())
        };
        assert_eq!(opened.unwrap().load().unwrap(), expected);
    }
}
