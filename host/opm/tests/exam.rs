//! Tests of packages as steps of the journal: what is written when, and what comes of it.
#![allow(clippy::unwrap_used, missing_docs)]

use std::cell::Cell;
use std::collections::BTreeMap;

use opkg_oda::{
    Address, Change, Class, Cluster, Package, Phase, RunId, Sqlite, Step, Store, Target, TargetId, Wanted,
};
use opkg_opm::effects::Report;
use opkg_opm::engine::{Clock, Identity, RunError};
use opkg_opm::machine::Outcome;
use opkg_opm::testing::{Audience, Bench, Exam, Examined, Examiner, Part, Recorder, Subject, Verdict};

/// A second later whenever somebody asks.
struct Ticks(Cell<i64>);

impl Clock for Ticks {
    fn now(&self) -> i64 {
        self.0.set(self.0.get() + 1000);
        self.0.get()
    }
}

/// What tests of each package tell: names of parts with what they end with, and how all of it ends.
#[derive(Default)]
struct Pretended {
    files: BTreeMap<String, Result<Vec<String>, String>>,
    outcomes: BTreeMap<String, (Vec<Verdict>, Outcome)>,
    stop_after: Option<usize>,
    ran: usize,
}

fn name(cluster: &Cluster, subject: Subject) -> String {
    match subject {
        Subject::Package(package) => cluster.packages[&package].name.to_string(),
        Subject::Phase(phase) => phase.to_string(),
    }
}

impl Bench for Pretended {
    fn find(&mut self, cluster: &Cluster, _: TargetId, subject: Subject) -> Result<Vec<String>, String> {
        self.files.get(&name(cluster, subject)).cloned().unwrap_or(Ok(Vec::new()))
    }

    fn examine(
        &mut self,
        cluster: &Cluster,
        exam: &Exam,
        run: RunId,
        clock: &dyn Clock,
        audience: &mut dyn Audience,
    ) -> (Report, Vec<Part>) {
        assert_eq!(run, RunId(1));
        self.ran += 1;
        let (parts, outcome) = self.outcomes[&name(cluster, exam.subject)].clone();
        let mut recorder = Recorder::default();
        for (number, verdict) in parts.into_iter().enumerate() {
            let (part, depth) = recorder.begin(&format!("{number}.apt"), "", clock.now()).unwrap();
            audience.part_begins(part, depth);
            let (part, depth) = recorder.end(verdict, clock.now()).unwrap();
            audience.part_ended(part, depth);
        }
        (
            Report { log: Some("/log".into()), tail: "the end".into(), ..Report::new(outcome) },
            recorder.finish(),
        )
    }

    fn stopped(&self) -> bool {
        self.stop_after.is_some_and(|it| self.ran >= it)
    }
}

#[derive(Default)]
struct Heard(Vec<String>);

impl Audience for Heard {
    fn begins(&mut self, _: &Cluster, exam: &Exam) {
        self.0.push(format!("begins {}", exam.name()));
    }
    fn part_begins(&mut self, part: &Part, depth: usize) {
        self.0.push(format!("part {} at {depth}", part.name));
    }
    fn part_ended(&mut self, part: &Part, _: usize) {
        self.0.push(format!("{} {}", part.name, part.verdict.name()));
    }
    fn ended(&mut self, cluster: &Cluster, examined: &Examined) {
        let subject = name(cluster, examined.exam.subject);
        let reason = examined.verdict.reason().unwrap_or_default();
        self.0.push(format!("{subject} {} {reason}", examined.verdict.name()));
    }
}

struct World {
    _directory: tempfile::TempDir,
    store: Sqlite,
    cluster: Cluster,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Sqlite::create(&directory.path().join("oda.db")).unwrap();
        let address: Address = "server:head".parse().unwrap();
        let mut changes = vec![Change::Target(Target { id: TargetId(1), address, root: None, image: None })];
        for (id, name) in ["munge", "torque", "c3"].iter().enumerate() {
            let id = opkg_oda::PackageId(i64::try_from(id).unwrap() + 1);
            let package = Package {
                id,
                name: name.parse().unwrap(),
                class: Class::Included,
                version: None,
                needs: Vec::new(),
                awaits: None,
            };
            changes.push(Change::Package(package));
        }
        store.commit(&changes).unwrap();
        let cluster = store.load().unwrap();
        Self { _directory: directory, store, cluster }
    }

    fn package(&self, name: &str) -> Subject {
        Subject::Package(self.cluster.package(&name.parse().unwrap()).unwrap().id)
    }

    fn run(
        &mut self,
        bench: &mut Pretended,
        subjects: &[Subject],
    ) -> (Result<Vec<Examined>, RunError>, Vec<String>) {
        let mut heard = Heard::default();
        let clock = Ticks(Cell::new(0));
        let identity = Identity { host: "head".into(), process: 7, command: "opm test".into() };
        let examined =
            Examiner { store: &mut self.store, bench, audience: &mut heard, clock: &clock, identity }
                .run(&[TargetId(1)], subjects);
        (examined, heard.0)
    }
}

fn failed(reason: &str) -> Verdict {
    Verdict::Failed(reason.into())
}

fn bench() -> Pretended {
    let mut bench = Pretended::default();
    let mut add = |name: &str, parts: &[Verdict], outcome: Outcome| {
        bench.files.insert(name.into(), Ok(vec![format!("apitests.d/{name}_validate.apb")]));
        bench.outcomes.insert(name.into(), (parts.to_vec(), outcome));
    };
    add("munge", &[Verdict::Passed, Verdict::Passed], Outcome::Done);
    add("torque", &[Verdict::Passed, failed("x")], Outcome::Failed("1 of 2 tests failed".into()));
    add("build_image", &[Verdict::Broken("x".into())], Outcome::Failed("it cannot be run".into()));
    bench
}

#[test]
fn each_exam_is_a_step_of_one_run() {
    let mut world = World::new();
    let subjects = [world.package("munge"), world.package("torque"), Subject::Phase(Phase::BuildImage)];
    let (examined, heard) = world.run(&mut bench(), &subjects);
    let verdicts: Vec<_> = examined.unwrap().iter().map(|it| it.verdict.name()).collect();
    assert_eq!(verdicts, ["passed", "failed", "error"]);
    insta::assert_snapshot!(heard.join("\n"), @r"
    begins munge_validate.apb
    part 0.apt at 0
    0.apt passed
    part 1.apt at 0
    1.apt passed
    munge passed 
    begins torque_validate.apb
    part 0.apt at 0
    0.apt passed
    part 1.apt at 0
    1.apt failed
    torque failed 1 of 2 tests failed
    begins build_image_validate.apb
    part 0.apt at 0
    0.apt error
    build_image error it cannot be run
    ");
    let run = world.store.runs(10).unwrap().remove(0);
    assert_eq!((run.verdict, run.command.as_str()), (Some(opkg_oda::Verdict::Failed), "opm test"));
    let events = world.store.events(&Wanted::default()).unwrap();
    let told: Vec<String> = events
        .iter()
        .rev()
        .map(|it| {
            let ending = it.ending.as_ref().unwrap();
            assert_eq!((it.step, ending.log.as_deref()), (Step::Test, Some("/log")));
            let packages = it.packages.len();
            format!("{} {} {packages} {} {:?}", it.id.number, it.name, it.stage, ending.message)
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    1 munge_validate.apb 1 should_not_be_installed None
    2 torque_validate.apb 1 should_not_be_installed Some("1 of 2 tests failed")
    3 build_image_validate.apb 0 install-bin-pkgs Some("it cannot be run")
    "#);
}

#[test]
fn where_nothing_is_tested_nothing_is_written() {
    let mut world = World::new();
    let mut bench = Pretended::default();
    bench.files.insert("torque".into(), Err("no entry".into()));
    let subjects = [world.package("munge"), world.package("torque"), Subject::Phase(Phase::Netboot)];
    let (examined, heard) = world.run(&mut bench, &subjects);
    assert_eq!(examined.unwrap().len(), 3);
    insta::assert_snapshot!(heard.join("\n"), @r"
    munge error it is not installed there: see `opm status munge`
    torque error no entry
    netboot error there is no apitests.d/before_netboot.apb
    ");
    assert!(world.store.runs(10).unwrap().is_empty());
    let key = opkg_oda::Key {
        target: TargetId(1),
        package: world.cluster.packages.keys().next().copied().unwrap(),
    };
    let request = Change::Request { key, stage: opkg_oda::Stage::Finished, at: 1 };
    let row = opkg_oda::Row {
        current: opkg_oda::Stage::ShouldBeInstalled,
        ..opkg_oda::Row::new(opkg_oda::Stage::Finished, 1)
    };
    world.store.commit(&[request, Change::Progress(key, row)]).unwrap();
    let (_, heard) = world.run(&mut bench, &subjects[..1]);
    assert_eq!(heard, ["munge skipped it brings no tests"]);
}

#[test]
fn a_runner_that_fails_without_a_failed_test_says_nothing_of_the_package() {
    let mut world = World::new();
    let mut bench = bench();
    bench
        .outcomes
        .insert("munge".into(), (vec![Verdict::Passed], Outcome::Failed("its runner panicked".into())));
    let subjects = [world.package("munge")];
    let (examined, _) = world.run(&mut bench, &subjects);
    assert_eq!(examined.unwrap()[0].verdict, Verdict::Broken("its runner panicked".into()));
}

#[test]
fn who_is_asked_to_stop_ends_after_the_present_exam() {
    let mut world = World::new();
    let mut bench = Pretended { stop_after: Some(1), ..bench() };
    let subjects = [world.package("munge"), world.package("torque")];
    let (examined, _) = world.run(&mut bench, &subjects);
    assert_eq!((examined.unwrap().len(), bench.ran), (1, 1));
    assert_eq!(world.store.runs(1).unwrap()[0].verdict, Some(opkg_oda::Verdict::Interrupted));
}

#[test]
fn a_target_that_an_engine_works_on_is_not_tested() {
    let mut world = World::new();
    let path = world._directory.path().join("oda.db");
    let mut other = Sqlite::open(&path).unwrap();
    let _lock = other.lock(&[TargetId(1)]).unwrap().unwrap();
    let subjects = [world.package("munge")];
    let (examined, heard) = world.run(&mut bench(), &subjects);
    assert!(matches!(examined, Err(RunError::Held { ref address, .. }) if address == "server:head"));
    assert!(heard.is_empty());
}
