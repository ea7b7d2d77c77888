//! Killed at every point of every write: all of it is there afterwards, or nothing.

use crate::common;
use crate::common::{Backend, Scratch, on_both};
use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;

use opkg_oda::{Change, Cluster};

on_both! {
    every_write_has_its_points,
    killed_anywhere_a_write_is_whole_or_not_there,
    a_new_database_is_whole_or_not_there,
}

/// The writes of the child, in their order.
const WRITES: [&str; 3] = ["start_run", "commit", "update"];

#[test]
#[ignore = "a process of its own, for the tests below"]
fn writes() {
    let mut store = common::database_from_env().open().unwrap();
    let run = store.start_run(&common::sample_run()).unwrap();
    store.commit(&common::one_change_of_each_kind(run, 1)).unwrap();
    store.update(&mut |_| common::one_change_of_each_kind(run, 2)).unwrap();
}

fn new_fixture(backend: Backend) -> Scratch {
    let scratch = backend.scratch();
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

fn every_write_has_its_points(backend: Backend) {
    assert_eq!(Change::NAMES.into_iter().collect::<BTreeSet<_>>().len(), Change::NAMES.len());
    let scratch = new_fixture(backend);
    let trace = scratch.directory().join("trace");
    let output =
        common::child_test("crash::writes", &scratch).env("OPM_CRASH_TRACE", &trace).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let reached: BTreeSet<String> = std::fs::read_to_string(trace).unwrap().lines().map(Into::into).collect();
    assert_eq!(reached, expected_points());
}

/// How many of the child's writes are in the database.
fn count_writes(scratch: &Scratch) -> (usize, Cluster) {
    let mut store = scratch.open();
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

fn killed_anywhere_a_write_is_whole_or_not_there(backend: Backend) {
    let mut clusters: Vec<Option<Cluster>> = vec![None; 4];
    for point in expected_points() {
        let scratch = new_fixture(backend);
        let status = common::child_test("crash::writes", &scratch)
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
    common::database_from_env().create_with(&common::sample_cluster()).unwrap();
}

fn a_new_database_is_whole_or_not_there(backend: Backend) {
    let whole = new_fixture(backend);
    let expected = whole.open().load().unwrap();
    let kinds: BTreeSet<&str> = common::sample_cluster().iter().map(Change::name).collect();
    let within = kinds.into_iter().map(|name| (format!("create.within.{name}"), false));
    let points = [("create.before".to_owned(), false), ("create.after".to_owned(), true)];
    for (point, there) in within.chain(points) {
        let point = point.as_str();
        let scratch = backend.scratch();
        let status = common::child_test("crash::creates", &scratch)
            .env("OPM_CRASH_AT", point)
            .output()
            .unwrap()
            .status;
        assert_eq!(status.signal(), Some(9), "{point}");
        assert_eq!(scratch.location().open().is_ok(), there, "{point}");
        let opened = if there {
            scratch.location().open()
        } else {
            scratch.location().create_with(&common::sample_cluster())
        };
        assert_eq!(opened.unwrap().load().unwrap(), expected);
    }
}
