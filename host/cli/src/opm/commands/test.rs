//! `opm test`: the tests that packages bring.

use anyhow::Result;
use opkg_oda::{Cluster, Store, TargetId};
use opkg_opm::choice;
use opkg_opm::engine::{Clock, maintained};
use opkg_opm::testing::{Bench, Counts, Examined, Examiner, Part, Subject, Verdict};
use serde::Serialize;

use crate::args::Format;
use crate::failure::UsageError;
use crate::opm::args::Test;
use crate::opm::clock::SystemClock;
use crate::opm::commands::run::identity;
use crate::opm::examining::{Place, Witness, title};
use crate::opm::exit::Exit;
use crate::opm::junit;
use crate::opm::session::{Session, packages};
use crate::opm::view;

/// Runs the command. `world` makes what runs tests.
///
/// # Errors
/// When something on the command line does not exist, an engine works on one of the targets, or the database fails.
pub fn run<'a>(
    session: &Session,
    arguments: &Test,
    world: impl FnOnce() -> Result<Box<dyn Bench + 'a>>,
) -> Result<Exit> {
    let mut store = session.open()?;
    let cluster = store.load()?;
    let subjects: Vec<Subject> = match arguments.phase {
        Some(phase) => vec![Subject::Phase(phase)],
        None => packages(&cluster, &arguments.packages)?.into_iter().map(Subject::Package).collect(),
    };
    let targets = targets(session, &cluster, arguments)?;
    let mut bench = world()?;
    let clock = SystemClock;
    let started = clock.now();
    let place = if arguments.format == Format::Text { Place::Output } else { Place::Nowhere };
    let mut witness = Witness::new(session.shell, place);
    let examined = Examiner {
        store: &mut store,
        bench: bench.as_mut(),
        audience: &mut witness,
        clock: &clock,
        identity: identity(),
    }
    .run(&targets, &subjects);
    witness.finish()?;
    let examined = examined?;
    match arguments.format {
        Format::Text => {}
        Format::Json => session.shell.json_data(&Document::of(&cluster, &examined))?,
        Format::Junit => session.shell.data(&xml(&mut store, &cluster, &examined, started)?)?,
    }
    Ok(if bench.stopped() { Exit::Stopped } else { exit(&examined) })
}

/// What scripts are told: what could not be run counts only where nothing failed.
#[must_use]
pub fn exit(examined: &[Examined]) -> Exit {
    let any = |fits: fn(&Verdict) -> bool| examined.iter().any(|it| fits(&it.verdict));
    if any(|it| matches!(it, Verdict::Failed(_))) {
        Exit::Failed
    } else if any(|it| matches!(it, Verdict::Broken(_))) {
        Exit::Usage
    } else {
        Exit::Done
    }
}

fn targets(session: &Session, cluster: &Cluster, arguments: &Test) -> Result<Vec<TargetId>> {
    let own = session.own(cluster)?;
    if arguments.on.is_empty() {
        return Ok(vec![own]);
    }
    let chosen = choice::of_all(&arguments.on, cluster)?;
    let foreign: Vec<TargetId> = chosen.difference(&maintained(cluster, own)).copied().collect();
    if foreign.is_empty() {
        return Ok(chosen.into_iter().collect());
    }
    let are = if foreign.len() == 1 { "is" } else { "are" };
    Err(UsageError::new(
        format!("{} {are} not maintained from here", view::target_names(cluster, &foreign)),
        "run opm test there; tests of the head node reach the nodes by themselves",
    )
    .into())
}

/// What `--format json` prints. Fields are only ever added.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    #[serde(flatten)]
    counts: Numbers,
    results: Vec<Listed<'a>>,
}

/// How many tests ended how.
#[derive(Serialize)]
struct Numbers {
    passed: usize,
    failed: usize,
    /// Failed, and need not pass.
    tolerated: usize,
    skipped: usize,
    errors: usize,
}

#[derive(Serialize)]
struct Listed<'a> {
    target: String,
    package: Option<String>,
    phase: Option<&'static str>,
    files: &'a [String],
    verdict: &'static str,
    reason: Option<&'a str>,
    milliseconds: i64,
    event: Option<String>,
    log: Option<&'a str>,
    tests: Vec<Node<'a>>,
}

/// A test, or a batch of them.
#[derive(Serialize)]
struct Node<'a> {
    name: &'a str,
    description: &'a str,
    verdict: &'static str,
    reason: Option<&'a str>,
    milliseconds: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tests: Vec<Node<'a>>,
}

impl<'a> Document<'a> {
    fn of(cluster: &Cluster, examined: &'a [Examined]) -> Self {
        let parts: Vec<Part> = examined.iter().flat_map(|it| it.parts.iter().cloned()).collect();
        let Counts { passed, failed, tolerated, skipped, broken } = Counts::of(&parts);
        let counts = Numbers { passed, failed, tolerated, skipped, errors: broken };
        Self { version: 1, counts, results: examined.iter().map(|it| Listed::of(cluster, it)).collect() }
    }
}

impl<'a> Listed<'a> {
    fn of(cluster: &Cluster, examined: &'a Examined) -> Self {
        let (package, phase) = match examined.exam.subject {
            Subject::Package(package) => (Some(view::packages(cluster, &[package])), None),
            Subject::Phase(phase) => (None, Some(phase.name())),
        };
        Self {
            target: view::target_names(cluster, &[examined.exam.target]),
            package,
            phase,
            files: &examined.exam.files,
            verdict: examined.verdict.name(),
            reason: examined.verdict.reason(),
            milliseconds: examined.took,
            event: examined.event.map(|it| format!("{}.{}", it.run.0, it.number)),
            log: examined.log.as_deref(),
            tests: examined.parts.iter().map(Node::of).collect(),
        }
    }
}

impl<'a> Node<'a> {
    fn of(part: &'a Part) -> Self {
        Self {
            name: &part.name,
            description: &part.description,
            verdict: part.verdict.name(),
            reason: part.verdict.reason(),
            milliseconds: part.took,
            tests: part.parts.iter().map(Self::of).collect(),
        }
    }
}

/// The results in the form of JUnit, with the last lines that each exam printed.
fn xml(store: &mut dyn Store, cluster: &Cluster, examined: &[Examined], started: i64) -> Result<String> {
    let host = identity().host;
    let mut printed = Vec::new();
    for it in examined {
        let Some(id) = it.event else {
            printed.push((started, String::new()));
            continue;
        };
        let wanted = opkg_oda::Wanted { run: Some(id.run), ..opkg_oda::Wanted::default() };
        let event = store.events(&wanted)?.into_iter().find(|it| it.id == id);
        let tail = |it: &opkg_oda::Event| it.ending.as_ref().map(|it| it.tail.clone()).unwrap_or_default();
        printed.push(event.map_or((started, String::new()), |it| (it.started, tail(&it))));
    }
    let suites: Vec<junit::Suite<'_>> = examined
        .iter()
        .zip(&printed)
        .map(|(it, (started, printed))| junit::Suite {
            name: title(cluster, &it.exam),
            package: match it.exam.subject {
                Subject::Package(package) => view::packages(cluster, &[package]),
                Subject::Phase(phase) => format!("before_{phase}"),
            },
            host: &host,
            started: *started,
            took: it.took,
            verdict: &it.verdict,
            parts: &it.parts,
            printed,
        })
        .collect();
    Ok(junit::document(&suites))
}
