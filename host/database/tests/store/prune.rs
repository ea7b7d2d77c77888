//! What is old leaves the journal, a few steps at a time; what runs and what is newest stays, and everything is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;

use opkg_database::Database;
use opkg_engine::prune::{Cutoffs, prune_journal};
use opkg_oda::{
    Change, CommandRecord, Error, Event, EventFilter, EventId, PackageId, PruneOrder, PurgeOrder, RunId,
    RunStatus, Stage, TargetId,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::common::{self, Backend, on_both};

on_both! {
    what_is_old_goes_and_what_runs_or_is_newest_stays,
    commands_that_are_old_go_where_there_is_no_step_as_well,
    whatever_was_done_no_more_and_no_less_goes,
    of_several_one_prunes_and_a_day_later_another_one,
    purging_counts_as_well,
    of_two_who_prune_the_same_steps_none_counts_them_twice,
    killed_anywhere_nothing_is_lost_or_counted_twice,
}

const DAY: i64 = 86_400_000;

/// A step of a run: on which target, with which packages, how it ended.
#[derive(Debug, Clone)]
struct Step {
    target: i64,
    packages: Vec<i64>,
    /// None for one that runs.
    status: Option<RunStatus>,
}

/// A run that began on a day, and took a moment.
#[derive(Debug, Clone)]
struct PlannedRun {
    day: i64,
    steps: Vec<Step>,
    has_ended: bool,
}

fn write_run(store: &mut Database, planned: &PlannedRun) -> RunId {
    let started_at = planned.day * DAY;
    let run = store.start_run(&opkg_oda::Run { started_at, ..common::sample_run() }).unwrap();
    let mut changes = Vec::new();
    for (number, step) in (1..).zip(&planned.steps) {
        let event = Event {
            id: EventId { run, number },
            started_at: started_at + i64::from(number),
            target: TargetId(step.target),
            packages: step.packages.iter().copied().map(PackageId).collect(),
            ..common::sample_event(run, number)
        };
        changes.push(Change::StartEvent(Box::new(event)));
        if let Some(status) = step.status {
            let ended_at = started_at + i64::from(number) + 1;
            let result = Box::new(opkg_oda::StepResult { ended_at, ..common::sample_result(status) });
            changes.push(Change::EndEvent { event: EventId { run, number }, result });
        }
    }
    if planned.has_ended {
        changes.push(Change::EndRun { run, ended_at: started_at + 1000, status: RunStatus::Done });
    }
    store.commit(&changes).unwrap();
    run
}

fn prune(store: &mut Database, ended_before: i64, failed_before: i64) -> usize {
    let cutoffs = Cutoffs { ended_before, failed_before };
    prune_journal::<Error>(&mut **store, cutoffs, false, |_| Ok(true)).unwrap().steps
}

fn left(store: &mut Database) -> BTreeSet<(i64, u32)> {
    let events = store.events(&EventFilter::default()).unwrap();
    events.iter().map(|event| (event.id.run.0, event.id.number)).collect()
}

fn step(target: i64, packages: &[i64], status: RunStatus) -> Step {
    Step { target, packages: packages.to_vec(), status: Some(status) }
}

fn what_is_old_goes_and_what_runs_or_is_newest_stays(backend: Backend) {
    use RunStatus::{Done, Failed, Interrupted};
    let scratch = backend.scratch();
    let mut store = scratch.create();
    store.commit(&common::sample_cluster()).unwrap();
    let runs = [
        (1, vec![step(1, &[1], Done), step(1, &[2], Failed), step(2, &[1, 2], Interrupted)], true),
        (2, vec![step(1, &[1, 2], Done), step(2, &[1], Done)], true),
        (3, vec![step(1, &[1], Done), Step { target: 1, packages: vec![2], status: None }], false),
        (4, vec![step(2, &[2], Done)], true),
    ];
    for (day, steps, has_ended) in runs {
        write_run(&mut store, &PlannedRun { day, steps, has_ended });
    }
    let totals = store.totals().unwrap();
    let all = left(&mut store);
    let trial = Cutoffs { ended_before: 10 * DAY, failed_before: 10 * DAY };
    let counted = prune_journal::<Error>(&mut *store, trial, true, |log| Ok(log.ends_with('1'))).unwrap();
    assert_eq!((counted.steps, counted.runs, left(&mut store)), (4, 2, all.clone()));

    // What failed is kept longer.
    assert_eq!(prune(&mut store, 10 * DAY, DAY), 2);
    assert_eq!(&all - &left(&mut store), BTreeSet::from([(1, 1), (2, 1)]));
    assert_eq!(prune(&mut store, 10 * DAY, 10 * DAY), 2);
    // The newest of package 1 on target 2; what runs; and the newest of package 2 there.
    assert_eq!(left(&mut store), BTreeSet::from([(2, 2), (3, 1), (3, 2), (4, 1)]));
    assert_eq!(store.runs(9).unwrap().iter().map(|run| run.id.0).collect::<Vec<_>>(), [4, 3, 2]);
    assert_eq!(store.totals().unwrap(), totals);
    assert_eq!(prune(&mut store, 10 * DAY, 10 * DAY), 0);
    // Nobody asks for the newest of a target that is gone.
    store.commit(&[Change::RemoveTarget(TargetId(2))]).unwrap();
    assert_eq!(prune(&mut store, 10 * DAY, 10 * DAY), 2);
    assert_eq!(store.totals().unwrap(), totals);
    assert_eq!(store.start_run(&common::sample_run()).unwrap(), RunId(5), "no id is used twice");
}

fn commands_that_are_old_go_where_there_is_no_step_as_well(backend: Backend) {
    let scratch = backend.scratch();
    let mut store = scratch.create();
    store.commit(&common::sample_cluster()).unwrap();
    for at in [DAY, 2 * DAY, 3 * DAY] {
        store.record_as(CommandRecord { at, ..common::sample_command() });
        let rerun =
            Change::SetRerun { key: common::state_key(1, 1), stage: Stage::PostInstall, queued: true };
        store.update(&mut |_| vec![rerun.clone()]).unwrap();
    }
    let given_at = |store: &mut Database| -> Vec<i64> {
        store.commands(9).unwrap().into_iter().map(|command| command.at).collect()
    };
    let trial = Cutoffs { ended_before: 3 * DAY, failed_before: 3 * DAY };
    prune_journal::<Error>(&mut *store, trial, true, |_| Ok(true)).unwrap();
    assert_eq!(given_at(&mut store), [3 * DAY, 2 * DAY, DAY]);
    assert_eq!(prune(&mut store, 3 * DAY, DAY), 0);
    assert_eq!(given_at(&mut store), [3 * DAY]);
    assert_eq!(prune(&mut store, 4 * DAY, DAY), 0);
    assert!(given_at(&mut store).is_empty());
}

fn planned_runs() -> impl Strategy<Value = Vec<PlannedRun>> {
    let statuses = [
        None,
        Some(RunStatus::Done),
        Some(RunStatus::Failed),
        Some(RunStatus::Interrupted),
        Some(RunStatus::Postponed),
    ];
    let packages = proptest::sample::subsequence(vec![1_i64, 2], 0..=2);
    let step = (1_i64..=2, packages, proptest::sample::select(statuses.to_vec()));
    let step = step.prop_map(|(target, packages, status)| Step { target, packages, status });
    let run = (proptest::collection::vec(step, 0..5), any::<bool>(), 0_i64..3);
    let runs = proptest::collection::vec(run, 0..6);
    runs.prop_map(|runs| {
        let mut day = 0;
        let planned = runs.into_iter().map(|(steps, has_ended, later)| {
            day += later;
            PlannedRun { day, steps, has_ended }
        });
        planned.collect()
    })
}

/// The steps that stay, as the rule says it.
fn expected(runs: &[(i64, PlannedRun)], ended_before: i64, failed_before: i64) -> BTreeSet<(i64, u32)> {
    let mut newest: BTreeMap<(i64, i64), (i64, u32)> = BTreeMap::new();
    let mut stay = BTreeSet::new();
    for (run, planned) in runs {
        for (number, step) in (1_u32..).zip(&planned.steps) {
            for package in &step.packages {
                newest.insert((step.target, *package), (*run, number));
            }
            let before = match step.status {
                Some(RunStatus::Failed | RunStatus::Interrupted) => failed_before,
                _ => ended_before,
            };
            let ended_at = planned.day * DAY + i64::from(number) + 1;
            if step.status.is_none() || !planned.has_ended || ended_at >= before {
                stay.insert((*run, number));
            }
        }
    }
    stay.extend(newest.into_values());
    stay
}

fn whatever_was_done_no_more_and_no_less_goes(backend: Backend) {
    let cases = if matches!(backend, Backend::Sqlite) { 60 } else { 15 };
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner
        .run(&(planned_runs(), 0_i64..8, 0_i64..8), |(planned, ended, failed)| {
            let scratch = backend.scratch();
            let mut store = scratch.create();
            store.commit(&common::sample_cluster()).unwrap();
            let runs: Vec<(i64, PlannedRun)> =
                planned.into_iter().map(|run| (write_run(&mut store, &run).0, run)).collect();
            let (cluster, totals) = (store.load().unwrap(), store.totals().unwrap());
            let before = left(&mut store).len();
            let pruned = prune(&mut store, ended * DAY, failed * DAY);
            let stay = expected(&runs, ended * DAY, failed * DAY);
            prop_assert_eq!(left(&mut store), stay.clone());
            prop_assert_eq!(pruned, before - stay.len());
            prop_assert_eq!(store.totals().unwrap(), totals);
            prop_assert_eq!(store.load().unwrap(), cluster);
            for (run, planned) in runs {
                let is_needed = !planned.has_ended || stay.iter().any(|(its, _)| *its == run);
                let is_there = store.runs(99).unwrap().iter().any(|known| known.id.0 == run);
                prop_assert!(is_there || !is_needed, "run {}", run);
            }
            Ok(())
        })
        .unwrap();
}

fn of_several_one_prunes_and_a_day_later_another_one(backend: Backend) {
    let scratch = backend.scratch();
    let (mut one, mut other) = (scratch.create(), scratch.open());
    let now = 100 * DAY;
    assert!(one.claim_pruning(now, DAY).unwrap());
    assert!(!other.claim_pruning(now + 1, DAY).unwrap() && !one.claim_pruning(now + DAY - 1, DAY).unwrap());
    assert!(other.claim_pruning(now + DAY, DAY).unwrap());
    // A clock that was ahead of its time.
    assert!(one.claim_pruning(now, DAY).unwrap());
}

fn purging_counts_as_well(backend: Backend) {
    let scratch = backend.scratch();
    let mut store = scratch.create();
    store.commit(&common::sample_cluster()).unwrap();
    for day in 1..4 {
        let steps = vec![step(1, &[1, 2], RunStatus::Done), step(1, &[], RunStatus::Failed)];
        write_run(&mut store, &PlannedRun { day, steps, has_ended: true });
    }
    let totals = store.totals().unwrap();
    assert_eq!(totals.iter().map(|total| total.steps).sum::<i64>(), 9);
    store.purge(&PurgeOrder { values_of: Vec::new(), runs_ended_before: 3 * DAY }, false).unwrap();
    assert_eq!((store.runs(9).unwrap().len(), store.totals().unwrap()), (1, totals));
}

fn of_two_who_prune_the_same_steps_none_counts_them_twice(backend: Backend) {
    let scratch = backend.scratch();
    let (mut one, mut other) = (scratch.create(), scratch.open());
    one.commit(&common::sample_cluster()).unwrap();
    for day in 1..4 {
        let steps = vec![step(1, &[1], RunStatus::Done)];
        write_run(&mut one, &PlannedRun { day, steps, has_ended: true });
    }
    let totals = one.totals().unwrap();
    let order = PruneOrder { ended_before: 9 * DAY, failed_before: 9 * DAY, after: None, limit: 9 };
    let steps: Vec<EventId> = one.prunable(&order).unwrap().into_iter().map(|step| step.id).collect();
    assert_eq!(steps.len(), 2);
    one.prune(&order, &steps).unwrap();
    other.prune(&order, &steps).unwrap();
    assert_eq!((other.totals().unwrap(), left(&mut other).len()), (totals, 1));
}

#[test]
#[ignore = "a process of its own, for the test below"]
fn prunes() {
    prune(&mut common::database_from_env().open().unwrap(), 9 * DAY, 9 * DAY);
}

fn killed_anywhere_nothing_is_lost_or_counted_twice(backend: Backend) {
    for (place, steps) in [("before", 3), ("within", 3), ("commit", 3), ("after", 1)] {
        let scratch = backend.scratch();
        let mut store = scratch.create();
        store.commit(&common::sample_cluster()).unwrap();
        for day in 1..4 {
            let steps = vec![step(1, &[1], RunStatus::Done)];
            write_run(&mut store, &PlannedRun { day, steps, has_ended: true });
        }
        let totals = store.totals().unwrap();
        drop(store);
        let mut child = common::child_test("prune::prunes", &scratch);
        let status = child.env("OPM_CRASH_AT", format!("prune.{place}")).output().unwrap().status;
        assert_eq!(status.signal(), Some(9), "{place}");
        let mut store = scratch.open();
        assert_eq!((left(&mut store).len(), store.totals().unwrap()), (steps, totals.clone()), "{place}");
        prune(&mut store, 9 * DAY, 9 * DAY);
        assert_eq!((left(&mut store).len(), store.totals().unwrap()), (1, totals), "{place}");
    }
}
