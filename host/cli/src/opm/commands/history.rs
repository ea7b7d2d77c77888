//! `opm history`: the runs that did something.

use anyhow::Result;
use opkg_oda::{Run, Store, Verdict};
use serde::Serialize;

use crate::opm::args::History;
use crate::opm::clock::{date, span};
use crate::opm::exit::Exit;
use crate::opm::paint::{Paint, Tone};
use crate::opm::session::Session;

/// One run, as `--format json` prints it; times are in milliseconds since 1970.
#[derive(Serialize)]
struct Listed<'a> {
    run: i64,
    started: i64,
    ended: Option<i64>,
    /// `done`, `failed`, `interrupted` or `waits`; null while it works.
    verdict: Option<&'static str>,
    host: &'a str,
    process: u32,
    command: &'a str,
}

/// Runs the command.
///
/// # Errors
/// When the database fails.
pub fn run(session: &Session, arguments: &History) -> Result<Exit> {
    let runs = session.open()?.runs(arguments.limit)?;
    if session.shell.json() {
        let listed: Vec<Listed<'_>> = runs.iter().map(listed).collect();
        session.shell.json_data(&listed)?;
        return Ok(Exit::Done);
    }
    if runs.is_empty() {
        session.shell.status("no run has done anything so far; `opm` starts one");
    }
    let paint = Paint(session.shell.colored(true));
    for run in &runs {
        session.shell.data(&line(run, paint))?;
    }
    Ok(Exit::Done)
}

fn listed(run: &Run) -> Listed<'_> {
    Listed {
        run: run.id.0,
        started: run.started,
        ended: run.ended,
        verdict: run.verdict.map(Verdict::name),
        host: &run.host,
        process: run.process,
        command: &run.command,
    }
}

fn line(run: &Run, paint: Paint) -> String {
    let (verdict, tone) = verdict(run.verdict);
    let took = run.ended.map_or_else(String::new, |it| span(it - run.started));
    let end = format!("{} on {}, process {}", run.command, run.host, run.process);
    let verdict = paint.tone(tone, &format!("{verdict:11}"));
    format!("{:>5}  {}  {verdict}  {took:>12}  {end}\n", run.id.0, date(run.started))
}

/// A verdict and its colour; one that is not there yet is that of something that still works, or died.
#[must_use]
pub fn verdict(verdict: Option<Verdict>) -> (&'static str, Tone) {
    match verdict {
        Some(it @ Verdict::Done) => (it.name(), Tone::Good),
        Some(it @ Verdict::Failed) => (it.name(), Tone::Bad),
        Some(it) => (it.name(), Tone::Held),
        None => ("unfinished", Tone::Moving),
    }
}
