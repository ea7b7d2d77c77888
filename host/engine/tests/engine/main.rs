//! One run of the engine: what it commits, when, and what is left when it cannot.

#![allow(clippy::unwrap_used)]

mod away;
mod concurrency;
mod fakes;

use std::cell::Cell;
use std::collections::BTreeSet;

use opkg_engine::clock::Clock;
use opkg_engine::engine::{Engine, RunError, RunIdentity, RunOptions, RunSummary};
use opkg_engine::packages::PackageMetadata;
use opkg_oda::{
    Change, ConfigValue, Error, LockHolder, PackageId, Run, RunId, RunStatus, Stage, StateKey, TargetId,
    ValueOrigin, WorkState,
};

use fakes::{
    CRASHED_PID, FakeEffects, InMemoryStore, RecordingObserver, SERVER, TickingClock, Trace,
    head_node_cluster, package, with_request,
};

struct Fixture {
    store: InMemoryStore,
    effects: FakeEffects,
    observer: RecordingObserver,
    trace: Trace,
}

impl Fixture {
    fn new(cluster: opkg_oda::Cluster) -> Self {
        let trace = Trace::default();
        Self {
            store: InMemoryStore::new(cluster, &trace),
            effects: FakeEffects::new(&trace),
            observer: RecordingObserver::default(),
            trace,
        }
    }

    fn run(&mut self) -> Result<RunSummary, RunError> {
        let order = RunOptions { targets: BTreeSet::from([SERVER]), ..RunOptions::default() };
        self.run_with(&order)
    }

    fn run_with(&mut self, order: &RunOptions) -> Result<RunSummary, RunError> {
        let identity = RunIdentity {
            host: "head".into(),
            pid: std::process::id(),
            process: None,
            command: "opm run".into(),
        };
        let (store, effects, observer) = (&mut self.store, &mut self.effects, &mut self.observer);
        Engine { store, effects, observer, clock: &TickingClock::default(), identity }.run(order)
    }

    /// What happened since this was asked last.
    fn take_trace(&self) -> Vec<String> {
        std::mem::take(&mut *self.trace.lock().unwrap())
    }

    fn row(&self, package: i64) -> &opkg_oda::PackageState {
        self.store.cluster.state(StateKey { target: SERVER, package: PackageId(package) }).unwrap()
    }
}

#[test]
fn running_is_committed_before_anything_happens_and_the_result_after() {
    let mut fixture = Fixture::new(with_request(head_node_cluster(&[1]), 1, Stage::RunConfigurator));
    let summary = fixture.run().unwrap();
    assert_eq!(
        fixture.take_trace(),
        [
            "load",
            "run 1",
            "commit 1/1=1:running +event1",
            "install:1:2:1",
            "commit 1/1=2:idle event1=done",
            "commit 1/1=2:running +event2",
            "api-pre-configure:1",
            "commit event2=done",
            "commit 1/1=2:running +event3",
            "configure:1",
            "commit event3=done",
            "commit 1/1=2:running +event4",
            "api-post-configure:1",
            "commit 1/1=3:idle event4=done",
            "commit run=done",
        ]
    );
    assert_eq!((summary.steps, summary.failed, summary.has_errors), (4, 0, false));
}

/// However many packages leave: one commit before, one after, and one step in the journal.
#[test]
fn packages_that_leave_together_are_committed_together() {
    let mut cluster = head_node_cluster(&[1, 2, 3]);
    for package in [1, 2, 3] {
        cluster = with_request(cluster, package, Stage::InstallBinPkgs);
    }
    let mut fixture = Fixture::new(cluster);
    fixture.run().unwrap();
    fixture.take_trace();
    for package in [1, 2, 3] {
        fixture.store.cluster =
            with_request(fixture.store.cluster.clone(), package, Stage::ShouldNotBeInstalled);
    }
    let summary = fixture.run().unwrap();
    let gist = |line: &String| match line.strip_prefix("commit ") {
        Some(changes) => format!("commit … {}", changes.split(' ').next_back().unwrap()),
        None => line.clone(),
    };
    let gist: Vec<String> = fixture.take_trace().iter().map(gist).collect();
    assert_eq!(
        gist,
        [
            "load",
            "run 2",
            "commit … +event1",
            "remove:1:2:3+2+1",
            "commit … event1=done",
            "commit … +event2",
            "remove:1:1:3+2+1",
            "commit … event2=done",
            "commit … run=done",
        ]
    );
    assert_eq!((summary.steps, summary.failed, summary.has_errors), (2, 0, false));
    assert!([1, 2, 3].iter().all(|package| fixture.row(*package).current == Stage::ShouldNotBeInstalled));
}

#[test]
fn a_run_with_nothing_to_do_leaves_no_trace() {
    let mut fixture = Fixture::new(with_request(head_node_cluster(&[1]), 1, Stage::Finished));
    fixture.run().unwrap();
    fixture.take_trace();
    let before = fixture.store.cluster.clone();
    assert_eq!(fixture.run().unwrap().run, None);
    assert_eq!(fixture.take_trace(), [] as [&str; 0]);
    assert_eq!(fixture.store.cluster, before);
    assert_eq!(fixture.store.runs.len(), 1);
}

/// A clock that is set while the engine works: back by hours, forward by years, before 1970.
struct JumpingClock(Cell<usize>);

impl Clock for JumpingClock {
    fn now(&self) -> i64 {
        const TIMES: [i64; 5] = [1_700_000_000_000, 1_699_990_000_000, 4_000_000_000_000, -7, 0];
        self.0.set(self.0.get() + 1);
        TIMES[self.0.get() % TIMES.len()]
    }
}

#[test]
fn a_clock_that_jumps_changes_times_and_nothing_else() {
    let cluster = with_request(head_node_cluster(&[1, 2]), 1, Stage::Finished);
    let mut steady = Fixture::new(cluster.clone());
    let mut jumping = Fixture::new(cluster);
    let expected = steady.run().unwrap();
    let identity = RunIdentity {
        host: "head".into(),
        pid: std::process::id(),
        process: None,
        command: "opm run".into(),
    };
    let Fixture { store, effects: world, observer: notes, .. } = &mut jumping;
    let clock = JumpingClock(Cell::new(0));
    let order = RunOptions { targets: BTreeSet::from([SERVER]), ..RunOptions::default() };
    let summary =
        Engine { store, effects: world, observer: notes, clock: &clock, identity }.run(&order).unwrap();
    assert_eq!((summary.has_errors, summary.steps), (expected.has_errors, expected.steps));
    assert_eq!(jumping.take_trace(), steady.take_trace());
    assert_eq!(jumping.row(1).current, Stage::Finished);
    assert_eq!(jumping.run().unwrap().run, None, "idle afterwards");
}

#[test]
fn a_hook_that_is_not_there_is_done_and_not_in_the_journal() {
    let mut fixture = Fixture::new(with_request(head_node_cluster(&[1]), 1, Stage::RunConfigurator));
    fixture.effects.missing_hooks = BTreeSet::from(["api-pre-configure", "api-post-configure"]);
    fixture.run().unwrap();
    let trace = fixture.take_trace();
    assert!(trace.iter().all(|it| !it.starts_with("api-")), "{trace:?}");
    assert_eq!(fixture.store.events.len(), 2);
    assert_eq!(fixture.row(1).current, Stage::RunConfigurator);
}

/// A package that has nothing but native packages.
fn without_hooks_and_forms(packages: &[i64]) -> Fixture {
    let cluster = head_node_cluster(packages);
    let mut fixture = Fixture::new(
        packages.iter().fold(cluster, |cluster, package| with_request(cluster, *package, Stage::Finished)),
    );
    let hooks = ["api-pre-configure", "api-post-configure", "api-post-clientdef", "api-post-deploy"];
    fixture.effects.missing_hooks = BTreeSet::from(hooks);
    fixture.effects.are_forms_missing = true;
    fixture
}

#[test]
fn stages_without_work_are_committed_with_the_step_before_them() {
    let mut fixture = without_hooks_and_forms(&[1]);
    fixture.run().unwrap();
    assert_eq!(
        fixture.take_trace(),
        [
            "load",
            "run 1",
            "commit 1/1=1:running +event1",
            "install:1:2:1",
            "commit 1/1=2:idle event1=done 1/1=3:idle",
            "commit 1/1=3:running +event2",
            "install:1:4:1",
            "commit 1/1=4:idle event2=done 1/1=5:idle 1/1=6:idle 1/1=7:idle 1/1=8:idle",
            "commit run=done",
        ]
    );
}

#[test]
fn stages_without_work_cost_no_commit_each_however_many_packages_there_are() {
    let commits = |packages: &[i64]| {
        let mut fixture = without_hooks_and_forms(packages);
        fixture.run().unwrap();
        packages.iter().for_each(|id| assert_eq!(fixture.row(*id).current, Stage::Finished));
        fixture.take_trace().iter().filter(|it| it.starts_with("commit")).count()
    };
    assert_eq!(commits(&[1]), commits(&(1..=30).collect::<Vec<_>>()));
}

#[test]
fn a_run_that_is_stopped_commits_the_stages_that_were_reached() {
    let mut fixture = without_hooks_and_forms(&[1]);
    fixture.effects.stop_after = Some(2);
    fixture.run().unwrap();
    let trace = fixture.take_trace();
    assert!(fixture.row(1).current >= Stage::InstallBinPkgs, "{trace:?}");
    let stopped = fixture.store.cluster.clone();
    fixture.effects.stop_after = None;
    let after: Vec<String> = {
        fixture.run().unwrap();
        fixture.take_trace()
    };
    assert!(after.iter().all(|it| !it.starts_with("install")), "{after:?}");
    assert_ne!(fixture.store.cluster, stopped);
    assert_eq!(fixture.row(1).current, Stage::Finished);
}

#[test]
fn what_others_write_meanwhile_finds_the_stages_that_were_reached() {
    let mut fixture = without_hooks_and_forms(&[1]);
    let again = Change::SetRerun {
        key: StateKey { target: SERVER, package: PackageId(1) },
        stage: Stage::InstallBinPkgs,
        queued: true,
    };
    // After the commit with which the last step ends, while marks are still to come.
    fixture.store.concurrent_changes = [vec![], vec![], vec![], vec![again]].into();
    fixture.run().unwrap();
    let trace = fixture.take_trace();
    assert_eq!(trace.iter().filter(|it| *it == "install:1:4:1").count(), 2, "{trace:?}");
    assert_eq!(fixture.row(1).current, Stage::Finished);
}

#[test]
fn a_failed_stage_is_repeated_once_its_error_is_cleared() {
    let mut fixture = Fixture::new(with_request(head_node_cluster(&[1, 2]), 1, Stage::ShouldBeInstalled));
    fixture.store.cluster = with_request(fixture.store.cluster, 2, Stage::ShouldBeInstalled);
    fixture
        .effects
        .failed_transactions
        .lock()
        .unwrap()
        .insert("install:1:2:1+2".into(), "exit status 100".into());
    fixture
        .effects
        .failed_transactions
        .lock()
        .unwrap()
        .insert("install:1:2:1".into(), "no such package".into());
    let summary = fixture.run().unwrap();
    assert!(summary.has_errors);
    assert_eq!(
        (fixture.row(1).work_state, fixture.row(1).current),
        (WorkState::Failed, Stage::ShouldNotBeInstalled)
    );
    assert_eq!(fixture.row(1).failure.as_ref().unwrap().message, "no such package");
    assert_eq!(
        (fixture.row(2).work_state, fixture.row(2).current),
        (WorkState::Idle, Stage::ShouldBeInstalled)
    );
    assert_eq!(fixture.store.runs[0].status, Some(RunStatus::Failed));

    fixture.take_trace();
    assert!(fixture.run().unwrap().has_errors, "an error stays until somebody clears it");
    assert!(fixture.take_trace().iter().all(|it| !it.starts_with("install")));
    let retry = RunOptions { targets: BTreeSet::from([SERVER]), retry: true, ..RunOptions::default() };
    assert!(!fixture.run_with(&retry).unwrap().has_errors);
    assert!(fixture.take_trace().contains(&"install:1:2:1".to_owned()));
    assert_eq!(fixture.row(1).current, Stage::ShouldBeInstalled);
}

#[test]
fn a_database_that_fails_loses_nothing_wherever_it_does() {
    check_failing_database(|| Fixture::new(with_request(head_node_cluster(&[1]), 1, Stage::Finished)));
    check_failing_database(|| without_hooks_and_forms(&[1]));
}

fn check_failing_database(new: impl Fn() -> Fixture) {
    let mut whole = new();
    whole.run().unwrap();
    let commits = whole.take_trace().iter().filter(|it| it.starts_with("commit")).count();
    for room in 0..commits {
        let mut fixture = new();
        fixture.store.remaining_commits = Some(room);
        let error = fixture.run().unwrap_err();
        assert!(matches!(error, RunError::Database(Error::DiskFull(_))), "{error}");
        fixture.store.remaining_commits = None;
        // The run did not end by itself; to the next one it is dead.
        for run in &mut fixture.store.runs {
            run.pid = CRASHED_PID;
        }
        fixture.run().unwrap();
        assert_eq!(fixture.row(1).current, Stage::Finished, "after {room} commits");
        let undisturbed: Vec<&str> = whole.store.events.iter().map(|it| it.name.as_str()).collect();
        let done =
            fixture.store.events.iter().filter(|it| it.result.as_ref().unwrap().status == RunStatus::Done);
        let mut names: Vec<&str> = done.map(|it| it.name.as_str()).collect();
        names.dedup();
        // Parts of an interrupted stage run again from its first.
        assert!(undisturbed.iter().all(|it| names.contains(it)), "after {room} commits: {names:?}");
        assert!(fixture.store.runs.iter().all(|it| it.ended_at.is_some()));
    }
}

#[test]
fn a_run_that_died_is_cleaned_up_first_and_its_stage_taken_again() {
    let mut fixture = Fixture::new(with_request(head_node_cluster(&[1]), 1, Stage::ShouldBeInstalled));
    fixture.store.runs.push(Run {
        id: RunId(1),
        started_at: 0,
        ended_at: None,
        status: None,
        host: "head".into(),
        pid: CRASHED_PID,
        process: None,
        command: "opm run".into(),
    });
    fixture.run().unwrap();
    let trace = fixture.take_trace();
    assert_eq!(trace[0], "clean up 1");
    assert_eq!(fixture.store.runs[0].status, Some(RunStatus::Interrupted));
    assert_eq!(fixture.observer.0, ["run 1 crashed; its unfinished steps are repeated"]);
}

#[test]
fn a_run_that_lives_is_left_alone_and_a_crashed_one_is_ended_whatever_its_machine_was_called() {
    let mut fixture = Fixture::new(with_request(head_node_cluster(&[1]), 1, Stage::ShouldBeInstalled));
    let run = |id, host: &str, process| Run {
        id: RunId(id),
        started_at: i64::MAX / 2,
        ended_at: None,
        status: None,
        host: host.into(),
        pid: process,
        process: None,
        command: "opm run".into(),
    };
    fixture.store.runs = vec![
        run(1, "name-before", CRASHED_PID),
        run(2, "head", std::process::id()),
        run(3, "name-before", std::process::id()),
        run(4, "", CRASHED_PID),
    ];
    fixture.run().unwrap();
    let ended: Vec<bool> = fixture.store.runs[..4].iter().map(|it| it.ended_at.is_some()).collect();
    assert_eq!(ended, [true, false, false, true]);
    assert_eq!(fixture.take_trace()[0], "clean up 1");
}

#[test]
fn a_target_that_another_engine_has_is_not_touched() {
    let mut fixture = Fixture::new(with_request(head_node_cluster(&[1]), 1, Stage::Finished));
    fixture.store.holder =
        Some(LockHolder { target: SERVER, host: None, pid: Some(7), locked_since: Some(1) });
    let error = fixture.run().unwrap_err();
    let RunError::Locked { address, holder } = error else { panic!("{error}") };
    assert_eq!((address.as_str(), holder.pid), ("server:head", Some(7)));
    assert_eq!(fixture.row(1).current, Stage::ShouldNotBeInstalled);
    assert!(fixture.store.runs.is_empty());
}

#[test]
fn what_others_request_meanwhile_is_neither_overwritten_nor_left_for_the_next_run() {
    let mut fixture = Fixture::new(with_request(head_node_cluster(&[1, 2]), 1, Stage::ShouldBeInstalled));
    let key = |package| StateKey { target: SERVER, package: PackageId(package) };
    fixture.store.concurrent_changes = [
        vec![Change::Request { key: key(1), stage: Stage::InstallBinPkgs, requested_at: 5 }],
        vec![Change::Request { key: key(2), stage: Stage::ShouldBeInstalled, requested_at: 6 }],
    ]
    .into();
    fixture.run().unwrap();
    assert_eq!(
        (fixture.row(1).requested, fixture.row(1).current),
        (Stage::InstallBinPkgs, Stage::InstallBinPkgs)
    );
    assert_eq!(fixture.row(2).current, Stage::ShouldBeInstalled);
}

#[test]
fn what_a_package_says_of_itself_changes_the_order_at_once() {
    let mut fixture = Fixture::new(head_node_cluster(&[1, 2]));
    for package in [1, 2] {
        fixture.store.cluster = with_request(fixture.store.cluster, package, Stage::RunConfigurator);
    }
    let first = package(1);
    *fixture.effects.metadata.lock().unwrap() = vec![PackageMetadata {
        name: first.name,
        class: first.class,
        version: Some("1.2-3".into()),
        requires: vec!["opkg-p2-client".into()],
        foreign: Vec::new(),
    }];
    fixture.run().unwrap();
    let trace = fixture.take_trace();
    let at = |word: &str| trace.iter().position(|it| it == word).unwrap();
    assert!(at("api-post-configure:2") < at("api-pre-configure:1"), "{trace:?}");
    assert_eq!(fixture.store.cluster.packages[&PackageId(1)].version.as_deref(), Some("1.2-3"));
}

#[test]
fn a_run_that_is_asked_to_stop_ends_after_the_step() {
    let mut fixture = Fixture::new(with_request(head_node_cluster(&[1]), 1, Stage::Finished));
    fixture.effects.stop_after = Some(1);
    let summary = fixture.run().unwrap();
    assert!(summary.stopped);
    assert_eq!(fixture.row(1).current, Stage::ShouldBeInstalled);
    assert_eq!(fixture.row(1).work_state, WorkState::Idle);
    assert_eq!(fixture.store.runs[0].status, Some(RunStatus::Interrupted));
    fixture.effects.stop_after = None;
    fixture.run().unwrap();
    assert_eq!(fixture.row(1).current, Stage::Finished);
}

#[test]
fn what_waits_for_the_administrator_is_not_tried_in_every_run() {
    let mut fixture = Fixture::new(with_request(head_node_cluster(&[1]), 1, Stage::Finished));
    fixture.effects.required_actions.lock().unwrap().insert(PackageId(1), "port has no value".into());
    assert!(!fixture.run().unwrap().has_errors);
    assert_eq!(fixture.row(1).current, Stage::ShouldBeInstalled);
    fixture.take_trace();
    fixture.run().unwrap();
    assert!(fixture.take_trace().is_empty());
    let answered =
        opkg_oda::Package { waiting_for: None, ..fixture.store.cluster.packages[&PackageId(1)].clone() };
    fixture.store.cluster.apply(&Change::PutPackage(answered));
    fixture.run().unwrap();
    assert_eq!(fixture.row(1).current, Stage::Finished);
}

fn answer(value: &str, origin: ValueOrigin) -> ConfigValue {
    ConfigValue { name: "port".into(), value: value.into(), origin }
}

#[test]
fn the_configurator_gets_the_answers_and_its_values_are_kept() {
    let mut fixture = Fixture::new(with_request(head_node_cluster(&[1]), 1, Stage::RunConfigurator));
    let place = (PackageId(1), None);
    fixture.store.values.insert(place, vec![answer("80", ValueOrigin::Administrator)]);
    let values = vec![answer("80", ValueOrigin::Administrator), answer("x", ValueOrigin::Default)];
    fixture.effects.resolved.lock().unwrap().insert(place, values.clone());
    fixture.run().unwrap();
    assert_eq!(
        fixture.effects.last_answers.lock().unwrap()[&place],
        [answer("80", ValueOrigin::Administrator)]
    );
    assert_eq!(fixture.store.values[&place], values);
    assert_eq!(fixture.observer.0, Vec::<String>::new());
}

#[test]
fn answers_that_are_given_meanwhile_are_not_lost() {
    let mut fixture = Fixture::new(with_request(head_node_cluster(&[1]), 1, Stage::RunConfigurator));
    fixture.effects.missing_hooks = BTreeSet::from(["api-pre-configure", "api-post-configure"]);
    let place = (PackageId(1), None);
    fixture.effects.resolved.lock().unwrap().insert(place, vec![answer("80", ValueOrigin::Default)]);
    let other = vec![answer("443", ValueOrigin::Administrator)];
    let instead_of = Some(Vec::new());
    let given =
        Change::SetValues { package: place.0, image: None, values: other.clone(), expected: instead_of };
    fixture.store.change_after_values = Some(given);
    fixture.run().unwrap();
    assert_eq!(fixture.store.values[&place], other);
    assert_eq!(fixture.observer.0, ["answers for p1 changed during the run: `opm reconfigure p1`"]);
}

#[test]
fn a_target_outside_the_order_is_not_touched() {
    let mut fixture = Fixture::new(with_request(head_node_cluster(&[1]), 1, Stage::Finished));
    let order = RunOptions { targets: BTreeSet::from([TargetId(9)]), ..RunOptions::default() };
    fixture.run_with(&order).unwrap();
    assert!(fixture.take_trace().is_empty());
}

fn finished_head_node() -> Fixture {
    let mut fixture = Fixture::new(with_request(head_node_cluster(&[1]), 1, Stage::Finished));
    fixture.effects.root_ids.lock().unwrap().insert(SERVER, None);
    fixture.effects.versions.insert(PackageId(1), "1.0-1".into());
    fixture.run().unwrap();
    fixture.take_trace();
    fixture
}

#[test]
fn a_root_is_marked_once_and_known_again() {
    let mut fixture = finished_head_node();
    assert_eq!(fixture.store.cluster.root_ids[&SERVER], "new1");
    let summary = fixture.run().unwrap();
    assert_eq!(
        (summary.run, *fixture.effects.renewed_roots.lock().unwrap()),
        (None, 1),
        "there is nothing to do"
    );
}

#[test]
fn on_a_root_that_was_built_anew_everything_is_due_again() {
    for found in [None, Some("of-another".to_owned())] {
        let mut fixture = finished_head_node();
        fixture.effects.root_ids.lock().unwrap().insert(SERVER, found.clone());
        let summary = fixture.run().unwrap();
        assert!(summary.run.is_some(), "{found:?}");
        assert_eq!(fixture.row(1).current, Stage::Finished);
        let trace = fixture.take_trace().join("\n");
        assert!(trace.contains("install:1:2:1") && trace.contains("api-post-deploy:1"), "{trace}");
        let notes = fixture.observer.0.join("\n");
        assert!(
            notes.contains("of server:head is not the one that it was: everything that was done"),
            "{notes}"
        );
        assert_eq!(fixture.run().unwrap().run, None, "once");
    }
}

#[test]
fn a_root_that_cannot_be_looked_into_is_no_other_one() {
    let mut fixture = finished_head_node();
    fixture.effects.root_ids.lock().unwrap().clear();
    assert_eq!(fixture.run().unwrap().run, None);
    assert_eq!(fixture.row(1).current, Stage::Finished);
}

#[test]
fn the_id_is_in_the_root_before_the_database_has_it() {
    let mut fixture = finished_head_node();
    fixture.effects.root_ids.lock().unwrap().insert(SERVER, None);
    fixture.store.remaining_commits = Some(0);
    fixture.run().unwrap_err();
    fixture.store.remaining_commits = None;
    assert_eq!(fixture.row(1).current, Stage::Finished, "nothing was committed");
    assert!(fixture.run().unwrap().run.is_some(), "and it is noticed again");
    assert!(fixture.take_trace().join("\n").contains("install:1:2:1"));
}

fn queue_upgrade(fixture: &mut Fixture, to: Option<&str>) {
    let on = BTreeSet::from([SERVER]);
    let cluster = &mut fixture.store.cluster;
    let changes = opkg_engine::reruns::upgrade(cluster, &[PackageId(1)], &on, to).unwrap();
    changes.iter().for_each(|change| cluster.apply(change));
}

#[test]
fn which_version_is_installed_is_recorded_and_an_upgrade_that_changes_nothing_says_so() {
    let mut fixture = finished_head_node();
    let key = StateKey { target: SERVER, package: PackageId(1) };
    assert_eq!(fixture.store.cluster.installed_version(key), Some("1.0-1"));
    queue_upgrade(&mut fixture, None);
    fixture.run().unwrap();
    assert_eq!(fixture.observer.0, ["p1 on server:head is 1.0-1, as before: nothing newer was found"]);
    fixture.effects.versions.insert(PackageId(1), "1.1-1".into());
    queue_upgrade(&mut fixture, None);
    fixture.run().unwrap();
    assert_eq!(fixture.observer.0.len(), 1, "this one changed something");
    assert_eq!(fixture.store.cluster.installed_version(key), Some("1.1-1"));
}

#[test]
fn another_version_than_the_one_that_was_asked_for_is_an_error() {
    let mut fixture = finished_head_node();
    queue_upgrade(&mut fixture, Some("2.0-1"));
    fixture.run().unwrap();
    let failure = fixture.row(1).failure.clone().unwrap();
    assert!(failure.message.contains("version 1.0-1 is installed, and 2.0-1 was asked for"), "{failure:?}");
    assert_eq!(failure.stage, Stage::ShouldBeInstalled);
    fixture.effects.versions.insert(PackageId(1), "0:2.0-1".into());
    let row = opkg_oda::PackageState { work_state: WorkState::Idle, failure: None, ..fixture.row(1).clone() };
    let key = StateKey { target: SERVER, package: PackageId(1) };
    fixture.store.cluster.apply(&Change::UpdateState(key, row));
    fixture.run().unwrap();
    assert_eq!(fixture.row(1).work_state, WorkState::Idle);
    queue_upgrade(&mut fixture, Some("2.0-1"));
    assert_eq!(fixture.run().unwrap().run, None, "it has that version");
}

#[test]
fn the_log_of_a_step_stands_in_the_journal_while_it_runs() {
    let mut fixture = Fixture::new(with_request(head_node_cluster(&[1]), 1, Stage::ShouldBeInstalled));
    fixture.effects.planned_log = Some("/var/log/opm/run-000001/0001-head-install.log".into());
    fixture.run().unwrap();
    assert_eq!(fixture.store.events[0].log_path, fixture.effects.planned_log);
}
