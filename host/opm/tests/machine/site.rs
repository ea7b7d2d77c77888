//! A cluster to be written down in a few lines, and runs over it.

use std::collections::BTreeSet;

use opkg_oda::{
    Address, Change, Class, Cluster, Key, Kind, Package, PackageId, Phase, Row, Stage, State, Target,
    TargetId,
};
use opkg_opm::machine::{Machine, Order, Scope, Verdict, Work, verdict};

use crate::witness;
use crate::world::{World, label};

/// More pieces of work than any of these tests has.
const ENDLESS: usize = 5_000;

/// The database, the world, and what happened.
#[derive(Debug, Clone)]
pub struct Site {
    pub cluster: Cluster,
    pub world: World,
    pub trace: Vec<String>,
    /// The targets of a run; all if absent.
    pub scope: Option<BTreeSet<TargetId>>,
    pub now: i64,
}

impl Site {
    /// A head node named `head`, in the last phase.
    pub fn new() -> Self {
        let cluster = Cluster { phase: Phase::TestInstall, ..Cluster::default() };
        let site = Self { cluster, world: World::default(), trace: Vec::new(), scope: None, now: 0 };
        site.target("server:head", None)
    }

    pub fn phase(mut self, phase: Phase) -> Self {
        self.cluster.apply(&Change::Phase(phase));
        self
    }

    pub fn target(mut self, address: &str, image: Option<&str>) -> Self {
        let image = image.map(|it| self.at(it));
        let id = TargetId(self.cluster.last_target + 1);
        let address: Address = address.parse().unwrap();
        self.cluster.apply(&Change::Target(Target { id, address, root: None, image }));
        self
    }

    pub fn image(self, name: &str) -> Self {
        self.target(&format!("image:{name}"), None)
    }

    pub fn client(self, name: &str) -> Self {
        self.target(&format!("client:{name}"), None)
    }

    pub fn package_of(mut self, name: &str, class: Class, needs: &[&str]) -> Self {
        let id = PackageId(self.cluster.last_package + 1);
        let needs = needs.iter().map(|it| self.of(it)).collect();
        let name = name.parse().unwrap();
        self.cluster.apply(&Change::Package(Package { id, name, class, version: None, needs, awaits: None }));
        self
    }

    pub fn package(self, name: &str, needs: &[&str]) -> Self {
        self.package_of(name, Class::ThirdParty, needs)
    }

    /// Adds a dependency afterwards, as circles want it.
    pub fn needs(mut self, package: &str, needed: &str) -> Self {
        let mut known = self.cluster.packages[&self.of(package)].clone();
        known.needs.push(self.of(needed));
        self.cluster.apply(&Change::Package(known));
        self
    }

    /// Requests packages on targets; clients are assigned as well.
    pub fn ask(&mut self, packages: &str, stage: Stage, targets: &str) {
        for target in targets.split_whitespace() {
            for package in packages.split_whitespace() {
                let key = self.key(package, target);
                self.cluster.apply(&Change::Request { key, stage, at: self.now });
                let client = self.cluster.targets[&key.target].kind() == Kind::Client;
                if client && stage > Stage::ShouldNotBeInstalled {
                    let told = self.cluster.handed_over(key).then_some(0);
                    let package = key.package;
                    self.cluster.apply(&Change::Assign { package, client: key.target, handed_over: told });
                }
            }
        }
    }

    pub fn asked(mut self, packages: &str, stage: Stage, targets: &str) -> Self {
        self.ask(packages, stage, targets);
        self
    }

    pub fn rerun(&mut self, package: &str, target: &str, stages: &[Stage]) {
        let key = self.key(package, target);
        for stage in stages {
            self.cluster.apply(&Change::Rerun { key, stage: *stage, queued: true });
        }
    }

    /// A client's package that its image is said to have had at a stage.
    pub fn inherits(&mut self, key: Key, requested: Stage, stage: Stage) {
        self.cluster.apply(&Change::Request { key, stage: requested, at: self.now });
        let row = Row { inherits: Some(stage), ..Row::new(requested, self.now) };
        self.cluster.apply(&Change::Progress(key, row));
    }

    /// What `opm clear` does.
    pub fn clear(&mut self) {
        let failed: Vec<(Key, Row)> = self
            .cluster
            .all_rows()
            .filter(|(_, row)| row.state == State::Error)
            .map(|(key, row)| (key, Row { state: State::Idle, failure: None, ..row.clone() }))
            .collect();
        for (key, row) in failed {
            self.cluster.apply(&Change::Progress(key, row));
        }
    }

    pub fn at(&self, target: &str) -> TargetId {
        self.cluster.targets.values().find(|it| it.address.name.as_str() == target).unwrap().id
    }

    pub fn of(&self, package: &str) -> PackageId {
        self.cluster.packages.values().find(|it| it.name.as_str() == package).unwrap().id
    }

    pub fn key(&self, package: &str, target: &str) -> Key {
        Key { target: self.at(target), package: self.of(package) }
    }

    pub fn row(&self, package: &str, target: &str) -> &Row {
        self.cluster.row(self.key(package, target)).unwrap()
    }

    pub fn current(&self, package: &str, target: &str) -> u8 {
        self.row(package, target).current.id()
    }

    pub fn verdict(&self, package: &str, target: &str) -> Verdict {
        let order = Order::new(&self.cluster.packages);
        verdict(&self.cluster, &order, self.key(package, target), &|_| false)
    }

    pub fn machine(&self) -> Machine {
        let targets = self.scope.clone().unwrap_or_else(|| self.cluster.targets.keys().copied().collect());
        Machine::new(self.cluster.clone(), Scope { targets, packages: None })
    }

    /// One run to its end. The answer is what it did.
    pub fn run(&mut self) -> Vec<String> {
        self.go_on(&mut self.machine());
        std::mem::take(&mut self.trace)
    }

    /// Works until the machine has nothing more.
    pub fn go_on(&mut self, machine: &mut Machine) {
        let mut left = ENDLESS;
        while let Some(work) = machine.next() {
            left = left.checked_sub(1).expect("it never ends");
            self.step(machine, &work);
        }
        assert_eq!(machine.cluster(), &self.cluster, "memory and database say the same");
        assert_eq!(machine.next(), None, "idle is idle");
    }

    /// One piece of work, with its commits.
    pub fn step(&mut self, machine: &mut Machine, work: &Work) {
        self.now += 1;
        let begun = machine.begin(work, self.now);
        self.commit(&begun);
        witness::begun(&self.cluster, work);
        let outcome = self.world.perform(&self.cluster, work);
        let ended = machine.finish(work, &outcome, self.now);
        self.trace.push(label(&self.cluster, work, &outcome));
        self.commit(&ended);
    }

    pub fn commit(&mut self, changes: &[Change]) {
        let before = self.cluster.clone();
        for change in changes {
            self.cluster.apply(change);
        }
        witness::commit(&before, &self.cluster, &mut self.world);
    }
}
