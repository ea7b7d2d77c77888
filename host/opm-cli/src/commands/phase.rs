//! `opm phase`: how far the installation of the cluster has come.

use opkg_engine::clock::SystemClock;
use opkg_engine::operations::{self, PhaseChange};
use opkg_engine::testing::{TestBackend, TestRunner, TestSubject};
use opkg_oda::{Phase, TargetKind};
use serde::Serialize;

use crate::args::PhaseCommand;
use crate::commands::test::exit_status;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::identity::run_identity;
use crate::session::Session;
use crate::test_reporter::{Destination, TestReporter};

/// What `--format json` prints.
#[derive(Serialize)]
struct PhaseJson {
    phase: &'static str,
    phases: Vec<&'static str>,
}

/// Runs the command. `create_backend` makes what runs tests.
///
/// # Errors
/// When the tests of a phase cannot be run, or the database fails.
pub fn run<'a>(
    session: &Session,
    command: Option<&PhaseCommand>,
    create_backend: impl FnOnce() -> Result<Box<dyn TestBackend + 'a>, CliError>,
) -> Result<ExitStatus, CliError> {
    match command {
        None => print_phase(session),
        Some(PhaseCommand::Set { name, force: true }) => set_phase(session, *name),
        Some(PhaseCommand::Set { name, force: false }) => {
            match run_phase_tests(session, *name, create_backend)? {
                ExitStatus::Success => set_phase(session, *name),
                refused => Ok(refused),
            }
        }
    }
}

/// Runs the tests of a phase on the head node, where there are any and the cluster is not in that phase already.
fn run_phase_tests<'a>(
    session: &Session,
    phase: Phase,
    create_backend: impl FnOnce() -> Result<Box<dyn TestBackend + 'a>, CliError>,
) -> Result<ExitStatus, CliError> {
    let mut store = session.open_store()?;
    let cluster = store.load()?;
    // On another machine there is nothing to test a cluster with.
    let head =
        session.local_target(&cluster).ok().filter(|it| cluster.targets[it].kind() == TargetKind::Server);
    let Some(head) = head.filter(|_| cluster.phase != phase) else { return Ok(ExitStatus::Success) };
    let subject = TestSubject::Phase(phase);
    let mut backend = create_backend()?;
    if backend.find(&cluster, head, subject).is_ok_and(|it| it.is_empty()) {
        return Ok(ExitStatus::Success);
    }
    let mut reporter = TestReporter::new(session.shell, Destination::Stderr);
    let runs = TestRunner {
        store: &mut *store,
        backend: backend.as_mut(),
        observer: &mut reporter,
        clock: &SystemClock,
        identity: run_identity(),
    }
    .run(&[head], &[subject]);
    reporter.finish()?;
    let runs = runs?;
    let exit = if backend.stop_requested() { ExitStatus::Interrupted } else { exit_status(&runs) };
    if exit != ExitStatus::Success {
        session.shell.eprint(&format!(
            "error: the tests before {phase} did not pass; the cluster stays in the phase {}\n  \
             help: fix the failures and run `opm phase set {phase}` again; --force skips the tests",
            cluster.phase
        ));
    }
    Ok(exit)
}

fn print_phase(session: &Session) -> Result<ExitStatus, CliError> {
    let phase = session.open_reader()?.load_overview()?.phase;
    if session.shell.is_json() {
        session
            .shell
            .print_json(&PhaseJson { phase: phase.name(), phases: Phase::ALL.map(Phase::name).to_vec() })?;
        return Ok(ExitStatus::Success);
    }
    for it in Phase::ALL {
        let sign = if it == phase { '>' } else { ' ' };
        session.shell.print(&format!("{sign} {it}\n"))?;
    }
    Ok(ExitStatus::Success)
}

fn set_phase(session: &Session, phase: Phase) -> Result<ExitStatus, CliError> {
    let mut store = session.open_store()?;
    let PhaseChange { before, .. } = operations::set_phase(&mut *store, phase)?;
    let text = match before.cmp(&phase) {
        std::cmp::Ordering::Equal => format!("the cluster is in the phase {phase} already"),
        std::cmp::Ordering::Less => {
            format!("the cluster has come from {before} to {phase}; the next run may go further")
        }
        std::cmp::Ordering::Greater => {
            format!("the cluster has gone back from {before} to {phase}; what was done stays done")
        }
    };
    session.shell.status(&text);
    Ok(ExitStatus::Success)
}
