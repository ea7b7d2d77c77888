//! A cluster to be written down in a few lines, and runs over it.

use std::collections::BTreeSet;

use opkg_engine::format::describe_advance;
use opkg_engine::machine::{Decision, DependencyOrder, Scope, StageMachine, Step, WorkItem, decide};
use opkg_oda::{
    Change, Cluster, Package, PackageClass, PackageId, PackageState, Phase, Stage, StateKey, Target,
    TargetAddress, TargetId, TargetKind, WorkState,
};

use crate::fake_world::{FakeWorld, set_stage_line, step_line};
use crate::invariants;

/// More pieces of work than any of these tests has.
const MAX_STEPS: usize = 5_000;

/// The database, the world, and what happened.
#[derive(Debug, Clone)]
pub struct Fixture {
    pub cluster: Cluster,
    pub world: FakeWorld,
    pub trace: Vec<String>,
    /// The targets of a run; all if absent.
    pub scope: Option<BTreeSet<TargetId>>,
    pub now: i64,
}

impl Fixture {
    /// A head node named `head`, in the last phase.
    pub fn new() -> Self {
        let cluster = Cluster { phase: Phase::TestInstall, ..Cluster::default() };
        let fixture = Self { cluster, world: FakeWorld::default(), trace: Vec::new(), scope: None, now: 0 };
        fixture.target("server:head", None)
    }

    pub fn phase(mut self, phase: Phase) -> Self {
        self.cluster.apply(&Change::SetPhase(phase));
        self
    }

    pub fn target(mut self, address: &str, image: Option<&str>) -> Self {
        let image = image.map(|it| self.target_id(it));
        let id = TargetId(self.cluster.last_target_id + 1);
        let address: TargetAddress = address.parse().unwrap();
        self.cluster.apply(&Change::PutTarget(Target { id, address, root: None, image }));
        self
    }

    pub fn image(self, name: &str) -> Self {
        self.target(&format!("image:{name}"), None)
    }

    pub fn client(self, name: &str) -> Self {
        self.target(&format!("client:{name}"), None)
    }

    pub fn package_with_class(mut self, name: &str, class: PackageClass, needs: &[&str]) -> Self {
        let id = PackageId(self.cluster.last_package_id + 1);
        let needs = needs.iter().map(|it| self.package_id(it)).collect();
        let name = name.parse().unwrap();
        self.cluster.apply(&Change::PutPackage(Package {
            id,
            name,
            class,
            version: None,
            dependencies: needs,
            waiting_for: None,
        }));
        self
    }

    pub fn package(self, name: &str, needs: &[&str]) -> Self {
        self.package_with_class(name, PackageClass::ThirdParty, needs)
    }

    /// Adds a dependency afterwards, as circles want it.
    pub fn with_dependency(mut self, package: &str, needed: &str) -> Self {
        let mut known = self.cluster.packages[&self.package_id(package)].clone();
        known.dependencies.push(self.package_id(needed));
        self.cluster.apply(&Change::PutPackage(known));
        self
    }

    /// Requests packages on targets; clients are assigned as well.
    pub fn request(&mut self, packages: &str, stage: Stage, targets: &str) {
        for target in targets.split_whitespace() {
            for package in packages.split_whitespace() {
                let key = self.key(package, target);
                self.cluster.apply(&Change::Request { key, stage, requested_at: self.now });
                let client = self.cluster.targets[&key.target].kind() == TargetKind::Client;
                if client && stage > Stage::ShouldNotBeInstalled {
                    let handed_over_at = self.cluster.is_handed_over(key).then_some(0);
                    let package = key.package;
                    self.cluster.apply(&Change::Assign { package, client: key.target, handed_over_at });
                }
            }
        }
    }

    pub fn with_request(mut self, packages: &str, stage: Stage, targets: &str) -> Self {
        self.request(packages, stage, targets);
        self
    }

    pub fn rerun(&mut self, package: &str, target: &str, stages: &[Stage]) {
        let key = self.key(package, target);
        for stage in stages {
            self.cluster.apply(&Change::SetRerun { key, stage: *stage, queued: true });
        }
    }

    /// A client's package that its image is said to have had at a stage.
    pub fn set_inherited(&mut self, key: StateKey, requested: Stage, stage: Stage) {
        self.cluster.apply(&Change::Request { key, stage: requested, requested_at: self.now });
        let row = PackageState { inherited_stage: Some(stage), ..PackageState::new(requested, self.now) };
        self.cluster.apply(&Change::UpdateState(key, row));
    }

    /// What `opm clear` does.
    pub fn clear(&mut self) {
        let failed: Vec<(StateKey, PackageState)> = self
            .cluster
            .all_states()
            .filter(|(_, row)| row.work_state == WorkState::Failed)
            .map(|(key, row)| {
                (key, PackageState { work_state: WorkState::Idle, failure: None, ..row.clone() })
            })
            .collect();
        for (key, row) in failed {
            self.cluster.apply(&Change::UpdateState(key, row));
        }
    }

    pub fn target_id(&self, target: &str) -> TargetId {
        self.cluster.targets.values().find(|it| it.address.name.as_str() == target).unwrap().id
    }

    pub fn package_id(&self, package: &str) -> PackageId {
        self.cluster.packages.values().find(|it| it.name.as_str() == package).unwrap().id
    }

    pub fn key(&self, package: &str, target: &str) -> StateKey {
        StateKey { target: self.target_id(target), package: self.package_id(package) }
    }

    pub fn row(&self, package: &str, target: &str) -> &PackageState {
        self.cluster.state(self.key(package, target)).unwrap()
    }

    pub fn current(&self, package: &str, target: &str) -> u8 {
        self.row(package, target).current.id()
    }

    pub fn decision(&self, package: &str, target: &str) -> Decision {
        let order = DependencyOrder::new(&self.cluster.packages);
        decide(&self.cluster, &order, self.key(package, target), &|_| false)
    }

    pub fn machine(&self) -> StageMachine {
        let targets = self.scope.clone().unwrap_or_else(|| self.cluster.targets.keys().copied().collect());
        StageMachine::new(self.cluster.clone(), Scope { targets, packages: None })
    }

    /// One run to its end. The answer is what it did.
    pub fn run(&mut self) -> Vec<String> {
        self.run_until_idle(&mut self.machine());
        std::mem::take(&mut self.trace)
    }

    /// Works until the machine has nothing more.
    pub fn run_until_idle(&mut self, machine: &mut StageMachine) {
        let mut left = MAX_STEPS;
        while let Some(work) = machine.next_work() {
            left = left.checked_sub(1).expect("it never ends");
            self.step(machine, &work);
        }
        assert_eq!(machine.cluster(), &self.cluster, "memory and database say the same");
        assert_eq!(machine.next_work(), None, "idle is idle");
    }

    /// One piece of work, with its commits.
    pub fn step(&mut self, machine: &mut StageMachine, work: &WorkItem) {
        self.now += 1;
        let (line, changes) = match work {
            WorkItem::SetStage(set_stage) => {
                (set_stage_line(&self.cluster, set_stage), machine.set_stage(set_stage, self.now))
            }
            WorkItem::AdvanceRollout(advance) => {
                (describe_advance(&self.cluster, advance), machine.advance_rollout(advance))
            }
            WorkItem::Step(step) => {
                self.begin(machine, step);
                let finished = self.world.perform(&self.cluster, step);
                let changes = machine.finish(&finished, self.now);
                (step_line(&self.cluster, step, &finished.status()), changes)
            }
        };
        self.trace.push(line);
        self.commit(&changes);
    }

    /// What is committed before a step.
    pub fn begin(&mut self, machine: &mut StageMachine, step: &Step) {
        let begun = machine.begin(step, self.now);
        self.commit(&begun);
        invariants::check_begun(&self.cluster, step);
    }

    pub fn commit(&mut self, changes: &[Change]) {
        let before = self.cluster.clone();
        for change in changes {
            self.cluster.apply(change);
        }
        invariants::check_commit(&before, &self.cluster, &mut self.world);
    }
}
