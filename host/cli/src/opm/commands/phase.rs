//! `opm phase`: how far the installation of the cluster has come.

use anyhow::Result;
use opkg_oda::{Change, Kind, Phase, Store};
use opkg_opm::testing::{Bench, Examiner, Subject};
use serde::Serialize;

use crate::opm::args::PhaseCommand;
use crate::opm::clock::SystemClock;
use crate::opm::commands::run::identity;
use crate::opm::commands::test::exit;
use crate::opm::examining::{Place, Witness};
use crate::opm::exit::Exit;
use crate::opm::session::{Session, change};

/// What `--format json` prints.
#[derive(Serialize)]
struct Document {
    phase: &'static str,
    phases: Vec<&'static str>,
}

/// Runs the command. `world` makes what runs tests.
///
/// # Errors
/// When the tests of a phase cannot be run, or the database fails.
pub fn run<'a>(
    session: &Session,
    command: Option<&PhaseCommand>,
    world: impl FnOnce() -> Result<Box<dyn Bench + 'a>>,
) -> Result<Exit> {
    match command {
        None => show(session),
        Some(PhaseCommand::Set { name, force: true }) => set(session, *name),
        Some(PhaseCommand::Set { name, force: false }) => match tested(session, *name, world)? {
            Exit::Done => set(session, *name),
            refused => Ok(refused),
        },
    }
}

/// Runs the tests of a phase on the head node, where there are any and the cluster is not in that phase already.
fn tested<'a>(
    session: &Session,
    phase: Phase,
    world: impl FnOnce() -> Result<Box<dyn Bench + 'a>>,
) -> Result<Exit> {
    let mut store = session.open()?;
    let cluster = store.load()?;
    // On another machine there is nothing to test a cluster with.
    let head = session.own(&cluster).ok().filter(|it| cluster.targets[it].kind() == Kind::Server);
    let Some(head) = head.filter(|_| cluster.phase != phase) else { return Ok(Exit::Done) };
    let subject = Subject::Phase(phase);
    let mut bench = world()?;
    if bench.find(&cluster, head, subject).is_ok_and(|it| it.is_empty()) {
        return Ok(Exit::Done);
    }
    let mut witness = Witness::new(session.shell, Place::Aside);
    let examined = Examiner {
        store: &mut store,
        bench: bench.as_mut(),
        audience: &mut witness,
        clock: &SystemClock,
        identity: identity(),
    }
    .run(&[head], &[subject]);
    witness.finish()?;
    let examined = examined?;
    let exit = if bench.stopped() { Exit::Stopped } else { exit(&examined) };
    if exit != Exit::Done {
        session.shell.message(&format!(
            "error: the tests before {phase} did not pass; the cluster stays in the phase {}\n  \
             help: mend what they found and say `opm phase set {phase}` again; with --force nothing is tested",
            cluster.phase
        ));
    }
    Ok(exit)
}

fn show(session: &Session) -> Result<Exit> {
    let phase = session.open()?.load()?.phase;
    if session.shell.json() {
        session
            .shell
            .json_data(&Document { phase: phase.name(), phases: Phase::ALL.map(Phase::name).to_vec() })?;
        return Ok(Exit::Done);
    }
    for it in Phase::ALL {
        let sign = if it == phase { '>' } else { ' ' };
        session.shell.data(&format!("{sign} {it}\n"))?;
    }
    Ok(Exit::Done)
}

fn set(session: &Session, phase: Phase) -> Result<Exit> {
    let mut store = session.open()?;
    let before = change(&mut store, |cluster| Ok((vec![Change::Phase(phase)], cluster.phase)))?;
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
    Ok(Exit::Done)
}
