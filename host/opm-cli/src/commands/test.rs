//! `opm test`: the tests that packages bring.

use opkg_engine::clock::{Clock, SystemClock};
use opkg_engine::engine::maintained_targets;
use opkg_engine::operations::find_packages;
use opkg_engine::testing::{
    TestBackend, TestCounts, TestNode, TestRunResult, TestRunner, TestStatus, TestSubject,
};
use opkg_oda::{Cluster, Store, TargetId};
use opkg_shell::UsageError;
use opkg_shell::args::OutputFormat;
use serde::Serialize;

use crate::args::TestArgs;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::identity::run_identity;
use crate::junit;
use crate::session::Session;
use crate::test_reporter::{Destination, TestReporter};
use crate::view;
use crate::view::results::test_run_title;

/// Runs the command. `world` makes what runs tests.
///
/// # Errors
/// When something on the command line does not exist, an engine works on one of the targets, or the database fails.
pub fn run<'a>(
    session: &Session,
    arguments: &TestArgs,
    create_backend: impl FnOnce() -> Result<Box<dyn TestBackend + 'a>, CliError>,
) -> Result<ExitStatus, CliError> {
    let mut store = session.open_store()?;
    let cluster = store.load()?;
    let subjects: Vec<TestSubject> = match arguments.phase {
        Some(phase) => vec![TestSubject::Phase(phase)],
        None => find_packages(&cluster, &arguments.packages)?.into_iter().map(TestSubject::Package).collect(),
    };
    let targets = resolve_targets(session, &cluster, arguments)?;
    let mut backend = create_backend()?;
    let clock = SystemClock;
    let started = clock.now();
    let place =
        if arguments.format == OutputFormat::Text { Destination::Stdout } else { Destination::Discard };
    let mut reporter = TestReporter::new(session.shell, place);
    let runs = TestRunner {
        store: &mut *store,
        backend: backend.as_mut(),
        observer: &mut reporter,
        clock: &clock,
        identity: run_identity(),
    }
    .run(&targets, &subjects);
    reporter.finish()?;
    let runs = runs?;
    match arguments.format {
        OutputFormat::Text => {}
        OutputFormat::Json => session.shell.print_json(&TestReportJson::new(&cluster, &runs))?,
        OutputFormat::Junit => {
            session.shell.print_document(&junit_xml(&mut *store, &cluster, &runs, started)?)?
        }
    }
    Ok(if backend.stop_requested() { ExitStatus::Interrupted } else { exit_status(&runs) })
}

/// What scripts are told: what could not be run counts only where nothing failed.
#[must_use]
pub fn exit_status(runs: &[TestRunResult]) -> ExitStatus {
    let any = |fits: fn(&TestStatus) -> bool| runs.iter().any(|run| fits(&run.status));
    if any(|status| matches!(status, TestStatus::Failed(_))) {
        ExitStatus::Failed
    } else if any(|status| matches!(status, TestStatus::Errored(_))) {
        ExitStatus::UsageError
    } else {
        ExitStatus::Success
    }
}

fn resolve_targets(
    session: &Session,
    cluster: &Cluster,
    arguments: &TestArgs,
) -> Result<Vec<TargetId>, CliError> {
    let own = session.local_target(cluster)?;
    let chosen = session.select_targets(cluster, &arguments.on, &[own].into())?;
    let foreign: Vec<TargetId> = chosen.difference(&maintained_targets(cluster, own)).copied().collect();
    if foreign.is_empty() {
        return Ok(chosen.into_iter().collect());
    }
    let are = if foreign.len() == 1 { "is" } else { "are" };
    Err(UsageError::new(
        format!("{} {are} not maintained from here", view::target_list(cluster, &foreign)),
        "run opm test there; tests of the head node reach the nodes by themselves",
    )
    .into())
}

/// What `--format json` prints. Fields are only ever added.
#[derive(Serialize)]
struct TestReportJson<'a> {
    version: u32,
    #[serde(flatten)]
    counts: CountsJson,
    results: Vec<TestRunJson<'a>>,
}

/// How many tests ended how.
#[derive(Serialize)]
struct CountsJson {
    passed: usize,
    failed: usize,
    /// Failed, and need not pass.
    tolerated: usize,
    skipped: usize,
    errors: usize,
}

#[derive(Serialize)]
struct TestRunJson<'a> {
    target: String,
    package: Option<String>,
    phase: Option<&'static str>,
    files: &'a [String],
    verdict: &'static str,
    reason: Option<&'a str>,
    milliseconds: i64,
    event: Option<String>,
    log: Option<&'a str>,
    tests: Vec<TestJson<'a>>,
}

/// A test, or a batch of them.
#[derive(Serialize)]
struct TestJson<'a> {
    name: &'a str,
    description: &'a str,
    verdict: &'static str,
    reason: Option<&'a str>,
    milliseconds: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tests: Vec<TestJson<'a>>,
}

impl<'a> TestReportJson<'a> {
    fn new(cluster: &Cluster, runs: &'a [TestRunResult]) -> Self {
        let parts: Vec<TestNode> = runs.iter().flat_map(|run| run.tests.iter().cloned()).collect();
        let TestCounts { passed, failed, tolerated, skipped, errored: broken } = TestCounts::of(&parts);
        let counts = CountsJson { passed, failed, tolerated, skipped, errors: broken };
        Self { version: 1, counts, results: runs.iter().map(|run| TestRunJson::new(cluster, run)).collect() }
    }
}

impl<'a> TestRunJson<'a> {
    fn new(cluster: &Cluster, result: &'a TestRunResult) -> Self {
        let (package, phase) = match result.test_run.subject {
            TestSubject::Package(package) => (Some(view::package_list(cluster, &[package])), None),
            TestSubject::Phase(phase) => (None, Some(phase.name())),
        };
        Self {
            target: view::target_list(cluster, &[result.test_run.target]),
            package,
            phase,
            files: &result.test_run.files,
            verdict: result.status.name(),
            reason: result.status.reason(),
            milliseconds: result.duration_ms,
            event: result.event.map(|id| format!("{}.{}", id.run.0, id.number)),
            log: result.log.as_deref(),
            tests: result.tests.iter().map(TestJson::new).collect(),
        }
    }
}

impl<'a> TestJson<'a> {
    fn new(part: &'a TestNode) -> Self {
        Self {
            name: &part.name,
            description: &part.description,
            verdict: part.status.name(),
            reason: part.status.reason(),
            milliseconds: part.duration_ms,
            tests: part.children.iter().map(Self::new).collect(),
        }
    }
}

/// The results in the form of JUnit, with the last lines that each run printed.
fn junit_xml(
    store: &mut dyn Store,
    cluster: &Cluster,
    runs: &[TestRunResult],
    started: i64,
) -> Result<String, CliError> {
    let host = run_identity().host;
    let mut printed = Vec::new();
    for run in runs {
        let Some(id) = run.event else {
            printed.push((started, String::new()));
            continue;
        };
        let wanted = opkg_oda::EventFilter { run: Some(id.run), ..opkg_oda::EventFilter::default() };
        let event = store.events(&wanted)?.into_iter().find(|event| event.id == id);
        let tail = |event: &opkg_oda::Event| {
            event.result.as_ref().map_or_else(String::new, |result| result.log_tail.clone())
        };
        printed.push(event.map_or((started, String::new()), |it| (it.started_at, tail(&it))));
    }
    let suites: Vec<junit::TestSuite<'_>> = runs
        .iter()
        .zip(&printed)
        .map(|(run, (started, printed))| junit::TestSuite {
            name: test_run_title(cluster, &run.test_run),
            package: match run.test_run.subject {
                TestSubject::Package(package) => view::package_list(cluster, &[package]),
                TestSubject::Phase(phase) => format!("before_{phase}"),
            },
            hostname: &host,
            started: *started,
            duration_ms: run.duration_ms,
            status: &run.status,
            parts: &run.tests,
            system_out: printed,
        })
        .collect();
    Ok(junit::render_document(&suites))
}
