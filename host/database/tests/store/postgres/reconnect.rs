//! Connections that break in the middle of work: it goes on, and nothing is done twice.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use opkg_oda::{Change, Error, Event, EventFilter, PackageState, RunStatus, Stage, TargetId};

use super::filled;
use crate::common::{self, Scratch, state_key};

/// Ends all sessions of the database but the one that asks; returns how many.
fn end_sessions(scratch: &Scratch) -> u32 {
    let ended = scratch.sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'opm'",
    );
    ended.trim().parse().unwrap()
}

#[test]
fn what_is_read_is_read_over_a_new_connection() {
    let Some(scratch) = filled() else { return };
    let mut store = scratch.open();
    let before = store.load().unwrap();
    assert_eq!(end_sessions(&scratch), 1);
    assert_eq!(store.load().unwrap(), before);
}

#[test]
fn a_write_that_is_repeated_is_done_once() {
    let Some(scratch) = filled() else { return };
    let mut store = scratch.open();
    let _held = store.lock(&[TargetId(1)]).unwrap().unwrap();
    let new = r#"{"started": 1, "host": "h", "process": 2, "command": "c"}"#;
    let begin = format!("SELECT opm.start_run((SELECT id FROM opm.engine), 1, '{new}')");
    assert_eq!(scratch.sql(&begin), scratch.sql(&begin));
    assert_eq!(scratch.sql("SELECT count(*) FROM opm.run"), "1\n");
    let commit = r#"SELECT opm.commit((SELECT id FROM opm.engine), 2,
        '[{"kind": "event", "rows": [{"run": 1, "number": 1, "started": 1, "target": 1, "stage": 1, "step": 1,
            "name": "n", "packages": []}]}]')"#;
    scratch.sql(commit);
    scratch.sql(commit);
    assert_eq!(scratch.sql("SELECT count(*) FROM opm.event"), "1\n");
}

/// An administrator's command that lost its server says so: nobody knows whether it was done.
#[test]
fn who_is_no_engine_is_told() {
    let Some(scratch) = filled() else { return };
    let mut store = scratch.open();
    end_sessions(&scratch);
    let request = Change::Request { key: state_key(1, 1), stage: Stage::Finished, requested_at: 1 };
    match store.commit(std::slice::from_ref(&request)) {
        Err(Error::Unreachable { .. }) => {}
        done => panic!("{done:?}"),
    }
    store.commit(&[request]).unwrap();
}

/// The sessions of an engine are ended 500 times, at any time, while it works.
#[test]
fn an_engine_whose_sessions_end_at_any_time_does_everything_once() {
    const KILLS: u32 = 500;
    let Some(scratch) = filled() else { return };
    let (kills, is_done) = (AtomicU32::new(0), AtomicBool::new(false));
    let written = std::thread::scope(|scope| {
        let killer = scope.spawn(|| {
            // One statement that ends sessions for a while costs less than many commands.
            while !is_done.load(Ordering::Relaxed) {
                let ended = scratch.sql(
                    "CREATE TEMP TABLE ended (n bigint);
                    DO $$ BEGIN FOR round IN 1..40 LOOP
                        PERFORM pg_sleep(0.002 + random() * 0.01);
                        PERFORM pg_stat_clear_snapshot();
                        INSERT INTO ended SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                            WHERE datname = current_database() AND pid <> pg_backend_pid()
                                AND application_name = 'opm';
                    END LOOP; END $$;
                    SELECT sum(n) FROM ended",
                );
                kills.fetch_add(ended.trim().parse().unwrap_or_default(), Ordering::Relaxed);
            }
        });
        let mut store = scratch.open();
        let _held = retry(|| store.lock(&[TargetId(1)])).unwrap();
        let run = store.start_run(&common::sample_run()).unwrap();
        let mut number = 0;
        while kills.load(Ordering::Relaxed) < KILLS || number < 100 {
            number += 1;
            let event = Event {
                result: Some(common::sample_result(RunStatus::Done)),
                ..common::sample_event(run, number)
            };
            let row = PackageState { attempts: number, ..PackageState::new(Stage::Finished, 1) };
            let changes = [Change::UpdateState(state_key(1, 1), row), Change::StartEvent(Box::new(event))];
            store.commit(&changes).unwrap();
        }
        is_done.store(true, Ordering::Relaxed);
        killer.join().unwrap();
        number
    });
    let mut store = scratch.open();
    let events = store.events(&EventFilter::default()).unwrap();
    let numbers: Vec<u32> = events.iter().rev().map(|event| event.id.number).collect();
    assert_eq!(numbers, (1..=written).collect::<Vec<_>>());
    assert_eq!(store.load_state(state_key(1, 1)).unwrap().unwrap().attempts, written);
    assert_eq!(store.runs(9).unwrap().len(), 1);
}

fn retry<T>(mut work: impl FnMut() -> Result<T, Error>) -> T {
    loop {
        match work() {
            Ok(done) => return done,
            Err(Error::Unreachable { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
