//! Random clusters, outcomes, deaths and administrators. What must hold in every commit is in `invariants`; here is what
//! must hold in the end.

use std::collections::BTreeSet;

use opkg_engine::machine::{
    BlockReason, Decision, DependencyOrder, FinishedStep, HookStep, Install, NextStep, Remove,
    RolloutProgress, Scope, SetStage, StageMachine, Step, WorkItem, images_awaiting_hook, representatives,
};
use opkg_oda::{
    Change, Cluster, PackageId, PackageState, Phase, RolloutState, Stage, StateKey, TargetId, TargetKind,
    WorkState,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::admin_actions::{AdminAction, admin_action, apply_action, phase};
use crate::fake_world::{FakeWorld, Fault};
use crate::fixture::Fixture;
use crate::invariants;

/// More pieces of work than any of these clusters has.
const MAX_STEPS: usize = 3_000;

#[derive(Debug, Clone)]
pub struct Scenario {
    images: usize,
    clients: usize,
    /// For each package whether it is of class core, and what it needs.
    packages: Vec<(bool, Vec<usize>)>,
    phase: Phase,
    actions: Vec<AdminAction>,
}

/// What happens to one piece of work.
#[derive(Debug, Clone)]
enum Interference {
    Undisturbed,
    Fault(Fault),
    /// The engine crashes before, during, or after it, with the result not committed.
    Crash(u8),
    /// Somebody does something meanwhile, and the engine hears of it then or later.
    Concurrent(AdminAction, bool),
}

pub fn fault() -> impl Strategy<Value = Fault> {
    prop::sample::select(vec![
        Fault::Failure,
        Fault::PartialFailure,
        Fault::CutOff,
        Fault::Postponement,
        Fault::Stop,
        Fault::ActionRequired,
    ])
}

pub fn scenario() -> impl Strategy<Value = Scenario> {
    scenario_of(3)
}

/// With fewer than so many images, and as many clients.
pub fn scenario_of(targets: usize) -> impl Strategy<Value = Scenario> {
    let package = (any::<bool>(), prop::collection::vec(0..5usize, 0..3));
    (
        0..targets,
        0..targets,
        prop::collection::vec(package, 1..5),
        phase(),
        prop::collection::vec(admin_action(), 1..8),
    )
        .prop_map(|(images, clients, packages, phase, acts)| Scenario {
            images,
            clients,
            packages,
            phase,
            actions: acts,
        })
}

fn interferences() -> impl Strategy<Value = Vec<Interference>> {
    let fate = prop_oneof![
        6 => Just(Interference::Undisturbed),
        2 => fault().prop_map(Interference::Fault),
        2 => (0..4u8).prop_map(Interference::Crash),
        2 => (admin_action(), any::<bool>()).prop_map(|(action, reloads)| Interference::Concurrent(action, reloads)),
    ];
    prop::collection::vec(fate, 0..60)
}

pub fn build_fixture(plan: &Scenario) -> Fixture {
    let mut fixture = Fixture::new().phase(plan.phase);
    for number in 0..plan.images {
        fixture = fixture.image(&format!("i{number}"));
    }
    for number in 0..plan.clients {
        fixture = fixture.client(&format!("c{number}"));
    }
    for (number, (core, _)) in plan.packages.iter().enumerate() {
        let class = if *core { opkg_oda::PackageClass::Core } else { opkg_oda::PackageClass::Base };
        fixture = fixture.package_with_class(&format!("p{number}"), class, &[]);
    }
    for (number, (_, needs)) in plan.packages.iter().enumerate() {
        for needed in needs {
            fixture =
                fixture.with_dependency(&format!("p{number}"), &format!("p{}", needed % plan.packages.len()));
        }
    }
    for action in &plan.actions {
        apply_action(&mut fixture, action);
    }
    fixture
}

/// Runs to the end with whatever is to happen on the way, then undisturbed.
fn run_scenario(fixture: &mut Fixture, schedule: &[Interference]) {
    let mut machine = fixture.machine();
    let mut schedule = schedule.iter();
    for _ in 0..MAX_STEPS {
        let Some(work) = machine.next_work() else {
            match schedule.next() {
                None => return,
                Some(Interference::Concurrent(action, _)) => apply_action(fixture, action),
                Some(_) => {}
            }
            machine = fixture.machine();
            continue;
        };
        assert_allowed(&machine, &work, &fixture.world);
        match schedule.next().unwrap_or(&Interference::Undisturbed) {
            Interference::Undisturbed => fixture.step(&mut machine, &work),
            Interference::Fault(fault) => {
                fixture.world.scheduled_faults = vec![Some(*fault)];
                fixture.step(&mut machine, &work);
                fixture.world.scheduled_faults.clear();
            }
            Interference::Crash(when) => {
                if let (WorkItem::Step(step), 1..) = (&work, *when) {
                    let begun = machine.begin(step, fixture.now);
                    fixture.commit(&begun);
                    match when {
                        2 => {
                            fixture.world.scheduled_faults = vec![Some(Fault::Failure)];
                            fixture.world.perform(&fixture.cluster, step);
                            fixture.world.scheduled_faults.clear();
                        }
                        3 => drop(fixture.world.perform(&fixture.cluster, step)),
                        _ => {}
                    }
                }
                machine = fixture.machine();
            }
            Interference::Concurrent(action, reloads) => {
                fixture.step(&mut machine, &work);
                apply_action(fixture, action);
                // What a run maintains is settled when it begins.
                if *reloads && machine.cluster().targets.keys().eq(fixture.cluster.targets.keys()) {
                    machine.reload(fixture.cluster.clone());
                } else {
                    machine = fixture.machine();
                }
            }
        }
    }
    panic!("it never ends");
}

/// Runs to the end undisturbed, with a step of its own for each package that leaves.
fn run_singly(fixture: &mut Fixture) {
    let mut machine = fixture.machine();
    for _ in 0..MAX_STEPS {
        match machine.next_work() {
            None => return,
            Some(WorkItem::Step(Step::Remove(Remove { target, packages, down_to }))) => {
                for package in packages {
                    if machine.decision(StateKey { target, package })
                        == Decision::Ready(NextStep::Lower(down_to))
                    {
                        let single = Remove { target, packages: vec![package], down_to };
                        fixture.step(&mut machine, &WorkItem::Step(Step::Remove(single)));
                    }
                }
            }
            Some(work) => fixture.step(&mut machine, &work),
        }
    }
    panic!("it never ends");
}

/// What is chosen may be done now.
pub fn assert_allowed(machine: &StageMachine, work: &WorkItem, world: &FakeWorld) {
    let cluster = machine.cluster();
    let rows = work.rows();
    for key in &rows {
        let row = cluster.state(*key).expect("a row");
        assert_ne!(row.work_state, WorkState::Failed, "{work:?}");
        let server = cluster.targets[&key.target].kind() == TargetKind::Server;
        let interrupted = row.work_state == WorkState::Running;
        match work {
            WorkItem::Step(Step::Remove(Remove { down_to: to, .. })) => {
                assert!(row.is_being_removed());
                if server {
                    let kept = cluster.all_states().any(|(other, it)| {
                        other.package == key.package && other.target != key.target && it.is_present()
                    });
                    assert!(!kept, "the server keeps it while anybody has it: {work:?}");
                }
                for (needing, package) in &cluster.packages {
                    let circle = depends_on(cluster, key.package, *needing);
                    if package.dependencies.contains(&key.package) && !circle {
                        let other_key = StateKey { package: *needing, ..*key };
                        let place = |key: &StateKey| rows.iter().position(|row| row == key);
                        let goes_before = place(&other_key).is_some_and(|other| Some(other) < place(key));
                        // Where common parts stay, these may need anything.
                        let goes_along = goes_before && !(server && *to == Stage::ShouldBeInstalled);
                        let other = cluster.state(other_key);
                        assert!(
                            goes_along || other.is_none_or(|it| it.current <= *to),
                            "dependents first: {work:?}"
                        );
                    }
                }
            }
            WorkItem::SetStage(_) if interrupted => {}
            WorkItem::Step(Step::Install(Install { stage, .. }) | Step::Hook(HookStep { stage, .. }))
            | WorkItem::SetStage(SetStage { stage, .. })
                if !row.is_being_removed() =>
            {
                let gate = stage.required_phase(cluster.targets[&key.target].kind());
                assert!(gate.is_none_or(|it| it <= cluster.phase), "gates: {work:?}");
                assert!(cluster.state(*key).is_some_and(|it| it.requested > Stage::ShouldNotBeInstalled));
                for needed in &cluster.packages[&key.package].dependencies {
                    let circle = depends_on(cluster, *needed, key.package);
                    let beside = rows.contains(&StateKey { package: *needed, ..*key });
                    let other = cluster.state(StateKey { package: *needed, ..*key });
                    let asked = |it: &PackageState| it.requested > Stage::ShouldNotBeInstalled;
                    assert!(
                        circle || beside || other.is_none_or(|it| it.current >= *stage || !asked(it)),
                        "dependencies first: {work:?}"
                    );
                }
            }
            _ => {}
        }
    }
    // Nothing of an earlier stage is left. What stage 6 hands over is taken up when all packages are through it.
    let stage = match work {
        WorkItem::Step(Step::Install(Install { stage, .. }) | Step::Hook(HookStep { stage, .. })) => *stage,
        WorkItem::Step(Step::Configure(_)) => Stage::RunConfigurator,
        _ => return,
    };
    let others = cluster.all_states().map(|(key, _)| key).filter(|it| !world.stopped.contains(it));
    for key in others.filter(|_| stage != Stage::PostClients) {
        if let Decision::Ready(NextStep::Advance(earlier)) = machine.decision(key) {
            assert!(earlier >= stage, "stage-major: {work:?} before {key:?} has come through {earlier}");
        }
    }
}

fn depends_on(cluster: &Cluster, from: PackageId, on: PackageId) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(id) = open.pop() {
        if id == on {
            return true;
        }
        let needs = cluster.packages.get(&id).into_iter().flat_map(|it| &it.dependencies);
        open.extend(needs.copied().filter(|it| seen.insert(*it)));
    }
    false
}

/// Every row has come to its end, or says truly why not.
pub fn assert_settled(fixture: &Fixture) {
    let (cluster, machine) = (&fixture.cluster, fixture.machine());
    for (key, row) in cluster.all_states() {
        invariants::assert_matches_world(cluster, key, row, &fixture.world);
        assert_ne!(row.work_state, WorkState::Running);
        match machine.decision(key) {
            Decision::Ready(due) => panic!("{key:?} {row:?} has {due:?} left"),
            Decision::Failed => assert_eq!(row.work_state, WorkState::Failed),
            Decision::UpToDate => {
                let removed = row.requested == Stage::ShouldNotBeInstalled && row.current == row.requested;
                assert!(
                    removed || row.requested > Stage::ShouldNotBeInstalled && row.current >= row.requested
                );
                assert!(!cluster.reruns.contains_key(&key), "{key:?} {:?}", cluster.reruns);
                if row.current >= Stage::PostImage
                    && cluster.targets[&key.target].kind() == TargetKind::Server
                {
                    assert_eq!(images_awaiting_hook(cluster, key.package).count(), 0);
                }
            }
            Decision::Waiting(BlockReason::Phase(phase)) => assert!(phase > cluster.phase),
            Decision::Waiting(BlockReason::HandOver) => assert!(!cluster.is_handed_over(key)),
            Decision::Waiting(BlockReason::Configuration(what)) => {
                assert_eq!(cluster.packages[&key.package].waiting_for, Some(what));
            }
            Decision::Waiting(BlockReason::Rollout(id)) => {
                let rollout = &cluster.rollouts[&id];
                assert!(rollout.holds(key.package, key.target));
                let order = DependencyOrder::new(&cluster.packages);
                let is_full = RolloutProgress::of(cluster, &order, rollout).at_work.len()
                    >= rollout.order.at_once as usize;
                let is_away = cluster.absences.contains_key(&key.target);
                assert!(is_full || is_away || rollout.state != RolloutState::UnderWay, "{rollout:?}");
            }
            Decision::Waiting(BlockReason::Maintenance) => assert!(cluster.is_in_maintenance(key.target)),
            Decision::Waiting(BlockReason::ImageInMaintenance(image)) => {
                assert!(cluster.is_in_maintenance(image));
            }
            Decision::Waiting(BlockReason::StillInstalledOn(target)) => {
                assert!(cluster.state(StateKey { target, ..key }).is_some_and(PackageState::is_present));
            }
            Decision::BlockedBy(by) => {
                let other = StateKey { package: by, ..key };
                assert!(cluster.state(other).is_some());
                assert!(
                    depends_on(cluster, by, key.package) || depends_on(cluster, key.package, by),
                    "{key:?} has nothing to do with {by:?}"
                );
            }
        }
    }
}

/// Everything is answered, cleared, and in the last phase; then nothing but what is requested may be left.
fn resolve_all(fixture: &mut Fixture) {
    apply_action(fixture, &AdminAction::SetPhase(Phase::TestInstall));
    apply_action(fixture, &AdminAction::AnswerAll);
    apply_action(fixture, &AdminAction::ClearErrors);
    apply_action(fixture, &AdminAction::ResumeRollouts);
    run_scenario(fixture, &[]);
}

/// What is left of a database when times and attempts do not matter.
pub fn normalized(cluster: &Cluster) -> Cluster {
    let mut gist = cluster.clone();
    let keys: Vec<StateKey> = cluster.all_states().map(|(key, _)| key).collect();
    for key in keys {
        let row = PackageState { changed_at: 0, attempts: 0, ..cluster.state(key).unwrap().clone() };
        gist.apply(&Change::UpdateState(key, row));
    }
    for (client, assigned) in &cluster.assignments {
        for (package, told) in assigned.iter() {
            let handed_over = told.map(|_| 0);
            gist.apply(&Change::Assign { package, client: *client, handed_over_at: handed_over });
        }
    }
    gist
}

/// The cluster with every image and client twice, as it is read where they are alike.
fn with_twins(cluster: &Cluster) -> Cluster {
    let mut twice = cluster.clone();
    for target in cluster.targets.values().filter(|target| target.kind() != TargetKind::Server) {
        let id = TargetId(cluster.last_target_id + target.id.0);
        let name = format!("{}-twin", target.address.name).parse().unwrap();
        let address = opkg_oda::TargetAddress { name, ..target.address.clone() };
        twice.targets.insert(id, opkg_oda::Target { id, address, ..target.clone() });
        let states = cluster.states.get(&target.id).cloned();
        twice.states.extend(states.map(|states| (id, states)));
        let assigned = cluster.assignments.get(&target.id).cloned();
        twice.assignments.extend(assigned.map(|assigned| (id, assigned)));
        let seen = cluster.images_seen.iter().filter(|(_, image)| *image == target.id);
        twice.images_seen.extend(seen.map(|(package, _)| (*package, id)));
        let queued = cluster.reruns.iter().filter(|(key, _)| key.target == target.id);
        twice.reruns.extend(queued.map(|(key, stages)| (StateKey { target: id, ..*key }, stages.clone())));
        for rollout in twice.rollouts.values_mut() {
            let wave = rollout.targets.get(&target.id).copied();
            rollout.targets.extend(wave.map(|wave| (id, wave)));
        }
    }
    twice
}

pub fn config_with_cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(4),
        ..ProptestConfig::default()
    }
}

/// The packages that targets have or are to get: of others a node with credentials of its own sees nothing.
fn keep_own_packages(cluster: &mut Cluster) {
    let states = cluster.all_states().map(|(key, _)| key.package);
    let assigned =
        cluster.assignments.values().flat_map(|assigned| assigned.iter().map(|(package, _)| package));
    let own: BTreeSet<PackageId> = states.chain(assigned).collect();
    cluster.packages.retain(|id, _| own.contains(id));
    for package in cluster.packages.values_mut() {
        package.dependencies.retain(|needed| own.contains(needed));
    }
    cluster.requirements.retain(|id, _| own.contains(id));
    for rollout in cluster.rollouts.values_mut() {
        rollout.order.packages.retain(|package| own.contains(package));
    }
}

proptest! {
    #![proptest_config(config_with_cases(600))]

    #[test]
    fn whatever_happens_every_row_ends_where_the_rules_say(plan in scenario(), schedule in interferences()) {
        let mut fixture = build_fixture(&plan);
        run_scenario(&mut fixture, &schedule);
        run_scenario(&mut fixture, &[]);
        assert_settled(&fixture);
        resolve_all(&mut fixture);
        assert_settled(&fixture);
        let failed = fixture.cluster.all_states().filter(|(_, row)| row.work_state == WorkState::Failed).count();
        prop_assert_eq!(failed, 0);
    }

    #[test]
    fn deaths_change_nothing_in_the_end(plan in scenario(), deaths in prop::collection::vec((0..8usize, 0..4u8), 0..30)) {
        let mut calm = build_fixture(&plan);
        let mut haunted = calm.clone();
        run_scenario(&mut calm, &[]);
        let schedule: Vec<Interference> = deaths
            .into_iter()
            .flat_map(|(after, when)| std::iter::repeat_n(Interference::Undisturbed, after).chain([Interference::Crash(when)]))
            .collect();
        run_scenario(&mut haunted, &schedule);
        prop_assert_eq!(normalized(&haunted.cluster), normalized(&calm.cluster));
        prop_assert_eq!((&haunted.world.installed_api, &haunted.world.installed_parts), (&calm.world.installed_api, &calm.world.installed_parts));
    }

    #[test]
    fn what_leaves_together_ends_as_if_one_left_after_the_other(
        plan in scenario(), broken in prop::collection::vec(0..5usize, 0..3)
    ) {
        let mut together = build_fixture(&plan);
        run_scenario(&mut together, &[]);
        let packages: Vec<String> = together.cluster.packages.values().map(|it| it.name.to_string()).collect();
        let targets: Vec<String> =
            together.cluster.targets.values().map(|it| it.address.name.to_string()).collect();
        together.request(&packages.join(" "), Stage::ShouldNotBeInstalled, &targets.join(" "));
        for number in broken {
            together.world.fail_always(&format!("remove p{number}"));
        }
        let mut singly = together.clone();
        run_scenario(&mut together, &[]);
        run_singly(&mut singly);
        prop_assert_eq!(normalized(&together.cluster), normalized(&singly.cluster));
        prop_assert_eq!(&together.world.installed_parts, &singly.world.installed_parts);
        prop_assert_eq!(&together.world.installed_api, &singly.world.installed_api);
    }

    #[test]
    fn one_of_those_that_are_alike_says_whether_there_is_work(plan in scenario(), at in 0..40usize) {
        let mut fixture = build_fixture(&plan);
        let mut machine = fixture.machine();
        for _ in 0..at {
            let Some(work) = machine.next_work() else { break };
            fixture.step(&mut machine, &work);
        }
        let cluster = with_twins(&fixture.cluster);
        let has_work = |targets: &BTreeSet<TargetId>| {
            let scope = Scope { targets: targets.clone(), packages: None };
            StageMachine::new(cluster.clone(), scope).next_work().is_some()
        };
        let of_kind = |kind| cluster.targets_of_kind(kind).map(|target| target.id).collect();
        let all = cluster.targets.keys().copied().collect();
        for scope in TargetKind::ALL.map(of_kind).iter().chain([&all]) {
            let few = representatives(&cluster, scope);
            prop_assert_eq!(has_work(&few), has_work(scope), "{:?} for {:?}", few, scope);
            let has_twins = scope.iter().any(|target| target.0 > fixture.cluster.last_target_id);
            prop_assert!(few.len() < scope.len() || !has_twins || !cluster.reruns.is_empty() || !cluster.absences.is_empty());
        }
    }

    /// An engine of a node reads what decides about that node, and nothing else of the cluster.
    #[test]
    fn what_decides_about_targets_is_all_that_their_engine_needs(
        plan in scenario(),
        at in 0..60usize,
        chosen in prop::collection::vec(any::<bool>(), 4),
        is_node in any::<bool>(),
    ) {
        let mut fixture = build_fixture(&plan);
        let mut machine = fixture.machine();
        for _ in 0..at {
            let Some(work) = machine.next_work() else { break };
            fixture.step(&mut machine, &work);
        }
        let others = fixture.cluster.targets.values().filter(|target| target.kind() != TargetKind::Server);
        let chosen = others.zip(chosen.iter().chain(std::iter::repeat(&true)));
        let targets: BTreeSet<TargetId> = chosen.filter(|(_, is)| **is).map(|(target, _)| target.id).collect();
        let mut part = fixture.cluster.clone().into_part(&targets);
        if is_node {
            keep_own_packages(&mut part);
        }
        let machine = |cluster| StageMachine::new(cluster, Scope { targets: targets.clone(), packages: None });
        let (mut of_whole, mut of_part) = (machine(fixture.cluster.clone()), machine(part));
        for now in 0..60 {
            let (work, same) = (of_whole.next_work(), of_part.next_work());
            prop_assert_eq!(&work, &same);
            let changes = |machine: &mut StageMachine, work: &WorkItem| match work {
                WorkItem::SetStage(set_stage) => machine.set_stage(set_stage, now),
                WorkItem::AdvanceRollout(advance) => machine.advance_rollout(advance),
                WorkItem::Step(step) => {
                    let mut changes = machine.begin(step, now);
                    changes.extend(machine.finish(&FinishedStep::succeeded(step), now));
                    changes
                }
            };
            let Some(work) = work else { break };
            prop_assert_eq!(changes(&mut of_whole, &work), changes(&mut of_part, &work));
        }
        for key in of_whole.cluster().all_states().map(|(key, _)| key).filter(|key| targets.contains(&key.target)) {
            prop_assert_eq!(of_whole.decision(key), of_part.decision(key));
        }
    }

    /// What the database lets a node with credentials of its own write is all that its engine writes.
    #[test]
    fn the_engine_of_a_node_changes_its_own_progress_alone(plan in scenario(), at in 0..60usize) {
        let mut fixture = build_fixture(&plan);
        let mut machine = fixture.machine();
        for _ in 0..at {
            let Some(work) = machine.next_work() else { break };
            fixture.step(&mut machine, &work);
        }
        let clients: Vec<TargetId> =
            fixture.cluster.targets_of_kind(TargetKind::Client).map(|target| target.id).collect();
        for client in clients {
            let own = BTreeSet::from([client]);
            let scope = Scope { targets: own.clone(), packages: None };
            let mut machine = StageMachine::new(fixture.cluster.clone().into_part(&own), scope);
            for now in 0..60 {
                let Some(work) = machine.next_work() else { break };
                let changes = match &work {
                    WorkItem::SetStage(set_stage) => machine.set_stage(set_stage, now),
                    WorkItem::AdvanceRollout(advance) => machine.advance_rollout(advance),
                    WorkItem::Step(step) => {
                        let mut changes = machine.begin(step, now);
                        changes.extend(machine.finish(&FinishedStep::succeeded(step), now));
                        changes
                    }
                };
                for change in changes {
                    let about = match &change {
                        Change::UpdateState(key, _)
                        | Change::SetRerun { key, .. }
                        | Change::SetPostponed { key, .. }
                        | Change::SetInstalledVersion { key, .. } => Some(key.target),
                        Change::Unassign { client, .. } => Some(*client),
                        _ => None,
                    };
                    prop_assert_eq!(about, Some(client), "{:?}", change);
                }
            }
        }
    }

    #[test]
    fn a_failure_changes_no_row_of_another_package(plan in scenario(), at in 0..40usize) {
        let mut fixture = build_fixture(&plan);
        let mut machine = fixture.machine();
        for _ in 0..at {
            let Some(work) = machine.next_work() else { return Ok(()) };
            fixture.step(&mut machine, &work);
        }
        let Some(work) = machine.next_work() else { return Ok(()) };
        let before = fixture.cluster.clone();
        fixture.world.scheduled_faults = vec![Some(Fault::Failure)];
        fixture.step(&mut machine, &work);
        let own: BTreeSet<PackageId> = work.rows().into_iter().map(|it| it.package).collect();
        for (key, row) in fixture.cluster.all_states().filter(|(key, _)| !own.contains(&key.package)) {
            prop_assert_eq!(before.state(key), Some(row));
        }
    }
}
