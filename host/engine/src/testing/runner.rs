//! Running tests, with the journal that engines keep: each of a package on a target is a step of a run.

use opkg_oda::{
    Change, Cluster, Event, EventId, PackageId, Phase, RunId, RunStatus, Stage, StateKey, StepKind,
    StepResult, Store, TargetId, TargetKind,
};

use super::results::{TestCounts, TestNode, TestStatus};
use crate::clock::Clock;
use crate::effects::Report;
use crate::engine::{RunError, RunIdentity};
use crate::machine::StepFailure;

/// What is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestSubject {
    /// A package.
    Package(PackageId),
    /// The cluster, before it comes to a phase.
    Phase(Phase),
}

/// What is tested where, and with which files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestRun {
    /// The target in whose root the tests run.
    pub target: TargetId,
    /// Whose tests they are.
    pub subject: TestSubject,
    /// Below the testing directory; none where there are no tests.
    pub files: Vec<String>,
}

impl TestRun {
    /// How people call it: its file, if it is one.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.files.as_slice() {
            [one] => one.rsplit('/').next().unwrap_or(one),
            _ => "tests",
        }
    }
}

/// What came of a test run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestRunResult {
    /// What was tested.
    pub test_run: TestRun,
    /// The result as a whole.
    pub status: TestStatus,
    /// The results of single tests and batches.
    pub tests: Vec<TestNode>,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// Its step in the journal; absent where nothing ran.
    pub event: Option<EventId>,
    /// The file that holds what was printed.
    pub log: Option<String>,
}

/// Why it is not known which tests a target has.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct TestDiscoveryError(#[from] Box<dyn std::error::Error + Send + Sync>);

/// Finds and runs tests.
pub trait TestBackend {
    /// The files that test a subject on a target, below the testing directory.
    ///
    /// # Errors
    /// When the testing directory cannot be looked into.
    fn find(
        &mut self,
        cluster: &Cluster,
        target: TargetId,
        subject: TestSubject,
    ) -> Result<Vec<String>, TestDiscoveryError>;

    /// The file that is going to hold what a test run prints, so that it can be read while it runs.
    fn plan_log(&mut self, cluster: &Cluster, test_run: &TestRun, run: RunId) -> Option<String> {
        let _ = (cluster, test_run, run);
        None
    }

    /// Runs the files of a test run. All that can go wrong is in the report.
    fn run_tests(
        &mut self,
        cluster: &Cluster,
        test_run: &TestRun,
        run: RunId,
        clock: &dyn Clock,
        observer: &mut dyn TestObserver,
    ) -> (Report<Result<(), StepFailure>>, Vec<TestNode>);

    /// Whether the run is asked to stop after the present test run.
    fn stop_requested(&self) -> bool;
}

/// Is told what goes on.
pub trait TestObserver {
    /// A test run begins.
    fn run_started(&mut self, cluster: &Cluster, test_run: &TestRun);
    /// A test or a batch begins, so deep in others.
    fn test_started(&mut self, test: &TestNode, depth: usize);
    /// A test or a batch ended.
    fn test_finished(&mut self, test: &TestNode, depth: usize);
    /// A test run ended.
    fn run_finished(&mut self, cluster: &Cluster, result: &TestRunResult);
}

/// Everything that running tests needs.
pub struct TestRunner<'a> {
    /// The database of the cluster.
    pub store: &'a mut dyn Store,
    /// Finds and runs the tests.
    pub backend: &'a mut dyn TestBackend,
    /// Is told what goes on.
    pub observer: &'a mut dyn TestObserver,
    /// For the journal.
    pub clock: &'a dyn Clock,
    /// For the journal.
    pub identity: RunIdentity,
}

impl TestRun {
    fn packages(&self) -> Vec<PackageId> {
        match self.subject {
            TestSubject::Package(package) => vec![package],
            TestSubject::Phase(_) => Vec::new(),
        }
    }

    /// The stage that the tested package has; of a phase the first one that waits for it.
    pub fn stage(&self, cluster: &Cluster) -> Stage {
        match self.subject {
            TestSubject::Package(package) => {
                let row = cluster.state(StateKey { target: self.target, package });
                row.map_or(Stage::ShouldNotBeInstalled, |it| it.current)
            }
            TestSubject::Phase(phase) => {
                let waits = |stage: &Stage| {
                    stage.required_phase(TargetKind::Server).is_some_and(|required| required >= phase)
                };
                Stage::ALL.into_iter().find(waits).unwrap_or(Stage::Finished)
            }
        }
    }
}

impl TestRunner<'_> {
    /// Tests the subjects on the targets, one after the other. The answer ends early where it is asked to stop.
    ///
    /// # Errors
    /// When an engine works on one of the targets, or when the database fails.
    pub fn run(
        &mut self,
        targets: &[TargetId],
        subjects: &[TestSubject],
    ) -> Result<Vec<TestRunResult>, RunError> {
        // What is being installed cannot be tested.
        let _lock = match self.store.lock(targets)? {
            Ok(lock) => lock,
            Err(holder) => return Err(RunError::locked(&self.store.load()?, holder)),
        };
        let cluster = self.store.load()?;
        let mut last = None;
        let mut all = Vec::new();
        for (&target, &subject) in
            targets.iter().flat_map(|target| subjects.iter().map(move |subject| (target, subject)))
        {
            if self.backend.stop_requested() {
                break;
            }
            let result = self.run_one(&cluster, target, subject, &mut last)?;
            self.observer.run_finished(&cluster, &result);
            all.push(result);
        }
        if let Some(EventId { run, .. }) = last {
            let good = all.iter().all(|it| matches!(it.status, TestStatus::Passed | TestStatus::Skipped(_)));
            let status = match (self.backend.stop_requested(), good) {
                (true, _) => RunStatus::Interrupted,
                (_, true) => RunStatus::Done,
                (_, false) => RunStatus::Failed,
            };
            let ended_at = self.clock.now();
            self.store.commit(&[Change::EndRun { run, ended_at, status }])?;
        }
        Ok(all)
    }

    /// Tests one subject on one target. `last` is the last event of the run that all of them belong to.
    fn run_one(
        &mut self,
        cluster: &Cluster,
        target: TargetId,
        subject: TestSubject,
        last: &mut Option<EventId>,
    ) -> Result<TestRunResult, RunError> {
        let idle = |files, status| {
            let test_run = TestRun { target, subject, files };
            TestRunResult { test_run, status, tests: Vec::new(), duration_ms: 0, event: None, log: None }
        };
        let files = match self.backend.find(cluster, target, subject) {
            Ok(files) => files,
            Err(error) => return Ok(idle(Vec::new(), TestStatus::Errored(error.to_string()))),
        };
        if files.is_empty() {
            return Ok(idle(files, no_tests_status(cluster, target, subject)));
        }
        let test_run = TestRun { target, subject, files };
        self.observer.run_started(cluster, &test_run);
        let id = match *last {
            Some(EventId { run, number }) => EventId { run, number: number + 1 },
            None => EventId { run: self.start_run()?, number: 1 },
        };
        *last = Some(id);
        let started = self.clock.now();
        let event = Event {
            id,
            started_at: started,
            target,
            packages: test_run.packages(),
            stage: test_run.stage(cluster),
            kind: StepKind::Test,
            name: test_run.name().to_owned(),
            log_path: self.backend.plan_log(cluster, &test_run, id.run),
            result: None,
        };
        self.store.commit(&[Change::StartEvent(Box::new(event))])?;
        let (report, tests) = self.backend.run_tests(cluster, &test_run, id.run, self.clock, self.observer);
        let now = self.clock.now();
        let status = overall_status(&report.outcome, &tests);
        let result = step_result(&report, &status, now);
        self.store.commit(&[Change::EndEvent { event: id, result: Box::new(result) }])?;
        Ok(TestRunResult {
            test_run,
            status,
            tests,
            duration_ms: now - started,
            event: Some(id),
            log: report.trace.log,
        })
    }

    fn start_run(&mut self) -> Result<RunId, RunError> {
        Ok(self.store.start_run(&self.identity.new_run(self.clock.now()))?)
    }
}

/// What is run before a phase, below the testing directory.
#[must_use]
pub fn phase_test_file(phase: Phase) -> String {
    opkg_apitest::discovery::phase_test_file(&phase.to_string())
}

/// That there is nothing to run.
fn no_tests_status(cluster: &Cluster, target: TargetId, subject: TestSubject) -> TestStatus {
    match subject {
        TestSubject::Phase(phase) => TestStatus::Errored(format!("there is no {}", phase_test_file(phase))),
        TestSubject::Package(package) => {
            let row = cluster.state(StateKey { target, package });
            let name = cluster.packages.get(&package).map(|it| it.name.as_str()).unwrap_or_default();
            match row.is_some_and(|it| it.current >= Stage::ShouldBeInstalled) {
                true => TestStatus::Skipped("it has no tests".into()),
                false => TestStatus::Errored(format!("it is not installed there: see `opm status {name}`")),
            }
        }
    }
}

/// How a test run went. Where its runner fails and no test has failed, nothing is known of the package.
fn overall_status(outcome: &Result<(), StepFailure>, tests: &[TestNode]) -> TestStatus {
    let reason = match outcome {
        Ok(()) => return TestStatus::Passed,
        Err(StepFailure::Failed(reason) | StepFailure::Postponed(reason)) => reason.clone(),
        Err(StepFailure::Stopped) => "stopped on request".to_owned(),
    };
    match TestCounts::of(tests).failed > 0 {
        true => TestStatus::Failed(reason),
        false => TestStatus::Errored(reason),
    }
}

fn step_result(report: &Report<Result<(), StepFailure>>, status: &TestStatus, ended_at: i64) -> StepResult {
    StepResult {
        ended_at,
        status: match (&report.outcome, status) {
            (Err(StepFailure::Stopped), _) => RunStatus::Interrupted,
            (_, TestStatus::Passed) => RunStatus::Done,
            _ => RunStatus::Failed,
        },
        message: status.reason().map(str::to_owned),
        exit_code: report.trace.exit_code,
        signal: report.trace.signal,
        timed_out: report.trace.timed_out,
        log_path: report.trace.log.clone(),
        log_tail: report.trace.tail.clone(),
    }
}
