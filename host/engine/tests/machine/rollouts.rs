//! Requests that go out in waves, to nodes with engines of their own.

use std::collections::{BTreeMap, BTreeSet};

use opkg_engine::machine::{
    BlockReason, Decision, DependencyOrder, RolloutProgress, Scope, StageMachine, Step, WorkItem,
};
use opkg_engine::rollouts::{self, NewTerms, Waves};
use opkg_engine::{requests, reruns};
use opkg_oda::{
    Absence, AbsenceKind, Change, PackageState, RolloutId, RolloutState, Share, Stage, StateKey, TargetId,
    WorkState,
};
use proptest::prelude::*;

use crate::fake_world::Fault;
use crate::fixture::Fixture;
use crate::properties::config_with_cases;

const ROLLOUT: RolloutId = RolloutId(1);

/// What goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Request,
    Upgrade,
    Remove,
}

/// What changes with the first step of a node: stage, state, attempts, and whether something is queued to run again.
type Standing = (Stage, WorkState, u32, bool);

/// A head node, and nodes `n0`, `n1` … that work by themselves.
struct Site {
    fixture: Fixture,
    nodes: Vec<TargetId>,
    /// How nodes stood at first.
    before: BTreeMap<TargetId, Standing>,
    in_flight: BTreeMap<TargetId, (StageMachine, Step)>,
}

impl Site {
    /// `app` goes out to so many nodes.
    fn new(count: usize, order: Order, at_once: Share, max_fail: Share) -> Self {
        let mut fixture = Fixture::new().package("app", &[]);
        let names: Vec<String> = (0..count).map(|number| format!("n{number}")).collect();
        for name in &names {
            fixture = fixture.client(name);
        }
        fixture.request("app", Stage::Finished, "head");
        if order != Order::Request {
            fixture.request("app", Stage::Finished, &names.join(" "));
        }
        fixture.run();
        let nodes: Vec<TargetId> = names.iter().map(|name| fixture.target_id(name)).collect();
        let (app, on) = ([fixture.package_id("app")], nodes.iter().copied().collect::<BTreeSet<_>>());
        let everywhere = fixture.cluster.targets.keys().copied().collect();
        let cluster = &fixture.cluster;
        let mut changes = match order {
            Order::Request => requests::request(cluster, &app, Stage::Finished, &on, 1),
            Order::Upgrade => reruns::upgrade(cluster, &app, &everywhere, None).unwrap(),
            Order::Remove => requests::remove(cluster, &app, &everywhere, false, 1).unwrap(),
        };
        let waves = Waves { at_once, max_fail, who: "ada".into() };
        changes.extend(rollouts::hold_back(cluster, &changes, &waves, 1));
        changes.iter().for_each(|change| fixture.cluster.apply(change));
        if order == Order::Request {
            fixture.rerun("app", "head", &[Stage::PostClients]);
        }
        fixture.scope = Some([fixture.target_id("head")].into());
        let before = nodes.iter().map(|node| (*node, standing(&fixture, *node))).collect();
        Self { fixture, nodes, before, in_flight: BTreeMap::new() }
    }

    /// The head node's engine does all that it can.
    fn run_head(&mut self) {
        self.fixture.run();
    }

    /// A node begins with its next step, if it has one.
    fn begin(&mut self, node: TargetId) {
        if self.in_flight.contains_key(&node) {
            return;
        }
        let own = BTreeSet::from([node]);
        let part = self.fixture.cluster.clone().into_part(&own);
        let mut machine = StageMachine::new(part, Scope { targets: own, packages: None });
        while let Some(work) = machine.next_work() {
            if let WorkItem::Step(step) = work {
                self.fixture.begin(&mut machine, &step);
                self.in_flight.insert(node, (machine, step));
                return;
            }
            self.fixture.step(&mut machine, &work);
        }
    }

    /// What a node has begun ends.
    fn end(&mut self, node: TargetId, fails: bool) {
        let Some((mut machine, step)) = self.in_flight.remove(&node) else { return };
        self.fixture.world.scheduled_faults = vec![fails.then_some(Fault::Failure)];
        let finished = self.fixture.world.perform(&self.fixture.cluster, &step);
        self.fixture.world.scheduled_faults.clear();
        let changes = machine.finish(&finished, self.fixture.now);
        self.fixture.commit(&changes);
    }

    /// All do what they can, until that is nothing.
    fn drain(&mut self) {
        for _ in 0..1_000 {
            let before = self.fixture.cluster.clone();
            self.run_head();
            for node in self.nodes.clone() {
                self.begin(node);
                self.end(node, false);
            }
            if self.fixture.cluster == before {
                return;
            }
        }
        panic!("it never ends");
    }

    fn decision(&self, node: TargetId) -> Decision {
        self.fixture.decision("app", self.fixture.cluster.targets[&node].address.name.as_str())
    }

    fn failed(&self) -> BTreeSet<TargetId> {
        let nodes = self.nodes.iter().copied();
        nodes.filter(|node| row(&self.fixture, *node).work_state == WorkState::Failed).collect()
    }

    /// Nodes on which something was begun.
    fn begun(&self) -> BTreeSet<TargetId> {
        let is_begun = |node: &TargetId| self.before[node] != standing(&self.fixture, *node);
        self.nodes.iter().copied().filter(is_begun).collect()
    }

    /// Nodes on which something is under way.
    fn under_way(&self) -> usize {
        let is_done = |node: &TargetId| matches!(self.decision(*node), Decision::UpToDate | Decision::Failed);
        self.begun().into_iter().filter(|node| !is_done(node)).count()
    }

    fn let_go(&self) -> BTreeSet<TargetId> {
        let rollout = self.fixture.cluster.rollouts.get(&ROLLOUT);
        let held = |node: &TargetId| {
            rollout.is_some_and(|it| it.targets.get(node) == Some(&opkg_oda::WaveState::Held))
        };
        self.nodes.iter().copied().filter(|node| !held(node)).collect()
    }

    fn progress(&self) -> RolloutProgress {
        let cluster = &self.fixture.cluster;
        let order = DependencyOrder::new(&cluster.packages);
        RolloutProgress::of(cluster, &order, &cluster.rollouts[&ROLLOUT])
    }

    fn apply(&mut self, changes: &[Change]) {
        changes.iter().for_each(|change| self.fixture.cluster.apply(change));
    }
}

fn row(fixture: &Fixture, node: TargetId) -> &PackageState {
    let key = StateKey { target: node, package: fixture.package_id("app") };
    fixture.cluster.state(key).expect("it was asked for there")
}

fn standing(fixture: &Fixture, node: TargetId) -> Standing {
    let key = StateKey { target: node, package: fixture.package_id("app") };
    let row = row(fixture, node);
    (row.current, row.work_state, row.attempts, fixture.cluster.reruns.contains_key(&key))
}

/// What happens next at a site: to which node, by its place, and whether it goes wrong.
#[derive(Debug, Clone, Copy)]
enum Move {
    Head,
    Begin(usize),
    End(usize, bool),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        2 => Just(Move::Head),
        4 => (0..12usize).prop_map(Move::Begin),
        4 => (0..12usize, prop::bool::weighted(0.2)).prop_map(|(node, fails)| Move::End(node, fails)),
    ];
    prop::collection::vec(one, 0..120)
}

fn order() -> impl Strategy<Value = Order> {
    prop::sample::select(vec![Order::Request, Order::Upgrade, Order::Remove])
}

proptest! {
    #![proptest_config(config_with_cases(80))]

    #[test]
    fn never_more_at_once_and_none_after_too_many_failed(
        order in order(), count in 1..9usize, at_once in 1..4u32, max_fail in 0..3u32, moves in moves()
    ) {
        let mut site = Site::new(count, order, Share::Count(at_once), Share::Count(max_fail));
        // Those that may still begin, once too many have failed.
        let mut last_to_begin: Option<BTreeSet<TargetId>> = None;
        let mut has_failed = false;
        for next in moves {
            match next {
                Move::Head => site.run_head(),
                Move::Begin(place) => site.begin(site.nodes[place % count]),
                Move::End(place, fails) => {
                    site.end(site.nodes[place % count], fails);
                    has_failed |= !site.failed().is_empty();
                }
            }
            prop_assert!(site.under_way() <= at_once as usize);
            if last_to_begin.is_none() && site.failed().len() > max_fail as usize {
                last_to_begin = Some(site.let_go());
            }
            if let Some(last) = &last_to_begin {
                prop_assert!(site.begun().is_subset(last) || site.fixture.cluster.rollouts.is_empty());
            }
        }
        site.drain();
        let failed = site.failed().len();
        match site.fixture.cluster.rollouts.get(&ROLLOUT) {
            Some(rollout) => {
                prop_assert!(matches!(rollout.state, RolloutState::Stopped(_)));
                prop_assert!(failed > max_fail as usize && has_failed);
                prop_assert_eq!(site.under_way(), 0);
            }
            None => {
                let arrived = site.nodes.iter().filter(|node| site.decision(**node) == Decision::UpToDate);
                prop_assert_eq!(arrived.count() + failed, count);
            }
        }
        // Whatever went wrong, it can be brought to its end.
        site.fixture.clear();
        let resumed = rollouts::resume(&site.fixture.cluster, ROLLOUT, NewTerms::default()).unwrap_or_default();
        site.apply(&resumed);
        site.drain();
        prop_assert!(site.fixture.cluster.rollouts.is_empty());
        for node in site.nodes.clone() {
            prop_assert_eq!(site.decision(node), Decision::UpToDate);
        }
    }

    #[test]
    fn what_is_cancelled_stays_as_it_is_where_it_was_not_let_go(
        order in order(), count in 1..9usize, at_once in 1..4u32, moves in moves()
    ) {
        let mut site = Site::new(count, order, Share::Count(at_once), Share::Count(1));
        let installed = site.fixture.world.installed_parts.clone();
        for next in moves {
            match next {
                Move::Head => site.run_head(),
                Move::Begin(place) => site.begin(site.nodes[place % count]),
                Move::End(place, _) => site.end(site.nodes[place % count], false),
            }
        }
        let let_go = site.let_go();
        let cancelled = rollouts::cancel(&site.fixture.cluster, ROLLOUT, "ada").unwrap_or_default();
        site.apply(&cancelled);
        site.drain();
        prop_assert!(site.fixture.cluster.rollouts.is_empty());
        for node in site.nodes.iter().copied() {
            prop_assert!(matches!(site.decision(node), Decision::UpToDate | Decision::Waiting(BlockReason::HandOver)));
            let key = StateKey { target: node, package: site.fixture.package_id("app") };
            if !let_go.contains(&node) {
                let is_there = site.fixture.world.installed_parts.contains(&key);
                prop_assert_eq!(is_there, installed.contains(&key));
            }
        }
    }
}

#[test]
fn a_wave_goes_out_when_the_one_before_has_arrived() {
    let mut site = Site::new(5, Order::Upgrade, Share::Percent(40), Share::Count(0));
    let trace = site.fixture.run();
    assert_eq!(trace.first().unwrap(), "rollout 1 goes on: client:n[0-1]");
    site.begin(site.nodes[0]);
    assert_eq!(site.fixture.run(), Vec::<String>::new(), "two are under way");
    site.end(site.nodes[0], false);
    assert_eq!(site.fixture.run(), ["rollout 1 goes on: client:n2"]);
    assert_eq!(site.decision(site.nodes[3]), Decision::Waiting(BlockReason::Rollout(ROLLOUT)));
    assert_eq!(site.progress().describe(), "1 arrived, 2 at work, 2 held");
    site.drain();
    assert!(site.fixture.cluster.rollouts.is_empty());
    assert_eq!(site.fixture.cluster.last_rollout_id, 1);
}

#[test]
fn it_stops_when_too_many_have_failed_and_goes_on_when_it_is_told_to() {
    let mut site = Site::new(6, Order::Upgrade, Share::Count(2), Share::Percent(20));
    site.run_head();
    for node in [0, 1] {
        site.begin(site.nodes[node]);
        site.end(site.nodes[node], node == 1);
    }
    let reason = "1 of 2 targets failed, and no more than 20% may";
    assert_eq!(
        site.fixture.run(),
        [format!("rollout 1 stopped: {reason}; `opm rollout resume 1` lets it go on")]
    );
    assert_eq!(site.fixture.cluster.rollouts[&ROLLOUT].state, RolloutState::Stopped(reason.into()));
    site.drain();
    assert_eq!(site.progress().describe(), "1 arrived, 1 failed, 4 held");

    let terms = NewTerms { at_once: Some(Share::Count(3)), max_fail: None };
    let changes = rollouts::resume(&site.fixture.cluster, ROLLOUT, terms).unwrap();
    site.apply(&changes);
    assert_eq!(site.fixture.run(), ["rollout 1 goes on: client:n[2-4]"]);
    assert_eq!(site.progress().describe(), "1 arrived, 1 failed before it was resumed, 3 at work, 1 held");
    // One that failed and was cleared takes a place again.
    site.fixture.clear();
    assert_eq!(site.progress().at_work.len(), 4);
    site.drain();
    assert!(site.fixture.cluster.rollouts.is_empty());
}

#[test]
fn who_is_away_takes_no_place_and_is_let_go_when_back() {
    let mut site = Site::new(3, Order::Upgrade, Share::Count(1), Share::Count(0));
    let absence = Absence {
        kind: AbsenceKind::Offline,
        reason: String::new(),
        since: 0,
        until: None,
        who: "ada".into(),
    };
    let away = |target, absence| [Change::SetAbsence { target, absence }];
    site.apply(&away(site.nodes[0], Some(absence.clone())));
    assert_eq!(site.fixture.run().first().unwrap(), "rollout 1 goes on: client:n1");
    site.apply(&away(site.nodes[1], Some(absence)));
    assert_eq!(site.fixture.run(), ["rollout 1 goes on: client:n2"]);
    assert_eq!(site.progress().describe(), "1 at work, 1 away, 1 held");
    site.begin(site.nodes[2]);
    site.end(site.nodes[2], false);
    assert_eq!(site.fixture.run(), Vec::<String>::new());
    site.apply(&away(site.nodes[0], None));
    assert_eq!(site.fixture.run(), ["rollout 1 goes on: client:n0"]);
    site.apply(&away(site.nodes[1], None));
    site.drain();
    assert!(site.fixture.cluster.rollouts.is_empty());
}

#[test]
fn other_packages_are_not_held() {
    let mut site = Site::new(2, Order::Upgrade, Share::Count(1), Share::Count(0));
    site.fixture = site.fixture.clone().package("other", &[]);
    site.fixture.request("other", Stage::Finished, "head n1");
    site.run_head();
    site.begin(site.nodes[1]);
    assert!(site.in_flight.contains_key(&site.nodes[1]));
}
