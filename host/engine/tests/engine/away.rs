//! The database goes away at any moment of a run, and comes back: no stage is done twice, and the journal has it all.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use opkg_engine::engine::{Concurrency, RunError, RunOptions, RunSummary};
use opkg_oda::{
    Change, PackageId, RunStatus, Stage, StateKey, Target, TargetAddress, TargetId, TargetKind, WorkState,
};

use crate::Fixture;
use crate::fakes::head_node_cluster;

/// A head node and two images, with two packages on each.
fn new_fixture() -> Fixture {
    let mut cluster = head_node_cluster(&[1, 2]);
    for id in 2..4 {
        let address = TargetAddress { kind: TargetKind::Image, name: format!("i{id}").parse().unwrap() };
        cluster.apply(&Change::PutTarget(Target { id: TargetId(id), address, root: None, image: None }));
    }
    let targets: Vec<TargetId> = cluster.targets.keys().copied().collect();
    for (target, package) in targets.into_iter().flat_map(|target| [(target, 1), (target, 2)]) {
        let key = StateKey { target, package: PackageId(package) };
        cluster.apply(&Change::Request { key, stage: Stage::Finished, requested_at: 0 });
    }
    Fixture::new(cluster)
}

fn run(fixture: &mut Fixture, jobs: usize) -> Result<RunSummary, RunError> {
    let order = RunOptions {
        targets: fixture.store.cluster.targets.keys().copied().collect(),
        concurrency: Concurrency { jobs: NonZeroUsize::new(jobs).unwrap(), package_source: None },
        ..RunOptions::default()
    };
    fixture.run_with(&order)
}

/// What the journal has of steps that succeeded, and how often.
fn recorded(fixture: &Fixture) -> BTreeMap<String, usize> {
    let mut recorded = BTreeMap::new();
    for event in &fixture.store.events {
        if event.result.as_ref().is_some_and(|result| result.status == RunStatus::Done) {
            let step = format!("{:?} {:?} {} {:?}", event.target, event.packages, event.name, event.stage);
            *recorded.entry(step).or_default() += 1;
        }
    }
    recorded
}

/// What was done, and how often.
fn done(fixture: &Fixture) -> BTreeMap<String, usize> {
    let mut done = BTreeMap::new();
    for line in fixture.take_trace() {
        if !["commit", "run ", "load"].iter().any(|other| line.starts_with(other)) {
            *done.entry(line).or_default() += 1;
        }
    }
    done
}

/// Without what a stage that was not complete does again: its hooks may run twice, and so may the configurator.
fn without_repeated(
    done: &BTreeMap<String, usize>,
    expected: &BTreeMap<String, usize>,
) -> BTreeMap<String, usize> {
    let mut done = done.clone();
    let mut repeated = 0;
    for (step, times) in &mut done {
        let is_within_stage = ["api-pre-configure", "configure"].iter().any(|it| step.starts_with(it));
        if is_within_stage && expected.get(step).is_some_and(|once| *times == once + 1) {
            *times -= 1;
            repeated += 1;
        }
    }
    assert!(repeated <= 2, "the steps of one stage: {repeated}");
    done
}

#[test]
fn whenever_the_database_goes_away_no_stage_is_done_twice() {
    let mut whole = new_fixture();
    run(&mut whole, 1).unwrap();
    let (expected, expected_journal) = (done(&whole), recorded(&whole));
    assert_eq!(expected.values().sum::<usize>(), 18, "{expected:?}");
    for (jobs, answer_is_lost) in [(1, false), (1, true), (3, false), (3, true)] {
        let mut cuts = 0;
        for reachable in 0.. {
            let mut fixture = new_fixture();
            fixture.store.reachable_commits = Some(reachable);
            fixture.store.answer_is_lost = answer_is_lost;
            let is_cut = match run(&mut fixture, jobs) {
                Ok(_) => fixture.store.reachable_commits != Some(0),
                Err(error) => {
                    assert!(error.is_database_away(), "{error}");
                    cuts += 1;
                    false
                }
            };
            fixture.store.come_back();
            run(&mut fixture, jobs).unwrap();
            let context = format!("{jobs} at a time, cut after {reachable}, lost: {answer_is_lost}");
            let done = done(&fixture);
            assert_eq!(without_repeated(&done, &expected), expected, "{context}");
            for (key, row) in fixture.store.cluster.all_states() {
                assert_eq!(
                    (row.current, row.work_state),
                    (Stage::Finished, WorkState::Idle),
                    "{context} {key:?}"
                );
            }
            let open: Vec<_> = fixture.store.runs.iter().filter(|run| run.ended_at.is_none()).collect();
            assert!(open.is_empty(), "{context}: {open:?}");
            let events = &fixture.store.events;
            assert!(events.iter().all(|event| event.result.is_some()), "{context}: {events:?}");
            // What was begun and never done says so.
            let recorded = recorded(&fixture);
            assert_eq!(recorded.values().sum::<usize>(), done.values().sum::<usize>(), "{context}");
            assert!(recorded.keys().eq(expected_journal.keys()), "{context}");
            if is_cut {
                break;
            }
        }
        assert!(cuts > 10, "{cuts}");
    }
}
