//! A copy holds all that was there, whichever kind of database it is in.

use opkg_database::Database;
use opkg_oda::tables::{Row, TABLES};
use opkg_oda::{
    Change, ConfigValue, Error, EventFilter, PackageId, PurgeOrder, RunStatus, Stage, TargetId, ValueOrigin,
};

use crate::common::{self, Backend, state_key};

/// A database in which every table has rows, and ids were used that are gone.
fn fill(store: &mut Database) {
    store.commit(&common::sample_cluster()).unwrap();
    let value = |name: &str| ConfigValue {
        name: name.into(),
        value: "'\"\\ é\n".into(),
        origin: ValueOrigin::Administrator,
    };
    for (ended_at, number) in [(Some(100), 1), (None, 2)] {
        let run = store.start_run(&common::sample_run()).unwrap();
        store.commit(&common::one_change_of_each_kind(run, number)).unwrap();
        let open = Change::StartEvent(Box::new(common::sample_event(run, 9)));
        store.commit(&[open]).unwrap();
        if let Some(ended_at) = ended_at {
            store.commit(&[Change::EndRun { run, ended_at, status: RunStatus::Done }]).unwrap();
        }
    }
    let gone = store.start_run(&common::sample_run()).unwrap();
    let step = common::sample_event(gone, 1);
    let result = Box::new(common::sample_result(RunStatus::Done));
    let end = Change::EndEvent { event: step.id, result };
    store.commit(&[Change::StartEvent(Box::new(step)), end]).unwrap();
    store.commit(&[Change::EndRun { run: gone, ended_at: 1, status: RunStatus::Done }]).unwrap();
    store.purge(&PurgeOrder { values_of: Vec::new(), runs_ended_before: 2 }, false).unwrap();
    let (package, image) = (PackageId(1), Some(TargetId(2)));
    store
        .commit(&[
            Change::SetValues { package, image, values: vec![value("a"), value("a")], expected: None },
            Change::Request { key: state_key(2, 2), stage: Stage::Finished, requested_at: 7 },
            Change::UpdateState(state_key(2, 2), common::failed_state(8)),
            Change::SetRerun { key: state_key(2, 2), stage: Stage::PostClients, queued: true },
        ])
        .unwrap();
}

fn rows(store: &mut Database) -> Vec<(&'static str, Row)> {
    let mut all = Vec::new();
    store
        .dump(&mut |table, rows| {
            assert!(rows.iter().all(|row| row.len() == table.columns.len()));
            all.extend(rows.into_iter().map(|row| (table.name, row)));
            Ok(())
        })
        .unwrap();
    all
}

#[test]
fn it_is_the_same_there_and_back() {
    for (from, to) in [
        (Backend::Sqlite, Backend::Sqlite),
        (Backend::Sqlite, Backend::Postgres),
        (Backend::Postgres, Backend::Sqlite),
        (Backend::Postgres, Backend::Postgres),
    ] {
        if !from.is_there() || !to.is_there() {
            continue;
        }
        let (here, there) = (from.scratch(), to.scratch());
        let (mut original, mut copy) = (here.create(), there.create());
        fill(&mut original);
        let expected = rows(&mut original);
        for table in &TABLES {
            assert!(expected.iter().any(|(name, _)| *name == table.name), "nothing in {}", table.name);
        }
        // What was there goes.
        copy.commit(&[Change::PutTarget(common::target(77, opkg_oda::TargetKind::Client))]).unwrap();
        copy.replace_with(&mut *original).unwrap();
        assert_eq!(rows(&mut copy), expected, "{from:?} to {to:?}");
        assert_eq!(copy.load().unwrap(), original.load().unwrap());
        assert_eq!(copy.load_overview().unwrap().states, original.load_overview().unwrap().states);
        let all = EventFilter::default();
        assert_eq!(copy.events(&all).unwrap(), original.events(&all).unwrap());
        let failed = EventFilter { failed_only: true, ..all };
        assert!(!original.events(&failed).unwrap().is_empty());
        assert_eq!(copy.events(&failed).unwrap(), original.events(&failed).unwrap());
        assert!(copy.has_pending_work().unwrap());
        assert_eq!(copy.runs(99).unwrap(), original.runs(99).unwrap());
        assert_eq!(copy.all_values().unwrap(), original.all_values().unwrap());
        let next = [&mut copy, &mut original].map(|store| store.start_run(&common::sample_run()).unwrap());
        assert_eq!(next[0], next[1], "no id is used twice");
    }
}

#[test]
fn what_cannot_be_read_to_its_end_replaces_nothing() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        if !backend.is_there() {
            continue;
        }
        let (here, there) = (Backend::Sqlite.scratch(), backend.scratch());
        let (mut original, mut copy) = (here.create(), there.create());
        fill(&mut original);
        copy.commit(&common::sample_cluster()).unwrap();
        let before = rows(&mut copy);
        // A step of a target that is not there.
        let raw = rusqlite::Connection::open(here.location().file().unwrap()).unwrap();
        raw.execute_batch("PRAGMA foreign_keys = OFF; UPDATE event SET target = 999").unwrap();
        copy.replace_with(&mut *original).unwrap_err();
        assert_eq!(rows(&mut copy), before, "{backend:?}");
        // A value of another type: the error is the one of what is read.
        raw.execute_batch("UPDATE event SET target = 1; PRAGMA writable_schema = ON").unwrap();
        raw.execute_batch(
            "CREATE TABLE odd AS SELECT * FROM phase; DROP TABLE phase; ALTER TABLE odd RENAME TO phase;
            UPDATE phase SET phase = 'x'",
        )
        .unwrap();
        let error = copy.replace_with(&mut *original).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        assert_eq!(rows(&mut copy), before, "{backend:?}");
        copy.commit(&[Change::SetPhase(opkg_oda::Phase::Netboot)]).unwrap();
    }
}
