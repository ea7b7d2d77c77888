//! Several steps at a time: what is committed when, and what is left when the run ends in between.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use opkg_engine::engine::{Concurrency, RunError, RunOptions, RunSummary};
use opkg_oda::{
    Change, Cluster, Error, PackageId, RunId, RunStatus, Stage, StateKey, Target, TargetAddress, TargetId,
    TargetKind, WorkState,
};

use crate::Fixture;
use crate::fakes::{CRASHED_PID, SERVER, head_node_cluster};

const PACKAGE: PackageId = PackageId(1);

/// A head node and images, and a package that is requested on all of them up to the installation.
fn cluster_with_images(images: i64) -> Cluster {
    let mut cluster = head_node_cluster(&[PACKAGE.0]);
    for id in 2..2 + images {
        let address = TargetAddress { kind: TargetKind::Image, name: format!("i{id}").parse().unwrap() };
        let target = Target { id: TargetId(id), address, root: None, image: None };
        cluster.apply(&Change::PutTarget(target));
    }
    let targets: Vec<TargetId> = cluster.targets.keys().copied().collect();
    for target in targets {
        let key = StateKey { target, package: PACKAGE };
        cluster.apply(&Change::Request { key, stage: Stage::InstallBinPkgs, requested_at: 0 });
    }
    cluster
}

fn run(fixture: &mut Fixture, jobs: usize, package_source: Option<usize>) -> Result<RunSummary, RunError> {
    let limits = |number| NonZeroUsize::new(number).unwrap();
    let order = RunOptions {
        targets: fixture.store.cluster.targets.keys().copied().collect(),
        concurrency: Concurrency { jobs: limits(jobs), package_source: package_source.map(limits) },
        ..RunOptions::default()
    };
    fixture.run_with(&order)
}

fn running_targets(fixture: &Fixture) -> BTreeSet<TargetId> {
    let rows = fixture.store.cluster.all_states();
    rows.filter(|(_, row)| row.work_state == WorkState::Running).map(|(key, _)| key.target).collect()
}

fn assert_installed_everywhere(fixture: &Fixture) {
    for (key, row) in fixture.store.cluster.all_states() {
        assert_eq!((row.current, row.work_state), (Stage::InstallBinPkgs, WorkState::Idle), "{key:?}");
    }
}

#[test]
fn steps_that_begin_together_are_committed_together_before_any_of_them() {
    let mut fixture = Fixture::new(cluster_with_images(4));
    fixture.effects.gate.expected = 4;
    let summary = run(&mut fixture, 4, None).unwrap();
    assert_installed_everywhere(&fixture);
    let trace = fixture.take_trace();
    let at =
        |word: &str| trace.iter().position(|it| it.contains(word)).unwrap_or_else(|| panic!("{trace:?}"));
    let begin = &trace[at("+event6")];
    // The head node has had events 1 to 5.
    assert_eq!(
        begin,
        "commit 2/1=3:running +event6 3/1=3:running +event7 4/1=3:running +event8 5/1=3:running +event9"
    );
    for target in 2..=5 {
        assert!(at(&format!("install:{target}:")) > at("+event6"), "{trace:?}");
    }
    assert_eq!((summary.steps, summary.failed, fixture.store.events.len()), (9, 0, 9));
    assert!(fixture.store.events.iter().all(|event| event.result.is_some()));
}

#[test]
fn no_more_steps_are_at_work_than_the_limits_allow() {
    for (jobs, package_source, expected) in
        [(1, None, 1), (3, None, 3), (8, None, 6), (8, Some(2), 2), (2, Some(8), 2)]
    {
        let mut fixture = Fixture::new(cluster_with_images(6));
        fixture.effects.gate.expected = expected;
        run(&mut fixture, jobs, package_source).unwrap();
        assert_installed_everywhere(&fixture);
        assert_eq!(fixture.effects.gate.peak(), expected, "{jobs} jobs, {package_source:?}");
    }
}

#[test]
fn who_is_asked_to_stop_ends_the_steps_at_work_and_begins_none() {
    let mut fixture = Fixture::new(cluster_with_images(6));
    // The head node's five steps, then those that begin together.
    fixture.effects.stop_after = Some(5 + 3);
    fixture.effects.gate.expected = 3;
    let summary = run(&mut fixture, 3, None).unwrap();
    assert!(summary.stopped);
    assert_eq!((summary.steps, running_targets(&fixture)), (8, BTreeSet::new()));
    assert_eq!(fixture.store.runs[0].status, Some(RunStatus::Interrupted));
    fixture.effects.stop_after = None;
    run(&mut fixture, 3, None).unwrap();
    assert_installed_everywhere(&fixture);
}

#[test]
fn a_failure_stops_no_other_target() {
    let mut fixture = Fixture::new(cluster_with_images(4));
    fixture.effects.gate.expected = 4;
    let word = "install:3:4:1".to_owned();
    fixture.effects.failed_transactions.lock().unwrap().insert(word, "exit status 100".into());
    let summary = run(&mut fixture, 4, None).unwrap();
    assert_eq!((summary.failed, summary.has_errors), (1, true));
    for (key, row) in fixture.store.cluster.all_states() {
        let expected = if key.target == TargetId(3) { WorkState::Failed } else { WorkState::Idle };
        assert_eq!(row.work_state, expected, "{key:?}");
    }
}

#[test]
fn a_run_that_died_with_several_steps_at_work_is_taken_up_again() {
    let mut fixture = Fixture::new(cluster_with_images(4));
    fixture.effects.gate.expected = 4;
    // The head node's five steps have two commits each.
    fixture.store.remaining_commits = Some(5 * 2 + 1);
    let error = run(&mut fixture, 4, None).unwrap_err();
    assert!(matches!(error, RunError::Database(Error::DiskFull(_))), "{error}");
    let all: BTreeSet<TargetId> = (2..=5).map(TargetId).collect();
    assert_eq!(running_targets(&fixture), all);
    let installs =
        |trace: &[String]| trace.iter().filter(|it| it.contains(":4:1") && it.starts_with("install")).count();
    assert_eq!(installs(&fixture.take_trace()), 1 + 4, "what was begun came to its end");
    let open = |fixture: &Fixture| {
        let open = fixture.store.events.iter().filter(|event| event.result.is_none());
        open.map(|event| event.id.number).collect::<Vec<_>>()
    };
    assert_eq!(open(&fixture), [6, 7, 8, 9]);

    fixture.store.remaining_commits = None;
    fixture.store.runs[0].pid = CRASHED_PID;
    run(&mut fixture, 4, None).unwrap();
    assert_installed_everywhere(&fixture);
    assert_eq!(open(&fixture), [] as [u32; 0]);
    let trace = fixture.take_trace();
    assert_eq!((trace[0].as_str(), installs(&trace)), ("clean up 1", 4));
    let of_first = fixture.store.events.iter().filter(|event| event.id.run == RunId(1));
    let interrupted = of_first.filter_map(|event| event.result.as_ref());
    assert_eq!(interrupted.filter(|result| result.status == RunStatus::Interrupted).count(), 4);
    let row = |target| fixture.store.cluster.state(StateKey { target, package: PACKAGE }).unwrap();
    assert_eq!((row(SERVER).attempts, row(TargetId(2)).attempts), (0, 0));
}
