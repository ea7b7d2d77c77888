//! Tests of packages as steps of the journal: what is written when, and what comes of it.
#![allow(clippy::unwrap_used, missing_docs)]

use std::cell::Cell;
use std::collections::BTreeMap;

use opkg_engine::clock::Clock;
use opkg_engine::effects::{Report, StepTrace};
use opkg_engine::engine::{RunError, RunIdentity};
use opkg_engine::machine::StepFailure;
use opkg_engine::testing::{
    TestBackend, TestDiscoveryError, TestNode, TestObserver, TestRecorder, TestRun, TestRunResult,
    TestRunner, TestStatus, TestSubject,
};
use opkg_oda::{
    Change, Cluster, EventFilter, Package, PackageClass, Phase, RunId, StepKind, Store, Target,
    TargetAddress, TargetId,
};
use opkg_sqlite::SqliteStore;

/// A second later whenever somebody asks.
struct TickingClock(Cell<i64>);

impl Clock for TickingClock {
    fn now(&self) -> i64 {
        self.0.set(self.0.get() + 1000);
        self.0.get()
    }
}

/// What tests of each package tell: names of parts with what they end with, and how all of it ends.
#[derive(Default)]
struct FakeBackend {
    files: BTreeMap<String, Result<Vec<String>, String>>,
    outcomes: BTreeMap<String, (Vec<TestStatus>, Result<(), StepFailure>)>,
    stop_after: Option<usize>,
    run_count: usize,
}

fn subject_name(cluster: &Cluster, subject: TestSubject) -> String {
    match subject {
        TestSubject::Package(package) => cluster.packages[&package].name.to_string(),
        TestSubject::Phase(phase) => phase.to_string(),
    }
}

impl TestBackend for FakeBackend {
    fn find(
        &mut self,
        cluster: &Cluster,
        _: TargetId,
        subject: TestSubject,
    ) -> Result<Vec<String>, TestDiscoveryError> {
        let found = self.files.get(&subject_name(cluster, subject)).cloned().unwrap_or(Ok(Vec::new()));
        found.map_err(|reason| TestDiscoveryError::from(Box::from(reason)))
    }

    fn run_tests(
        &mut self,
        cluster: &Cluster,
        test_run: &TestRun,
        run: RunId,
        clock: &dyn Clock,
        observer: &mut dyn TestObserver,
    ) -> (Report<Result<(), StepFailure>>, Vec<TestNode>) {
        assert_eq!(run, RunId(1));
        self.run_count += 1;
        let (parts, outcome) = self.outcomes[&subject_name(cluster, test_run.subject)].clone();
        let mut recorder = TestRecorder::default();
        for (number, verdict) in parts.into_iter().enumerate() {
            let (part, depth) = recorder.begin(&format!("{number}.apt"), "", clock.now()).unwrap();
            observer.test_started(part, depth);
            let (part, depth) = recorder.end(verdict, clock.now()).unwrap();
            observer.test_finished(part, depth);
        }
        let trace = StepTrace { log: Some("/log".into()), tail: "the end".into(), ..StepTrace::default() };
        (Report { outcome, trace }, recorder.finish())
    }

    fn stop_requested(&self) -> bool {
        self.stop_after.is_some_and(|it| self.run_count >= it)
    }
}

#[derive(Default)]
struct RecordingObserver(Vec<String>);

impl TestObserver for RecordingObserver {
    fn run_started(&mut self, _: &Cluster, test_run: &TestRun) {
        self.0.push(format!("begins {}", test_run.name()));
    }
    fn test_started(&mut self, part: &TestNode, depth: usize) {
        self.0.push(format!("part {} at {depth}", part.name));
    }
    fn test_finished(&mut self, part: &TestNode, _: usize) {
        self.0.push(format!("{} {}", part.name, part.status.name()));
    }
    fn run_finished(&mut self, cluster: &Cluster, results: &TestRunResult) {
        let subject = subject_name(cluster, results.test_run.subject);
        let reason = results.status.reason().unwrap_or_default();
        self.0.push(format!("{subject} {} {reason}", results.status.name()));
    }
}

struct Fixture {
    _directory: tempfile::TempDir,
    store: SqliteStore,
    cluster: Cluster,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::create(&directory.path().join("oda.db")).unwrap();
        let address: TargetAddress = "server:head".parse().unwrap();
        let mut changes =
            vec![Change::PutTarget(Target { id: TargetId(1), address, root: None, image: None })];
        for (id, name) in ["munge", "torque", "c3"].iter().enumerate() {
            let id = opkg_oda::PackageId(i64::try_from(id).unwrap() + 1);
            let package = Package {
                id,
                name: name.parse().unwrap(),
                class: PackageClass::Included,
                version: None,
                dependencies: Vec::new(),
                waiting_for: None,
            };
            changes.push(Change::PutPackage(package));
        }
        store.commit(&changes).unwrap();
        let cluster = store.load().unwrap();
        Self { _directory: directory, store, cluster }
    }

    fn package(&self, name: &str) -> TestSubject {
        TestSubject::Package(self.cluster.find_package(&name.parse().unwrap()).unwrap().id)
    }

    fn run(
        &mut self,
        backend: &mut FakeBackend,
        subjects: &[TestSubject],
    ) -> (Result<Vec<TestRunResult>, RunError>, Vec<String>) {
        let mut lines = RecordingObserver::default();
        let clock = TickingClock(Cell::new(0));
        let identity = RunIdentity { host: "head".into(), pid: 7, process: None, command: "opm test".into() };
        let results =
            TestRunner { store: &mut self.store, backend, observer: &mut lines, clock: &clock, identity }
                .run(&[TargetId(1)], subjects);
        (results, lines.0)
    }
}

fn failed(reason: &str) -> TestStatus {
    TestStatus::Failed(reason.into())
}

fn step_failed(reason: &str) -> Result<(), StepFailure> {
    Err(StepFailure::Failed(reason.into()))
}

fn fake_backend() -> FakeBackend {
    let mut backend = FakeBackend::default();
    let mut add = |name: &str, parts: &[TestStatus], outcome: Result<(), StepFailure>| {
        backend.files.insert(name.into(), Ok(vec![format!("apitests.d/{name}_validate.apb")]));
        backend.outcomes.insert(name.into(), (parts.to_vec(), outcome));
    };
    add("munge", &[TestStatus::Passed, TestStatus::Passed], Ok(()));
    add("torque", &[TestStatus::Passed, failed("x")], step_failed("1 of 2 tests failed"));
    add("build_image", &[TestStatus::Errored("x".into())], step_failed("it cannot be run"));
    backend
}

#[test]
fn each_exam_is_a_step_of_one_run() {
    let mut fixture = Fixture::new();
    let subjects =
        [fixture.package("munge"), fixture.package("torque"), TestSubject::Phase(Phase::BuildImage)];
    let (results, lines) = fixture.run(&mut fake_backend(), &subjects);
    let verdicts: Vec<_> = results.unwrap().iter().map(|it| it.status.name()).collect();
    assert_eq!(verdicts, ["passed", "failed", "error"]);
    insta::assert_snapshot!(lines.join("\n"), @r"
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
    let run = fixture.store.runs(10).unwrap().remove(0);
    assert_eq!((run.status, run.command.as_str()), (Some(opkg_oda::RunStatus::Failed), "opm test"));
    let events = fixture.store.events(&EventFilter::default()).unwrap();
    let events_text: Vec<String> = events
        .iter()
        .rev()
        .map(|it| {
            let ending = it.result.as_ref().unwrap();
            assert_eq!((it.kind, ending.log_path.as_deref()), (StepKind::Test, Some("/log")));
            let packages = it.packages.len();
            format!("{} {} {packages} {} {:?}", it.id.number, it.name, it.stage, ending.message)
        })
        .collect();
    insta::assert_snapshot!(events_text.join("\n"), @r#"
    1 munge_validate.apb 1 should_not_be_installed None
    2 torque_validate.apb 1 should_not_be_installed Some("1 of 2 tests failed")
    3 build_image_validate.apb 0 install-bin-pkgs Some("it cannot be run")
    "#);
}

#[test]
fn where_nothing_is_tested_nothing_is_written() {
    let mut fixture = Fixture::new();
    let mut backend = FakeBackend::default();
    backend.files.insert("torque".into(), Err("no entry".into()));
    let subjects = [fixture.package("munge"), fixture.package("torque"), TestSubject::Phase(Phase::Netboot)];
    let (results, lines) = fixture.run(&mut backend, &subjects);
    assert_eq!(results.unwrap().len(), 3);
    insta::assert_snapshot!(lines.join("\n"), @r"
    munge error it is not installed there: see `opm status munge`
    torque error no entry
    netboot error there is no apitests.d/before_netboot.apb
    ");
    assert!(fixture.store.runs(10).unwrap().is_empty());
    let key = opkg_oda::StateKey {
        target: TargetId(1),
        package: fixture.cluster.packages.keys().next().copied().unwrap(),
    };
    let request = Change::Request { key, stage: opkg_oda::Stage::Finished, requested_at: 1 };
    let row = opkg_oda::PackageState {
        current: opkg_oda::Stage::ShouldBeInstalled,
        ..opkg_oda::PackageState::new(opkg_oda::Stage::Finished, 1)
    };
    fixture.store.commit(&[request, Change::UpdateState(key, row)]).unwrap();
    let (_, lines) = fixture.run(&mut backend, &subjects[..1]);
    assert_eq!(lines, ["munge skipped it has no tests"]);
}

#[test]
fn a_runner_that_fails_without_a_failed_test_says_nothing_of_the_package() {
    let mut fixture = Fixture::new();
    let mut backend = fake_backend();
    backend.outcomes.insert("munge".into(), (vec![TestStatus::Passed], step_failed("its runner panicked")));
    let subjects = [fixture.package("munge")];
    let (results, _) = fixture.run(&mut backend, &subjects);
    assert_eq!(results.unwrap()[0].status, TestStatus::Errored("its runner panicked".into()));
}

#[test]
fn who_is_asked_to_stop_ends_after_the_present_exam() {
    let mut fixture = Fixture::new();
    let mut backend = FakeBackend { stop_after: Some(1), ..fake_backend() };
    let subjects = [fixture.package("munge"), fixture.package("torque")];
    let (results, _) = fixture.run(&mut backend, &subjects);
    assert_eq!((results.unwrap().len(), backend.run_count), (1, 1));
    assert_eq!(fixture.store.runs(1).unwrap()[0].status, Some(opkg_oda::RunStatus::Interrupted));
}

#[test]
fn a_target_that_an_engine_works_on_is_not_tested() {
    let mut fixture = Fixture::new();
    let path = fixture._directory.path().join("oda.db");
    let mut other = SqliteStore::open(&path).unwrap();
    let _lock = other.lock(&[TargetId(1)]).unwrap().unwrap();
    let subjects = [fixture.package("munge")];
    let (results, lines) = fixture.run(&mut fake_backend(), &subjects);
    assert!(matches!(results, Err(RunError::Locked { ref address, .. }) if address == "server:head"));
    assert!(lines.is_empty());
}
