//! `opm log`: the steps of runs, and what they printed.

use std::io::{BufRead, BufReader, Read};

use anyhow::Result;
use opkg_oda::{Cluster, Ending, Event, Store, Wanted};
use opkg_opm::words;
use serde::Serialize;

use crate::failure::UsageError;
use crate::opm::args::Log;
use crate::opm::clock::{date, span};
use crate::opm::commands::history::verdict;
use crate::opm::exit::Exit;
use crate::opm::paint::{Paint, Tone};
use crate::opm::references::Reference;
use crate::opm::session::{Session, packages};
use crate::opm::view;

/// Bytes of a log that are shown.
const SHOWN: u64 = 1 << 20;

/// One step, as `--format json` prints it; times are in milliseconds since 1970.
#[derive(Serialize)]
struct Listed<'a> {
    event: String,
    started: i64,
    ended: Option<i64>,
    target: String,
    packages: Vec<String>,
    stage: &'static str,
    step: &'static str,
    name: &'a str,
    verdict: Option<&'static str>,
    message: Option<&'a str>,
    exit_code: Option<i32>,
    signal: Option<i32>,
    timed_out: bool,
    log: Option<&'a str>,
    tail: &'a str,
}

/// Runs the command.
///
/// # Errors
/// When there is no such step, or the database fails.
pub fn run(session: &Session, arguments: &Log) -> Result<Exit> {
    let mut store = session.open()?;
    let cluster = store.load()?;
    let events = store.events(&wanted(&cluster, arguments)?)?;
    let events: Vec<Event> = match arguments.event.and_then(|it| it.number) {
        Some(number) => events.into_iter().filter(|it| it.id.number == number).collect(),
        None => events,
    };
    if let (Some(reference), true) = (arguments.event, events.is_empty()) {
        return Err(missing(reference).into());
    }
    if session.shell.json() {
        let listed: Vec<Listed<'_>> = events.iter().map(|it| listed(&cluster, it)).collect();
        session.shell.json_data(&listed)?;
        return Ok(Exit::Done);
    }
    let paint = Paint(session.shell.colored(true));
    match (arguments.event.and_then(|it| it.number), events.as_slice()) {
        (Some(_), [event]) => whole(session, &cluster, event, paint)?,
        (_, []) => session.shell.status("there are no such steps"),
        // As they happened, the newest last.
        (_, events) => {
            for event in events.iter().rev() {
                session.shell.data(&line(&cluster, event, paint))?;
            }
            session.shell.status("help: `opm log RUN.STEP` shows a step with all that it printed");
        }
    }
    Ok(Exit::Done)
}

fn wanted(cluster: &Cluster, arguments: &Log) -> Result<Wanted> {
    let target = match &arguments.target {
        Some(address) => {
            let known = cluster.target(address).map(|it| it.id);
            let help = "`opm target list` lists the targets";
            Some(known.ok_or_else(|| UsageError::new(format!("no target is called {address}"), help))?)
        }
        None => None,
    };
    let package = match &arguments.package {
        Some(name) => packages(cluster, std::slice::from_ref(name))?.first().copied(),
        None => None,
    };
    let run = arguments.event.map(|it| it.run);
    let limit = if run.is_some() { None } else { Some(arguments.limit) };
    Ok(Wanted { target, package, run, failed: arguments.failed, limit })
}

fn missing(reference: Reference) -> UsageError {
    let what = match reference.number {
        Some(number) => format!("step {}.{number}", reference.run.0),
        None => format!("step of a run {}", reference.run.0),
    };
    UsageError::new(format!("there is no {what}"), "`opm log` lists the newest steps, `opm history` the runs")
}

fn listed<'a>(cluster: &Cluster, event: &'a Event) -> Listed<'a> {
    let ending = event.ending.as_ref();
    Listed {
        event: number(event),
        started: event.started,
        ended: ending.map(|it| it.ended),
        target: view::target_names(cluster, &[event.target]),
        packages: event.packages.iter().map(|it| view::packages(cluster, &[*it])).collect(),
        stage: event.stage.name(),
        step: event.step.name(),
        name: &event.name,
        verdict: ending.map(|it| it.verdict.name()),
        message: ending.and_then(|it| it.message.as_deref()),
        exit_code: ending.and_then(|it| it.exit_code),
        signal: ending.and_then(|it| it.signal),
        timed_out: ending.is_some_and(|it| it.timed_out),
        log: ending.and_then(|it| it.log.as_deref()),
        tail: ending.map_or("", |it| &it.tail),
    }
}

fn number(event: &Event) -> String {
    format!("{}.{}", event.id.run.0, event.id.number)
}

fn line(cluster: &Cluster, event: &Event, paint: Paint) -> String {
    let (verdict, tone) = verdict(event.ending.as_ref().map(|it| it.verdict));
    let took = event.ending.as_ref().map_or_else(String::new, |it| span(it.ended - event.started));
    // Before a phase the cluster is tested, and no package.
    let of = match event.packages.as_slice() {
        [] => String::new(),
        packages => format!(" of {}", view::packages(cluster, packages)),
    };
    format!(
        "{:>7}  {}  {}  {took:>12}  {}: {}{of}\n",
        number(event),
        date(event.started),
        paint.tone(tone, &format!("{verdict:11}")),
        view::target_names(cluster, &[event.target]),
        event.name
    )
}

/// One step with everything that is known of it.
fn whole(session: &Session, cluster: &Cluster, event: &Event, paint: Paint) -> Result<()> {
    let mut text = String::new();
    let mut detail = |what: &str, value: &str| text.push_str(&format!("{what:<9} {value}\n"));
    detail("step", &format!("{}: {}", number(event), event.name));
    detail("target", &view::target_names(cluster, &[event.target]));
    if !event.packages.is_empty() {
        detail("packages", &view::packages(cluster, &event.packages));
    }
    detail("stage", event.stage.name());
    detail("began", &format!("{} UTC", date(event.started)));
    if let Some(ending) = &event.ending {
        let (name, tone) = verdict(Some(ending.verdict));
        detail("ended", &format!("{} UTC, after {}", date(ending.ended), span(ending.ended - event.started)));
        detail("verdict", &paint.tone(tone, &format!("{name}{}", words::ending(ending))));
        if let Some(message) = &ending.message {
            detail("cause", message);
        }
        if let Some(log) = &ending.log {
            detail("log", log);
        }
    } else {
        detail("verdict", &paint.tone(Tone::Moving, "unfinished: it runs, or its run died"));
    }
    session.shell.data(&text)?;
    if let Some(ending) = &event.ending {
        printed(session, ending)?;
    }
    Ok(())
}

/// What a step printed: its log, or where that is gone, the last lines of it. Nothing in it reaches the terminal but
/// text.
fn printed(session: &Session, ending: &Ending) -> Result<()> {
    let shown =
        |line: &str| -> String { line.chars().filter(|it| !it.is_control() || *it == '\t').collect() };
    let file = ending.log.as_ref().and_then(|it| std::fs::File::open(it).ok());
    let Some(file) = file else {
        if ending.log.is_some() && !ending.tail.is_empty() {
            session.shell.status("note: the log cannot be read; these are its last lines");
        }
        let lines: Vec<String> = ending.tail.lines().map(|it| format!("  | {}\n", shown(it))).collect();
        return Ok(session.shell.data(&lines.concat())?);
    };
    let mut reader = BufReader::new(file).take(SHOWN);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        session.shell.data(&format!("  | {}\n", shown(text.trim_end_matches('\n'))))?;
        line.clear();
    }
    if reader.limit() == 0 {
        session.shell.status(&format!("note: only the first {} KiB are shown", SHOWN >> 10));
    }
    Ok(())
}
