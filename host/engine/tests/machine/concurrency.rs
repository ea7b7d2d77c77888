//! Several steps in flight: what comes of them is what came of them one after the other, whatever order they end in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use opkg_engine::machine::{StageMachine, Step, WorkItem};
use opkg_oda::{Change, Cluster, Stage, StateKey, Target, TargetId, TargetKind};
use proptest::prelude::*;

use crate::fake_world::{Fault, PerformedStep};
use crate::fixture::Fixture;
use crate::properties::{
    Scenario, assert_allowed, assert_settled, build_fixture, config_with_cases, fault, normalized,
    scenario_of,
};

/// More moves than any of these clusters takes.
const MAX_MOVES: usize = 5_000;

/// What happens next while steps are in flight.
#[derive(Debug, Clone)]
enum Move {
    /// One of them ends, the one at this place, counted around.
    End(usize),
    /// The engine crashes. Bit by bit: which of the steps in flight were done, though nobody has noted it.
    Crash(u8),
}

/// How steps go wrong: the first ones of each target, in their order there.
type Faults = BTreeMap<TargetId, Vec<Option<Fault>>>;

/// A step that was begun, with the cluster as it was then.
struct StepInFlight {
    step: Step,
    cluster: Arc<Cluster>,
    fault: Option<Fault>,
}

/// Runs over a cluster with up to so many steps in flight.
struct ConcurrentRun<'a> {
    fixture: &'a mut Fixture,
    machine: StageMachine,
    in_flight: Vec<StepInFlight>,
    jobs: usize,
    faults: Faults,
    /// How many steps were in flight at most.
    peak: usize,
}

impl<'a> ConcurrentRun<'a> {
    fn new(fixture: &'a mut Fixture, jobs: usize, faults: Faults) -> Self {
        let machine = fixture.machine();
        Self { fixture, machine, in_flight: Vec::new(), jobs, faults, peak: 0 }
    }

    /// To the end; steps end as `moves` say, then the last one first.
    fn run(&mut self, moves: &[Move]) {
        let mut moves = moves.iter();
        for _ in 0..MAX_MOVES {
            self.start_steps();
            if self.in_flight.is_empty() {
                assert_eq!(self.machine.next_work(), None, "idle is idle");
                assert_eq!(self.machine.cluster(), &self.fixture.cluster, "memory and database say the same");
                return;
            }
            match moves.next() {
                Some(Move::End(place)) => self.end_step(place % self.in_flight.len()),
                Some(Move::Crash(done)) => self.crash(*done),
                None => self.end_step(self.in_flight.len() - 1),
            }
        }
        panic!("it never ends");
    }

    fn start_steps(&mut self) {
        while self.in_flight.len() < self.jobs {
            let Some(work) = self.machine.next_work() else { return };
            assert_allowed(&self.machine, &work, &self.fixture.world);
            match work {
                WorkItem::Step(step) => self.start_step(step),
                WorkItem::SetStage(_) | WorkItem::AdvanceRollout(_) => {
                    assert!(self.in_flight.is_empty(), "{work:?} beside steps");
                    self.fixture.step(&mut self.machine, &work);
                }
            }
        }
    }

    fn start_step(&mut self, step: Step) {
        let is_server = |target: TargetId| self.fixture.cluster.targets[&target].kind() == TargetKind::Server;
        let mut busy = self.in_flight.iter().map(|other| other.step.target());
        assert!(busy.all(|other| other != step.target() && !is_server(other)), "{step:?} beside another one");
        assert!(!is_server(step.target()) || self.in_flight.is_empty(), "{step:?} beside others");
        self.fixture.begin(&mut self.machine, &step);
        let faults = self.faults.entry(step.target()).or_default();
        let fault = if faults.is_empty() { None } else { faults.remove(0) };
        self.in_flight.push(StepInFlight { step, cluster: self.machine.snapshot(), fault });
        self.peak = self.peak.max(self.in_flight.len());
    }

    fn end_step(&mut self, place: usize) {
        let StepInFlight { step, cluster, fault } = self.in_flight.remove(place);
        self.fixture.now += 1;
        self.fixture.world.scheduled_faults = vec![fault];
        let finished = self.fixture.world.perform(&cluster, &step);
        let changes = self.machine.finish(&finished, self.fixture.now);
        self.fixture.commit(&changes);
    }

    fn crash(&mut self, done: u8) {
        for (place, StepInFlight { step, cluster, .. }) in self.in_flight.drain(..).enumerate() {
            if done >> (place % 8) & 1 == 1 {
                self.fixture.world.perform(&cluster, &step);
            }
        }
        self.machine = self.fixture.machine();
    }
}

/// What was done to the end on each target, in its order there.
fn history_by_target(fixture: &Fixture) -> BTreeMap<TargetId, Vec<(StateKey, PerformedStep)>> {
    let mut history: BTreeMap<TargetId, Vec<_>> = BTreeMap::new();
    for (key, done) in &fixture.world.history {
        history.entry(key.target).or_default().push((*key, *done));
    }
    history
}

fn attempts(cluster: &Cluster) -> Vec<(StateKey, u32)> {
    cluster.all_states().map(|(key, row)| (key, row.attempts)).collect()
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    prop::collection::vec(any::<usize>().prop_map(Move::End), 0..80)
}

fn moves_with_crashes() -> impl Strategy<Value = Vec<Move>> {
    let step = prop_oneof![
        4 => any::<usize>().prop_map(Move::End),
        1 => any::<u8>().prop_map(Move::Crash),
    ];
    prop::collection::vec(step, 0..60)
}

/// Faults of some targets, the head node among them.
fn faults() -> impl Strategy<Value = Vec<Vec<Option<Fault>>>> {
    let of_target = prop::collection::vec(prop::option::weighted(0.4, fault()), 0..4);
    prop::collection::vec(of_target, 0..8)
}

fn faults_of(fixture: &Fixture, faults: &[Vec<Option<Fault>>]) -> Faults {
    fixture.cluster.targets.keys().copied().zip(faults.iter().cloned()).collect()
}

fn larger_scenario() -> impl Strategy<Value = Scenario> {
    scenario_of(5)
}

proptest! {
    #![proptest_config(config_with_cases(500))]

    #[test]
    fn whatever_order_steps_end_in_it_is_as_one_after_the_other(
        plan in larger_scenario(), jobs in 2..7usize, faults in faults(), moves in moves()
    ) {
        let mut serial = build_fixture(&plan);
        let mut parallel = serial.clone();
        let faults = faults_of(&serial, &faults);
        ConcurrentRun::new(&mut serial, 1, faults.clone()).run(&[]);
        ConcurrentRun::new(&mut parallel, jobs, faults).run(&moves);
        prop_assert_eq!(normalized(&parallel.cluster), normalized(&serial.cluster));
        prop_assert_eq!(attempts(&parallel.cluster), attempts(&serial.cluster));
        prop_assert_eq!(history_by_target(&parallel), history_by_target(&serial));
        prop_assert_eq!(&parallel.world.installed_parts, &serial.world.installed_parts);
        prop_assert_eq!(&parallel.world.installed_api, &serial.world.installed_api);
    }

    #[test]
    fn one_job_is_what_was_always_done(plan in larger_scenario()) {
        let mut plain = build_fixture(&plan);
        let mut one = plain.clone();
        plain.run();
        ConcurrentRun::new(&mut one, 1, Faults::new()).run(&[]);
        prop_assert_eq!(&one.world.history, &plain.world.history);
        prop_assert_eq!(normalized(&one.cluster), normalized(&plain.cluster));
    }

    #[test]
    fn crashes_with_several_in_flight_change_nothing_in_the_end(
        plan in larger_scenario(), jobs in 2..7usize, moves in moves_with_crashes()
    ) {
        let mut calm = build_fixture(&plan);
        let mut haunted = calm.clone();
        calm.run();
        ConcurrentRun::new(&mut haunted, jobs, Faults::new()).run(&moves);
        prop_assert_eq!(normalized(&haunted.cluster), normalized(&calm.cluster));
        prop_assert_eq!(&haunted.world.installed_parts, &calm.world.installed_parts);
        prop_assert_eq!(&haunted.world.installed_api, &calm.world.installed_api);
        assert_settled(&haunted);
    }
}

/// A head node, images and clients, and two packages that are requested everywhere.
fn wide_cluster(images: usize, clients: usize) -> (Fixture, String) {
    let mut fixture = Fixture::new().package("base", &[]).package("tool", &["base"]);
    let mut everywhere = String::from("head");
    for number in 0..images {
        fixture = fixture.image(&format!("i{number}"));
        everywhere += &format!(" i{number}");
    }
    for number in 0..clients {
        fixture = fixture.client(&format!("c{number}"));
        everywhere += &format!(" c{number}");
    }
    fixture.request("base tool", Stage::Finished, &everywhere);
    (fixture, everywhere)
}

#[test]
fn as_many_targets_are_worked_on_as_there_are_jobs() {
    for (jobs, peak) in [(1, 1), (3, 3), (8, 8), (100, 12)] {
        let (mut fixture, everywhere) = wide_cluster(12, 12);
        let mut run = ConcurrentRun::new(&mut fixture, jobs, Faults::new());
        run.run(&[]);
        assert_eq!(run.peak, peak, "{jobs} jobs; clients get their work after the images' hooks");
        fixture.request("tool", Stage::ShouldNotBeInstalled, &everywhere);
        let mut run = ConcurrentRun::new(&mut fixture, jobs, Faults::new());
        run.run(&[]);
        assert_eq!(run.peak, jobs.min(24), "{jobs} jobs; clients and images let packages go together");
    }
}

#[test]
fn a_step_that_was_not_begun_is_named_again() {
    let (mut fixture, _) = wide_cluster(3, 3);
    let mut machine = fixture.machine();
    let mut steps = 0;
    while let Some(work) = machine.next_work() {
        if let WorkItem::Step(_) = work {
            assert_eq!(machine.next_work().as_ref(), Some(&work));
            steps += 1;
        }
        fixture.step(&mut machine, &work);
    }
    assert!(steps > 10, "{steps}");
}

#[test]
fn a_target_that_is_slow_holds_up_the_head_node_and_nobody_else() {
    let (mut fixture, _) = wide_cluster(6, 0);
    let mut run = ConcurrentRun::new(&mut fixture, 2, Faults::new());
    let is_install_on = |work: &StepInFlight, kind| {
        matches!(work.step, Step::Install(_)) && work.cluster.targets[&work.step.target()].kind() == kind
    };
    run.start_steps();
    while !run.in_flight.iter().any(|work| is_install_on(work, TargetKind::Image)) {
        run.end_step(0);
        run.start_steps();
    }
    // The first one goes on and on.
    let slow = run.in_flight[0].step.target();
    let mut others = BTreeSet::new();
    while run.in_flight.len() > 1 {
        others.insert(run.in_flight[1].step.target());
        run.end_step(1);
        run.start_steps();
    }
    assert_eq!((others.len(), run.in_flight[0].step.target()), (5, slow));
    assert_eq!(run.machine.next_work(), None, "the head node waits for it");
    run.run(&[]);
    assert_eq!(fixture.current("tool", "head"), Stage::Finished.id());
}

#[test]
fn one_root_is_worked_on_by_one_step_whatever_targets_have_it() {
    let (mut fixture, _) = wide_cluster(3, 0);
    for (image, root) in [("i0", "/srv/shared"), ("i1", "/srv/own"), ("i2", "/srv/shared")] {
        let known = fixture.cluster.targets[&fixture.target_id(image)].clone();
        fixture.cluster.apply(&Change::PutTarget(Target { root: Some(root.into()), ..known }));
    }
    let mut run = ConcurrentRun::new(&mut fixture, 8, Faults::new());
    run.run(&[]);
    assert_eq!(run.peak, 2);
    for image in ["i0", "i1", "i2"] {
        assert_eq!(fixture.current("tool", image), Stage::Finished.id(), "{image}");
    }
}

#[test]
fn a_failure_on_one_target_stops_no_other() {
    let (mut fixture, _) = wide_cluster(4, 0);
    let broken = fixture.target_id("i1");
    let faults = Faults::from([(broken, vec![Some(Fault::Failure); 3])]);
    ConcurrentRun::new(&mut fixture, 4, faults).run(&[]);
    for image in ["i0", "i2", "i3"] {
        assert_eq!(fixture.current("tool", image), Stage::Finished.id(), "{image}");
    }
    assert!(fixture.row("base", "i1").failure.is_some());
}
