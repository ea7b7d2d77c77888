//! Engines that wait for work: woken up by whoever asks for some, in limited number.

use std::time::Duration;

use opkg_oda::{Change, PackageId, Stage, TargetId};

use super::filled;
use crate::common::state_key;

/// Nobody waits for so long in these tests, unless something is wrong.
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);

fn request() -> Change {
    Change::Request { key: state_key(2, 1), stage: Stage::Finished, requested_at: 1 }
}

#[test]
fn requests_and_hand_overs_wake_up_and_progress_does_not() {
    let Some(scratch) = filled() else { return };
    let (mut node, mut head) = (scratch.open(), scratch.open());
    assert!(node.subscribe().unwrap());
    assert!(!node.wait_for_change(SHORT).unwrap());
    head.commit(&[request()]).unwrap();
    assert!(node.wait_for_change(LONG).unwrap());
    assert!(!node.wait_for_change(SHORT).unwrap(), "once for each");
    head.update(&mut |_| vec![request(), request()]).unwrap();
    assert!(node.wait_for_change(LONG).unwrap());
    let held = head.lock(&[TargetId(1)]).unwrap().unwrap();
    head.commit(&[Change::SetRootId { target: TargetId(1), id: None }]).unwrap();
    assert!(!node.wait_for_change(SHORT).unwrap(), "another engine goes on with its own");
    let assign = Change::Assign { package: PackageId(1), client: TargetId(3), handed_over_at: Some(1) };
    head.commit(&[assign]).unwrap();
    assert!(node.wait_for_change(LONG).unwrap());
    drop(held);
    // What came while nobody waited is not missed.
    head.commit(&[request()]).unwrap();
    node.load_targets().unwrap();
    assert!(node.wait_for_change(LONG).unwrap());
}

#[test]
fn there_are_no_more_listeners_than_places() {
    let Some(scratch) = filled() else { return };
    scratch.sql("UPDATE opm.settings SET listeners = 2");
    let mut listeners: Vec<_> = (0..3).map(|_| scratch.open()).collect();
    let has_place: Vec<bool> = listeners.iter_mut().map(|store| store.subscribe().unwrap()).collect();
    assert_eq!(has_place, [true, true, false]);
    // A place belongs to its session.
    listeners.remove(0);
    let freed = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        listeners[1].subscribe().unwrap()
    });
    assert!(freed);
    scratch.sql("UPDATE opm.settings SET listeners = 0");
    assert!(!scratch.open().subscribe().unwrap());
}

/// Whoever watches asks for its place each time it looks.
#[test]
fn nobody_takes_more_than_one_place() {
    let Some(scratch) = filled() else { return };
    scratch.sql("UPDATE opm.settings SET listeners = 3");
    let (mut one, mut other) = (scratch.open(), scratch.open());
    assert!((0..20).all(|_| one.subscribe().unwrap()));
    assert!((0..20).all(|_| other.subscribe().unwrap()));
    // The server lists the locks of all its databases, those of other tests too.
    let places = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
        WHERE datname = current_database() AND classid = 1330662726";
    assert_eq!(scratch.sql(places), "2\n");
    assert!(scratch.open().subscribe().unwrap());
}

#[test]
fn who_waits_hears_of_the_end_of_its_connection() {
    let Some(scratch) = filled() else { return };
    let mut node = scratch.open();
    assert!(node.subscribe().unwrap());
    scratch.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'opm'",
    );
    assert!(node.wait_for_change(LONG).unwrap());
    assert!(node.subscribe().unwrap(), "over a new connection");
}
