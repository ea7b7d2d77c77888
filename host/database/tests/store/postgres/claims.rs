//! Who works on what: one engine at a time, and who was cut off cannot write over its successor.

use std::time::Duration;

use opkg_database::Database;
use opkg_oda::{Change, Error, PackageState, Stage, TargetId, WorkState};

use super::filled;
use crate::common::{self, Scratch, state_key};

fn ids(ids: &[i64]) -> Vec<TargetId> {
    ids.iter().copied().map(TargetId).collect()
}

fn progress(attempts: u32) -> Change {
    Change::UpdateState(
        state_key(1, 1),
        PackageState { work_state: WorkState::Running, attempts, ..PackageState::new(Stage::Finished, 1) },
    )
}

fn attempts(store: &mut Database) -> u32 {
    store.load_state(state_key(1, 1)).unwrap().unwrap().attempts
}

/// From now on a lease runs out at once; engines so far are of another machine.
fn end_leases(scratch: &Scratch) {
    scratch.sql("UPDATE opm.settings SET lease = '1 millisecond'; UPDATE opm.engine SET boot = 'elsewhere'");
    std::thread::sleep(Duration::from_millis(10));
}

#[test]
fn one_engine_at_a_time_for_each_target() {
    let Some(scratch) = filled() else { return };
    let (mut one, mut other) = (scratch.open(), scratch.open());
    let held = one.lock(&ids(&[1, 2, 1])).unwrap().unwrap();
    for (wanted, first) in [(&[2][..], 2), (&[3, 1], 1), (&[1, 2, 3], 1)] {
        let holder = other.lock(&ids(wanted)).unwrap().unwrap_err();
        assert_eq!((holder.target, holder.pid), (TargetId(first), Some(std::process::id())), "{wanted:?}");
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(holder.host.as_deref(), Some(host.trim()));
        assert!(holder.locked_since.is_some());
    }
    // A refusal keeps nothing: 3 is free.
    let rest = other.lock(&ids(&[3])).unwrap().unwrap();
    one.lock(&ids(&[3])).unwrap().unwrap_err();
    drop(held);
    drop(rest);
    drop(one.lock(&ids(&[1, 2, 3])).unwrap().unwrap());
    drop(other.lock(&[]).unwrap().unwrap());
    assert_eq!(
        scratch.sql("SELECT count(*) FROM opm.engine"),
        "0\n",
        "nothing is left of engines that ended"
    );
    other.lock(&ids(&[99])).unwrap_err();
}

#[test]
fn who_was_cut_off_cannot_write_over_its_successor() {
    let Some(scratch) = filled() else { return };
    let (mut cut_off, mut successor) = (scratch.open(), scratch.open());
    let old = cut_off.lock(&ids(&[1])).unwrap().unwrap();
    cut_off.commit(&[progress(1)]).unwrap();
    end_leases(&scratch);
    let new = successor.lock(&ids(&[1])).unwrap().unwrap();
    scratch.sql("UPDATE opm.settings SET lease = '60 seconds'");
    successor.commit(&[progress(5)]).unwrap();
    let error = cut_off.commit(&[progress(2)]).unwrap_err();
    assert!(matches!(error, Error::Superseded(_)), "{error}");
    let error = cut_off.start_run(&common::sample_run()).unwrap_err();
    assert!(matches!(error, Error::Superseded(_)), "{error}");
    assert_eq!(attempts(&mut cut_off), 5);
    assert!(cut_off.runs(9).unwrap().is_empty());
    // Its end is not the end of the other one.
    drop(old);
    cut_off.lock(&ids(&[1])).unwrap().unwrap_err();
    successor.commit(&[progress(6)]).unwrap();
    drop(new);
    let _again = cut_off.lock(&ids(&[1])).unwrap().unwrap();
    cut_off.commit(&[progress(7)]).unwrap();
    assert_eq!(attempts(&mut successor), 7);
}

#[test]
fn a_lease_that_ran_out_is_good_as_long_as_nobody_took_over() {
    let Some(scratch) = filled() else { return };
    let mut store = scratch.open();
    let _held = store.lock(&ids(&[1])).unwrap().unwrap();
    end_leases(&scratch);
    store.commit(&[progress(1)]).unwrap();
    assert_eq!(attempts(&mut store), 1);
}

#[test]
fn a_successor_finds_the_run_that_it_took_over_from_and_nobody_else_does() {
    let Some(scratch) = filled() else { return };
    let (mut dead, mut successor) = (scratch.open(), scratch.open());
    let old = dead.lock(&ids(&[1])).unwrap().unwrap();
    let elsewhere = opkg_oda::ProcessIdentity { boot_id: "another machine".into(), started_ticks: 1 };
    let run = opkg_oda::Run { process: Some(elsewhere), ..common::sample_run() };
    let id = dead.start_run(&run).unwrap();
    assert!(successor.unfinished_runs().unwrap().is_empty(), "it may live");
    end_leases(&scratch);
    let _new = successor.lock(&ids(&[1])).unwrap().unwrap();
    let found = successor.unfinished_runs().unwrap();
    assert_eq!(found.iter().map(|found| (found.run.id, found.is_dead)).collect::<Vec<_>>(), [(id, true)]);
    drop(old);
}

/// The process of an engine died, and its run is ended: nobody has to wait for its lease.
#[test]
fn who_ends_the_run_of_a_process_that_died_frees_its_targets() {
    let Some(scratch) = filled() else { return };
    let (mut dead, mut other) = (scratch.open(), scratch.open());
    let held = dead.lock(&ids(&[1])).unwrap().unwrap();
    let run = dead.start_run(&common::sample_run()).unwrap();
    std::mem::forget(held);
    other.lock(&ids(&[1])).unwrap().unwrap_err();
    other.commit(&[Change::EndRun { run, ended_at: 1, status: opkg_oda::RunStatus::Interrupted }]).unwrap();
    drop(other.lock(&ids(&[1])).unwrap().unwrap());
}

#[test]
fn an_engine_that_says_that_it_is_there_keeps_its_targets() {
    let Some(scratch) = filled() else { return };
    let (mut one, mut other) = (scratch.open(), scratch.open());
    let _held = one.lock(&ids(&[1])).unwrap().unwrap();
    scratch.sql("UPDATE opm.engine SET boot = 'elsewhere', seen = seen - interval '59 seconds'");
    one.renew_lock();
    scratch.sql("UPDATE opm.engine SET seen = seen - interval '59 seconds'");
    other.lock(&ids(&[1])).unwrap().unwrap_err();
    scratch.sql("UPDATE opm.engine SET seen = seen - interval '2 seconds'");
    drop(other.lock(&ids(&[1])).unwrap().unwrap());
}

#[test]
fn what_others_write_is_news_and_what_oneself_writes_is_not() {
    let Some(scratch) = filled() else { return };
    let (mut engine, mut administrator) = (scratch.open(), scratch.open());
    let held = engine.lock(&ids(&[1])).unwrap().unwrap();
    engine.has_changed().unwrap();
    administrator.has_changed().unwrap();
    engine.commit(&[progress(1)]).unwrap();
    assert!(!engine.has_changed().unwrap());
    assert!(administrator.has_changed().unwrap() && !administrator.has_changed().unwrap());
    let request = Change::Request { key: state_key(2, 1), stage: Stage::Finished, requested_at: 1 };
    administrator.commit(std::slice::from_ref(&request)).unwrap();
    assert!(engine.has_changed().unwrap() && !engine.has_changed().unwrap());
    assert!(!administrator.has_changed().unwrap());
    administrator.update(&mut |_| vec![request.clone()]).unwrap();
    assert!(engine.has_changed().unwrap());
    // What another engine does to its targets does not concern this one.
    let mut other = scratch.open();
    let held_by_other = other.lock(&ids(&[3])).unwrap().unwrap();
    other.commit(&[Change::SetRootId { target: TargetId(3), id: None }]).unwrap();
    drop(held_by_other);
    assert!(!engine.has_changed().unwrap());
    assert!(administrator.has_changed().unwrap());
    // That an engine ended hides nothing that it wrote.
    engine.commit(&[progress(2)]).unwrap();
    drop(held);
    assert!(administrator.has_changed().unwrap());
}

/// What an engine read before it locked its target is all it needs to know, unless somebody wrote in between.
#[test]
fn what_was_read_before_a_lock_holds_until_somebody_writes() {
    let Some(scratch) = filled() else { return };
    let target = TargetId(3);
    type Write = fn(&Scratch);
    let by_another_engine: Write = |scratch| {
        let mut other = scratch.open();
        let held = other.lock(&[TargetId(3)]).unwrap().unwrap();
        let state = PackageState { attempts: 3, ..PackageState::new(Stage::Finished, 1) };
        other.commit(&[Change::UpdateState(state_key(3, 1), state)]).unwrap();
        drop(held);
    };
    let by_an_engine_elsewhere: Write = |scratch| {
        let mut other = scratch.open();
        let held = other.lock(&[TargetId(2)]).unwrap().unwrap();
        other.commit(&[Change::SetRootId { target: TargetId(2), id: Some("other".into()) }]).unwrap();
        drop(held);
    };
    let by_an_administrator: Write = |scratch| {
        let request = Change::Request { key: state_key(2, 1), stage: Stage::Finished, requested_at: 1 };
        scratch.open().commit(&[request]).unwrap();
    };
    scratch
        .open()
        .commit(&[Change::Request { key: state_key(3, 1), stage: Stage::Finished, requested_at: 1 }])
        .unwrap();
    for (name, write, is_current) in [
        ("nobody", (|_| ()) as Write, true),
        ("an engine elsewhere", by_an_engine_elsewhere, true),
        ("an engine with this target", by_another_engine, false),
        ("an administrator", by_an_administrator, false),
    ] {
        let mut engine = scratch.open();
        assert!(!engine.is_part_current().unwrap(), "nothing was read");
        engine.load_part_overview(&[target].into()).unwrap();
        write(&scratch);
        let held = engine.lock(&[target]).unwrap().unwrap();
        assert_eq!(engine.is_part_current().unwrap(), is_current, "{name} wrote");
        if is_current {
            // From now on what is asked for is news.
            assert!(!engine.has_changed().unwrap());
            by_an_administrator(&scratch);
            assert!(engine.has_changed().unwrap());
        }
        drop(held);
    }
    // Of another part, and of all that the head node needs, nothing is known.
    let mut engine = scratch.open();
    engine.load_part_overview(&[target].into()).unwrap();
    engine.load_part(&[target].into()).unwrap();
    let _held = engine.lock(&[target]).unwrap().unwrap();
    assert!(!engine.is_part_current().unwrap());
    engine.load_part_overview(&[TargetId(1)].into()).unwrap();
    assert!(!engine.is_part_current().unwrap());
}
