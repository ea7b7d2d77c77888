//! `opm phase`: how far the installation of the cluster has come.

use anyhow::Result;
use opkg_oda::{Change, Phase, Store};
use serde::Serialize;

use crate::opm::args::PhaseCommand;
use crate::opm::exit::Exit;
use crate::opm::session::{Session, change};

/// What `--format json` prints.
#[derive(Serialize)]
struct Document {
    phase: &'static str,
    phases: Vec<&'static str>,
}

/// Runs the command.
///
/// # Errors
/// When the database fails.
pub fn run(session: &Session, command: Option<&PhaseCommand>) -> Result<Exit> {
    match command {
        None => show(session),
        Some(PhaseCommand::Set { name }) => set(session, *name),
    }
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
