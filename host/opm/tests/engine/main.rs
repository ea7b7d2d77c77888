//! One run of the engine: what it commits, when, and what is left when it cannot.

#![allow(clippy::unwrap_used)]

mod pretended;

use std::cell::Cell;
use std::collections::BTreeSet;

use opkg_oda::{
    Change, Error, Holder, Key, Origin, PackageId, Run, RunId, Stage, State, TargetId, Value, Verdict,
};
use opkg_opm::engine::{Clock, Engine, Identity, Order, RunError, Summary};
use opkg_opm::machine::Outcome;

use pretended::{Memory, Notes, SERVER, Ticks, Trace, World, head, package, requested};

struct Stand {
    store: Memory,
    world: World,
    notes: Notes,
    trace: Trace,
}

impl Stand {
    fn new(cluster: opkg_oda::Cluster) -> Self {
        let trace = Trace::default();
        Self {
            store: Memory::new(cluster, &trace),
            world: World::new(&trace),
            notes: Notes::default(),
            trace,
        }
    }

    fn run(&mut self) -> Result<Summary, RunError> {
        let order = Order { targets: BTreeSet::from([SERVER]), ..Order::default() };
        self.run_with(&order)
    }

    fn run_with(&mut self, order: &Order) -> Result<Summary, RunError> {
        let identity =
            Identity { host: "head".into(), process: std::process::id(), command: "opm run".into() };
        let (store, effects, observer) = (&mut self.store, &mut self.world, &mut self.notes);
        Engine { store, effects, observer, clock: &Ticks::default(), identity }.run(order)
    }

    /// What happened since this was asked last.
    fn trace(&self) -> Vec<String> {
        std::mem::take(&mut *self.trace.borrow_mut())
    }

    fn row(&self, package: i64) -> &opkg_oda::Row {
        self.store.cluster.row(Key { target: SERVER, package: PackageId(package) }).unwrap()
    }
}

#[test]
fn running_is_committed_before_anything_happens_and_the_result_after() {
    let mut stand = Stand::new(requested(head(&[1]), 1, Stage::RunConfigurator));
    let summary = stand.run().unwrap();
    assert_eq!(
        stand.trace(),
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
    assert_eq!((summary.steps, summary.failed, summary.errors), (4, 0, false));
}

#[test]
fn a_run_with_nothing_to_do_leaves_no_trace() {
    let mut stand = Stand::new(requested(head(&[1]), 1, Stage::Finished));
    stand.run().unwrap();
    stand.trace();
    let before = stand.store.cluster.clone();
    assert_eq!(stand.run().unwrap().run, None);
    assert_eq!(stand.trace(), [] as [&str; 0]);
    assert_eq!(stand.store.cluster, before);
    assert_eq!(stand.store.runs.len(), 1);
}

/// A clock that is set while the engine works: back by hours, forward by years, before 1970.
struct Jumps(Cell<usize>);

impl Clock for Jumps {
    fn now(&self) -> i64 {
        const TIMES: [i64; 5] = [1_700_000_000_000, 1_699_990_000_000, 4_000_000_000_000, -7, 0];
        self.0.set(self.0.get() + 1);
        TIMES[self.0.get() % TIMES.len()]
    }
}

#[test]
fn a_clock_that_jumps_changes_times_and_nothing_else() {
    let cluster = requested(head(&[1, 2]), 1, Stage::Finished);
    let mut steady = Stand::new(cluster.clone());
    let mut jumping = Stand::new(cluster);
    let expected = steady.run().unwrap();
    let identity = Identity { host: "head".into(), process: std::process::id(), command: "opm run".into() };
    let Stand { store, world, notes, .. } = &mut jumping;
    let clock = Jumps(Cell::new(0));
    let order = Order { targets: BTreeSet::from([SERVER]), ..Order::default() };
    let summary =
        Engine { store, effects: world, observer: notes, clock: &clock, identity }.run(&order).unwrap();
    assert_eq!((summary.errors, summary.steps), (expected.errors, expected.steps));
    assert_eq!(jumping.trace(), steady.trace());
    assert_eq!(jumping.row(1).current, Stage::Finished);
    assert_eq!(jumping.run().unwrap().run, None, "idle afterwards");
}

#[test]
fn a_hook_that_is_not_there_is_done_and_not_in_the_journal() {
    let mut stand = Stand::new(requested(head(&[1]), 1, Stage::RunConfigurator));
    stand.world.absent = BTreeSet::from(["api-pre-configure", "api-post-configure"]);
    stand.run().unwrap();
    let trace = stand.trace();
    assert!(trace.iter().all(|it| !it.starts_with("api-")), "{trace:?}");
    assert_eq!(stand.store.events.len(), 2);
    assert_eq!(stand.row(1).current, Stage::RunConfigurator);
}

#[test]
fn a_failed_stage_is_repeated_once_its_error_is_cleared() {
    let mut stand = Stand::new(requested(head(&[1, 2]), 1, Stage::ShouldBeInstalled));
    stand.store.cluster = requested(stand.store.cluster, 2, Stage::ShouldBeInstalled);
    stand.world.outcomes.insert("install:1:2:1+2".into(), Outcome::Together("exit status 100".into()));
    stand.world.outcomes.insert("install:1:2:1".into(), Outcome::Together("no such package".into()));
    let summary = stand.run().unwrap();
    assert!(summary.errors);
    assert_eq!((stand.row(1).state, stand.row(1).current), (State::Error, Stage::ShouldNotBeInstalled));
    assert_eq!(stand.row(1).failure.as_ref().unwrap().message, "no such package");
    assert_eq!((stand.row(2).state, stand.row(2).current), (State::Idle, Stage::ShouldBeInstalled));
    assert_eq!(stand.store.runs[0].verdict, Some(Verdict::Failed));

    stand.trace();
    assert!(stand.run().unwrap().errors, "an error stays until somebody clears it");
    assert!(stand.trace().iter().all(|it| !it.starts_with("install")));
    let retry = Order { targets: BTreeSet::from([SERVER]), retry: true, ..Order::default() };
    assert!(!stand.run_with(&retry).unwrap().errors);
    assert!(stand.trace().contains(&"install:1:2:1".to_owned()));
    assert_eq!(stand.row(1).current, Stage::ShouldBeInstalled);
}

#[test]
fn a_database_that_fails_loses_nothing_wherever_it_does() {
    let cluster = requested(head(&[1]), 1, Stage::Finished);
    let mut whole = Stand::new(cluster.clone());
    whole.run().unwrap();
    let commits = whole.trace().iter().filter(|it| it.starts_with("commit")).count();
    for room in 0..commits {
        let mut stand = Stand::new(cluster.clone());
        stand.store.room = Some(room);
        let error = stand.run().unwrap_err();
        assert!(matches!(error, RunError::Database(Error::Full(_))), "{error}");
        stand.store.room = None;
        // The run did not end by itself; to the next one it is dead.
        for run in &mut stand.store.runs {
            run.process = u32::MAX;
        }
        stand.run().unwrap();
        assert_eq!(stand.row(1).current, Stage::Finished, "after {room} commits");
        let undisturbed: Vec<&str> = whole.store.events.iter().map(|it| it.name.as_str()).collect();
        let done =
            stand.store.events.iter().filter(|it| it.ending.as_ref().unwrap().verdict == Verdict::Done);
        let mut names: Vec<&str> = done.map(|it| it.name.as_str()).collect();
        names.dedup();
        // Parts of an interrupted stage run again from its first.
        assert!(undisturbed.iter().all(|it| names.contains(it)), "after {room} commits: {names:?}");
        assert!(stand.store.runs.iter().all(|it| it.ended.is_some()));
    }
}

#[test]
fn a_run_that_died_is_cleaned_up_first_and_its_stage_taken_again() {
    let mut stand = Stand::new(requested(head(&[1]), 1, Stage::ShouldBeInstalled));
    stand.store.runs.push(Run {
        id: RunId(1),
        started: 0,
        ended: None,
        verdict: None,
        host: "head".into(),
        process: u32::MAX,
        command: "opm run".into(),
    });
    stand.run().unwrap();
    let trace = stand.trace();
    assert_eq!(trace[0], "clean up 1");
    assert_eq!(stand.store.runs[0].verdict, Some(Verdict::Interrupted));
    assert_eq!(stand.notes.0, ["run 1 died; its last steps are taken again"]);
}

#[test]
fn a_run_of_another_machine_or_one_that_lives_is_left_alone() {
    let mut stand = Stand::new(requested(head(&[1]), 1, Stage::ShouldBeInstalled));
    let run = |host: &str, process| Run {
        id: RunId(1),
        started: i64::MAX / 2,
        ended: None,
        verdict: None,
        host: host.into(),
        process,
        command: "opm run".into(),
    };
    stand.store.runs = vec![run("elsewhere", u32::MAX), run("head", std::process::id())];
    stand.run().unwrap();
    assert!(stand.notes.0.is_empty());
    assert!(stand.store.runs[..2].iter().all(|it| it.ended.is_none()));
}

#[test]
fn a_target_that_another_engine_has_is_not_touched() {
    let mut stand = Stand::new(requested(head(&[1]), 1, Stage::Finished));
    stand.store.holder = Some(Holder { target: SERVER, process: Some(7), since: Some(1) });
    let error = stand.run().unwrap_err();
    let RunError::Held { address, holder } = error else { panic!("{error}") };
    assert_eq!((address.as_str(), holder.process), ("server:head", Some(7)));
    assert_eq!(stand.row(1).current, Stage::ShouldNotBeInstalled);
    assert!(stand.store.runs.is_empty());
}

#[test]
fn what_others_request_meanwhile_is_neither_overwritten_nor_left_for_the_next_run() {
    let mut stand = Stand::new(requested(head(&[1, 2]), 1, Stage::ShouldBeInstalled));
    let key = |package| Key { target: SERVER, package: PackageId(package) };
    stand.store.meanwhile = [
        vec![Change::Request { key: key(1), stage: Stage::InstallBinPkgs, at: 5 }],
        vec![Change::Request { key: key(2), stage: Stage::ShouldBeInstalled, at: 6 }],
    ]
    .into();
    stand.run().unwrap();
    assert_eq!(
        (stand.row(1).requested, stand.row(1).current),
        (Stage::InstallBinPkgs, Stage::InstallBinPkgs)
    );
    assert_eq!(stand.row(2).current, Stage::ShouldBeInstalled);
}

#[test]
fn what_a_package_says_of_itself_changes_the_order_at_once() {
    let mut stand = Stand::new(head(&[1, 2]));
    for package in [1, 2] {
        stand.store.cluster = requested(stand.store.cluster, package, Stage::RunConfigurator);
    }
    let mut first = package(1);
    first.needs = vec![PackageId(2)];
    first.version = Some("1.2-3".into());
    stand.world.learned = vec![first];
    stand.run().unwrap();
    let trace = stand.trace();
    let at = |word: &str| trace.iter().position(|it| it == word).unwrap();
    assert!(at("api-post-configure:2") < at("api-pre-configure:1"), "{trace:?}");
    assert_eq!(stand.store.cluster.packages[&PackageId(1)].version.as_deref(), Some("1.2-3"));
}

#[test]
fn a_run_that_is_asked_to_stop_ends_after_the_step() {
    let mut stand = Stand::new(requested(head(&[1]), 1, Stage::Finished));
    stand.world.stop_after = Some(1);
    let summary = stand.run().unwrap();
    assert!(summary.stopped);
    assert_eq!(stand.row(1).current, Stage::ShouldBeInstalled);
    assert_eq!(stand.row(1).state, State::Idle);
    assert_eq!(stand.store.runs[0].verdict, Some(Verdict::Interrupted));
    stand.world.stop_after = None;
    stand.run().unwrap();
    assert_eq!(stand.row(1).current, Stage::Finished);
}

#[test]
fn what_waits_for_the_administrator_is_not_tried_in_every_run() {
    let mut stand = Stand::new(requested(head(&[1]), 1, Stage::Finished));
    stand.world.outcomes.insert("configure:1".into(), Outcome::Waits("port has no value".into()));
    assert!(!stand.run().unwrap().errors);
    assert_eq!(stand.row(1).current, Stage::ShouldBeInstalled);
    stand.trace();
    stand.run().unwrap();
    assert_eq!(stand.trace(), ["load"]);
    let answered = opkg_oda::Package { awaits: None, ..stand.store.cluster.packages[&PackageId(1)].clone() };
    stand.store.cluster.apply(&Change::Package(answered));
    stand.run().unwrap();
    assert_eq!(stand.row(1).current, Stage::Finished);
}

fn answer(value: &str, origin: Origin) -> Value {
    Value { name: "port".into(), value: value.into(), origin }
}

#[test]
fn the_configurator_gets_the_answers_and_its_values_are_kept() {
    let mut stand = Stand::new(requested(head(&[1]), 1, Stage::RunConfigurator));
    let place = (PackageId(1), None);
    stand.store.values.insert(place, vec![answer("80", Origin::Administrator)]);
    let values = vec![answer("80", Origin::Administrator), answer("x", Origin::Default)];
    stand.world.settled.insert(place, values.clone());
    stand.run().unwrap();
    assert_eq!(stand.world.known[&place], [answer("80", Origin::Administrator)]);
    assert_eq!(stand.store.values[&place], values);
    assert_eq!(stand.notes.0, Vec::<String>::new());
}

#[test]
fn answers_that_are_given_meanwhile_are_not_lost() {
    let mut stand = Stand::new(requested(head(&[1]), 1, Stage::RunConfigurator));
    stand.world.absent = BTreeSet::from(["api-pre-configure", "api-post-configure"]);
    let place = (PackageId(1), None);
    stand.world.settled.insert(place, vec![answer("80", Origin::Default)]);
    let other = vec![answer("443", Origin::Administrator)];
    let instead_of = Some(Vec::new());
    let given = Change::Configure { package: place.0, image: None, values: other.clone(), instead_of };
    stand.store.after_values = Some(given);
    stand.run().unwrap();
    assert_eq!(stand.store.values[&place], other);
    assert_eq!(stand.notes.0, ["p1 was given other answers meanwhile: `opm reconfigure p1`"]);
}

#[test]
fn a_target_outside_the_order_is_not_touched() {
    let mut stand = Stand::new(requested(head(&[1]), 1, Stage::Finished));
    let order = Order { targets: BTreeSet::from([TargetId(9)]), ..Order::default() };
    stand.run_with(&order).unwrap();
    assert_eq!(stand.trace(), ["load"]);
}
