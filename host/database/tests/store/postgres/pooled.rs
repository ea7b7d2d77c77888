//! A pooler in transaction mode: each transaction of an engine may be in another session.

use std::collections::BTreeSet;

use opkg_database::Location;
use opkg_oda::{Change, EventFilter, PackageState, RunStatus, Stage, TargetId};
use opkg_tests::postgres::Pooler;

use super::filled;
use crate::common::{self, state_key};

/// More engines than there are sessions, each with work of its own.
#[test]
fn engines_share_sessions() {
    const STEPS: u32 = 20;
    let Some(scratch) = filled() else { return };
    let Some(pooler) = Pooler::start(scratch.server(), 2) else { return };
    let location = Location::parse(pooler.address().as_ref()).unwrap();
    std::thread::scope(|scope| {
        for target in 1..=3 {
            let location = &location;
            scope.spawn(move || {
                let mut store = location.open().unwrap();
                let held = store.lock(&[TargetId(target)]).unwrap().unwrap();
                let run = store.start_run(&common::sample_run()).unwrap();
                for number in 1..=STEPS {
                    let event = opkg_oda::Event {
                        target: TargetId(target),
                        result: Some(common::sample_result(RunStatus::Done)),
                        ..common::sample_event(run, number)
                    };
                    let row = PackageState { attempts: number, ..PackageState::new(Stage::Finished, 1) };
                    let key = state_key(target, 1);
                    let request = Change::Request { key, stage: Stage::Finished, requested_at: 1 };
                    let changes =
                        [request, Change::UpdateState(key, row), Change::StartEvent(Box::new(event))];
                    store.commit(&changes).unwrap();
                    store.load_part(&BTreeSet::from([TargetId(target)])).unwrap();
                    store.renew_lock();
                }
                assert_eq!(store.load_state(state_key(target, 1)).unwrap().unwrap().attempts, STEPS);
                drop(held);
            });
        }
    });
    let mut store = location.open().unwrap();
    assert_eq!(store.events(&EventFilter::default()).unwrap().len(), 3 * STEPS as usize);
    // Many rows at once, read back at one instant.
    let other = common::Backend::Sqlite.scratch();
    let mut copy = other.create();
    copy.replace_with(&mut *store).unwrap();
    assert_eq!(copy.load().unwrap(), store.load().unwrap());
    store
        .update(&mut |cluster| {
            assert_eq!(cluster.targets.len(), 3);
            vec![Change::Request { key: state_key(2, 2), stage: Stage::Finished, requested_at: 2 }]
        })
        .unwrap();
    assert_eq!(scratch.sql("SELECT count(*) FROM opm.engine"), "0\n");
}
