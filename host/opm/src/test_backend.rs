//! Tests of packages: the files that define them, and running these through their runner.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use opkg_engine::clock::Clock;
use opkg_engine::effects::Report;
use opkg_engine::machine::StepFailure;
use opkg_engine::testing::{
    DATA_DIR, DEFINITIONS_DIR, TESTING_DIR, TestBackend, TestDiscoveryError, TestFiles, TestNode,
    TestObserver, TestRecorder, TestRun, TestStatus, TestSubject, find_package_tests, phase_test_file,
};
use opkg_oda::{Cluster, RunId, TargetId};
use opkg_runtime::hook;
use rustix::fs::{Mode, OFlags};

use crate::effects::hook_report;
use crate::hooks::{self, HookContext, HookInvocation, Listener, TEST_HOOK, describe_file_error};
use crate::process::ProcessRole;
use crate::roots::{RootError, ScopedDir, TargetRoot};
use crate::system::{System, SystemError};

/// A run of tests as a whole, and its single tests.
type TestReport = (Report<Result<(), StepFailure>>, Vec<TestNode>);

/// Why the testing directory of a target cannot be looked into.
#[derive(Debug, thiserror::Error)]
enum DiscoveryError {
    #[error(transparent)]
    Root(#[from] RootError),
    #[error("{} in the root {} cannot be looked into: {error}", .path.display(), .root.display())]
    Unreadable { path: PathBuf, root: PathBuf, error: io::Error },
    #[error("{} in the root {} cannot be looked into: {}", .path.display(), .root.display(), describe_file_error(.problem))]
    Unlisted { path: PathBuf, root: PathBuf, problem: hook::FileError },
}

impl TestBackend for System {
    fn find(
        &mut self,
        cluster: &Cluster,
        target: TargetId,
        subject: TestSubject,
    ) -> Result<Vec<String>, TestDiscoveryError> {
        find_files(cluster, target, subject).map_err(|error| TestDiscoveryError::from(Box::from(error)))
    }

    fn plan_log(&mut self, cluster: &Cluster, test_run: &TestRun, run: RunId) -> Option<String> {
        let title = test_log_title(cluster, test_run)?;
        Some(self.log_paths.plan(run, test_run.target, &title).display().to_string())
    }

    fn run_tests(
        &mut self,
        cluster: &Cluster,
        test_run: &TestRun,
        run: RunId,
        clock: &dyn Clock,
        observer: &mut dyn TestObserver,
    ) -> (Report<Result<(), StepFailure>>, Vec<TestNode>) {
        self.try_run_tests(cluster, test_run, run, clock, observer)
            .unwrap_or_else(|error| (Report::new(Err(StepFailure::Failed(error.to_string()))), Vec::new()))
    }

    fn stop_requested(&self) -> bool {
        self.executor.stop.stop_requested()
    }
}

impl System {
    fn try_run_tests(
        &mut self,
        cluster: &Cluster,
        test_run: &TestRun,
        run: RunId,
        clock: &dyn Clock,
        observer: &mut dyn TestObserver,
    ) -> Result<TestReport, SystemError> {
        let target = cluster.targets.get(&test_run.target).ok_or(SystemError::UnknownTarget)?;
        let package = match test_run.subject {
            TestSubject::Package(id) => cluster.packages.get(&id),
            TestSubject::Phase(_) => None,
        };
        let root = TargetRoot::of_target(target)?;
        let context = HookContext {
            cluster,
            package,
            stage: test_run.stage(cluster),
            target: &target.address,
            image: None,
            tag: self.process_tag(run, ProcessRole::Script),
        };
        let call = HookInvocation {
            name: TEST_HOOK,
            display_name: test_run.name().to_owned(),
            context: &context,
            root: &root,
            home: TESTING_DIR.into(),
            candidates: test_run.files.iter().map(|file| Path::new(TESTING_DIR).join(file)).collect(),
            arguments: hooks::node_arguments(cluster),
            environment: hooks::hook_environment(&self.config, &context).map_err(SystemError::Environment)?,
            shared_dirs: Vec::new(),
            timeout: self.config.limits.hook_timeout(),
        };
        let title = test_log_title(cluster, test_run).unwrap_or_default();
        let mut log = self.create_log(run, test_run.target, &title)?;
        let mut listener = RecordingListener { recorder: TestRecorder::default(), clock, observer };
        let outcome = self.hook_runners().run(&call, &mut log, &mut listener);
        let tests = listener.finish();
        Ok((hook_report(outcome, log), tests))
    }
}

/// What the name of the log of a test run says.
fn test_log_title(cluster: &Cluster, test_run: &TestRun) -> Option<String> {
    let what = match test_run.subject {
        TestSubject::Package(id) => cluster.packages.get(&id).map_or("package", |it| it.name.as_str()),
        TestSubject::Phase(_) => "phase",
    };
    Some(format!("{}-{what}-test", cluster.targets.get(&test_run.target)?.address.name))
}

fn find_files(
    cluster: &Cluster,
    target: TargetId,
    subject: TestSubject,
) -> Result<Vec<String>, DiscoveryError> {
    let Some(target) = cluster.targets.get(&target) else { return Ok(Vec::new()) };
    let root = TargetRoot::of_target(target)?;
    match subject {
        TestSubject::Phase(phase) => {
            let file = phase_test_file(phase);
            let path = Path::new(TESTING_DIR).join(&file);
            match root.metadata(&path) {
                Ok(found) => Ok(found.map(|_| file).into_iter().collect()),
                Err(error) => Err(DiscoveryError::Unreadable { path, root: root.path().to_owned(), error }),
            }
        }
        TestSubject::Package(package) => {
            let Some(package) = cluster.packages.get(&package) else { return Ok(Vec::new()) };
            let installed = TestFiles {
                shared: list_files(&root, DEFINITIONS_DIR)?,
                own: list_files(&root, &format!("{DATA_DIR}/{}", package.name))?,
            };
            let known: Vec<_> = cluster.packages.values().map(|package| package.name.as_str()).collect();
            Ok(find_package_tests(package.name.as_str(), &known, &installed))
        }
    }
}

/// The files in a directory of the testing directory, in order; none where it is not there.
fn list_files(root: &TargetRoot, directory: &str) -> Result<Vec<String>, DiscoveryError> {
    let path = Path::new(TESTING_DIR).join(directory);
    let root_path = || root.path().to_owned();
    let directory = match root.open_at(&path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()) {
        Ok(directory) => ScopedDir::new(directory, false),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(DiscoveryError::Unreadable { path, root: root_path(), error }),
    };
    let names = directory.entries("").map_err(|problem| DiscoveryError::Unlisted {
        path,
        root: root_path(),
        problem,
    })?;
    Ok(names.into_iter().filter(|name| !name.ends_with('/')).collect())
}

/// Records what a runner tells as a tree, and passes it on.
struct RecordingListener<'a> {
    recorder: TestRecorder,
    clock: &'a dyn Clock,
    observer: &'a mut dyn TestObserver,
}

impl RecordingListener<'_> {
    fn end_part(&mut self, status: TestStatus) {
        if let Some((part, depth)) = self.recorder.end(status, self.clock.now()) {
            self.observer.test_finished(part, depth);
        }
    }

    /// The tree; what a runner that crashed has left open is closed.
    fn finish(mut self) -> Vec<TestNode> {
        while self.recorder.is_open() {
            self.end_part(TestStatus::Errored("its runner ended before it did".into()));
        }
        self.recorder.finish()
    }
}

impl Listener for RecordingListener<'_> {
    fn begin(&mut self, name: &str, description: &str) {
        if let Some((part, depth)) = self.recorder.begin(name, description, self.clock.now()) {
            self.observer.test_started(part, depth);
        }
    }

    fn end(&mut self, verdict: &hook::PartOutcome) {
        self.end_part(match verdict {
            hook::PartOutcome::Passed => TestStatus::Passed,
            hook::PartOutcome::Failed(why) => TestStatus::Failed(why.clone()),
            hook::PartOutcome::Tolerated(why) => TestStatus::Tolerated(why.clone()),
            hook::PartOutcome::Skipped(why) => TestStatus::Skipped(why.clone()),
            hook::PartOutcome::Broken(why) => TestStatus::Errored(why.clone()),
        });
    }
}
