//! `opm log`: the steps of runs, and what they printed.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use opkg::escape_line;
use opkg_engine::clock::{format_duration, format_timestamp};
use opkg_engine::format;
use opkg_engine::operations::find_packages;
use opkg_oda::{Cluster, Event, EventFilter, Store};
use opkg_opm::Config;
use opkg_opm::logs::open_log;
use opkg_shell::UsageError;
use serde::Serialize;

use crate::args::LogArgs;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::{Session, all_targets};
use crate::styles::{Style, Styles};
use crate::value_parsers::StepReference;
use crate::view;
use crate::view::runs::run_status_label;

/// Bytes of a log that are shown.
const MAX_LOG_BYTES: u64 = 1 << 20;

/// One step, as `--format json` prints it; times are in milliseconds since 1970.
#[derive(Serialize)]
struct EventJson<'a> {
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
pub fn run(session: &Session, arguments: &LogArgs) -> Result<ExitStatus, CliError> {
    let mut store = session.open_reader()?;
    let cluster = store.load_overview()?;
    let events = find_events(session, &mut *store, &cluster, arguments)?;
    let events: Vec<Event> = match arguments.event.and_then(|it| it.step) {
        Some(number) => events.into_iter().filter(|it| it.id.number == number).collect(),
        None => events,
    };
    if let (Some(reference), true) = (arguments.event, events.is_empty()) {
        return Err(missing_event_error(reference).into());
    }
    if session.shell.is_json() {
        let listed: Vec<EventJson<'_>> = events.iter().map(|it| event_json(&cluster, it)).collect();
        session.shell.print_json(&listed)?;
        return Ok(ExitStatus::Success);
    }
    let styles = Styles(session.shell.use_color(true));
    match (arguments.event.and_then(|it| it.step), events.as_slice()) {
        (Some(_), [event]) => print_event(session, &cluster, event, styles)?,
        (_, []) => session.shell.status("there are no such steps"),
        // As they happened, the newest last.
        (_, events) => {
            for event in events.iter().rev() {
                session.shell.print(&render_event(&cluster, event, styles))?;
            }
            session.shell.status("help: `opm log RUN.STEP` shows a step with all that it printed");
        }
    }
    Ok(ExitStatus::Success)
}

/// The newest steps that are wanted, the newest first.
fn find_events(
    session: &Session,
    store: &mut dyn Store,
    cluster: &Cluster,
    arguments: &LogArgs,
) -> Result<Vec<Event>, CliError> {
    let filter = event_filter(cluster, arguments)?;
    let all = all_targets(cluster);
    let targets = session.select_targets(cluster, &arguments.targets, &all)?;
    if targets == all {
        return Ok(store.events(&filter)?);
    }
    let mut events = Vec::new();
    for target in targets {
        events.extend(store.events(&EventFilter { target: Some(target), ..filter.clone() })?);
    }
    events.sort_by_key(|event| std::cmp::Reverse(event.id));
    events.truncate(filter.limit.map_or(usize::MAX, |limit| limit as usize));
    Ok(events)
}

fn event_filter(cluster: &Cluster, arguments: &LogArgs) -> Result<EventFilter, CliError> {
    let package = match &arguments.package {
        Some(name) => find_packages(cluster, std::slice::from_ref(name))?.first().copied(),
        None => None,
    };
    let run = arguments.event.map(|it| it.run);
    let limit = if run.is_some() { None } else { Some(arguments.limit) };
    Ok(EventFilter { target: None, package, run, failed_only: arguments.failed, limit })
}

pub fn missing_event_error(reference: StepReference) -> UsageError {
    let what = match reference.step {
        Some(number) => format!("step {}.{number}", reference.run.0),
        None => format!("step of a run {}", reference.run.0),
    };
    UsageError::new(format!("there is no {what}"), "`opm log` lists the newest steps, `opm history` the runs")
}

fn event_json<'a>(cluster: &Cluster, event: &'a Event) -> EventJson<'a> {
    let result = event.result.as_ref();
    EventJson {
        event: format_event_id(event),
        started: event.started_at,
        ended: result.map(|result| result.ended_at),
        target: view::target_list(cluster, &[event.target]),
        packages: event.packages.iter().map(|package| view::package_list(cluster, &[*package])).collect(),
        stage: event.stage.name(),
        step: event.kind.name(),
        name: &event.name,
        verdict: result.map(|result| result.status.name()),
        message: result.and_then(|result| result.message.as_deref()),
        exit_code: result.and_then(|result| result.exit_code),
        signal: result.and_then(|result| result.signal),
        timed_out: result.is_some_and(|result| result.timed_out),
        log: event_log(event),
        tail: result.map_or("", |result| &result.log_tail),
    }
}

fn format_event_id(event: &Event) -> String {
    format!("{}.{}", event.id.run.0, event.id.number)
}

pub fn render_event(cluster: &Cluster, event: &Event, styles: Styles) -> String {
    let (status, style) = run_status_label(event.result.as_ref().map(|result| result.status));
    let took =
        event.result.as_ref().map_or_else(String::new, |it| format_duration(it.ended_at - event.started_at));
    // Before a phase the cluster is tested, and no package.
    let of = match event.packages.as_slice() {
        [] => String::new(),
        packages => format!(" of {}", view::package_list(cluster, packages)),
    };
    format!(
        "{:>7}  {}  {}  {took:>12}  {}: {}{of}\n",
        format_event_id(event),
        format_timestamp(event.started_at),
        styles.apply(style, &format!("{status:11}")),
        view::target_list(cluster, &[event.target]),
        escape_line(&event.name)
    )
}

/// One step with everything that is known of it.
fn print_event(session: &Session, cluster: &Cluster, event: &Event, styles: Styles) -> Result<(), CliError> {
    let mut text = String::new();
    let mut detail = |what: &str, value: &str| text.push_str(&format!("{what:<9} {value}\n"));
    detail("step", &format!("{}: {}", format_event_id(event), escape_line(&event.name)));
    detail("target", &view::target_list(cluster, &[event.target]));
    if !event.packages.is_empty() {
        detail("packages", &view::package_list(cluster, &event.packages));
    }
    detail("stage", event.stage.name());
    detail("began", &format!("{} UTC", format_timestamp(event.started_at)));
    if let Some(result) = &event.result {
        let (name, style) = run_status_label(Some(result.status));
        detail(
            "ended",
            &format!(
                "{} UTC, after {}",
                format_timestamp(result.ended_at),
                format_duration(result.ended_at - event.started_at)
            ),
        );
        detail("status", &styles.apply(style, &format!("{name}{}", format::result_suffix(result))));
        if let Some(message) = &result.message {
            // Its further lines stand below its first one, where nothing else begins.
            detail("cause", &message.lines().collect::<Vec<_>>().join("\n          "));
        }
    } else {
        detail("status", &styles.apply(Style::InProgress, "unfinished: it runs, or its run crashed"));
    }
    if let Some(log) = event_log(event) {
        detail("log", &escape_line(log));
    }
    session.shell.print(&text)?;
    print_output(session, event)
}

/// The file that has what a step printed, or gets it.
pub fn event_log(event: &Event) -> Option<&str> {
    match &event.result {
        Some(result) => result.log_path.as_deref(),
        None => event.log_path.as_deref(),
    }
}

/// What a step printed: its log, or where that is gone, the last lines of it. Nothing in it reaches the terminal but
/// text, and no file is opened that is not a log.
fn print_output(session: &Session, event: &Event) -> Result<(), CliError> {
    let tail = event.result.as_ref().map_or("", |result| &result.log_tail);
    let directory = Config::load(session.settings_dir())?.log_directory;
    let opened = event_log(event).map(|log| open_log(&directory, Path::new(log)));
    let file = match opened {
        Some(Ok(file)) => file,
        Some(Err(error)) => {
            if event.result.is_some() {
                let rest = if tail.is_empty() { "" } else { "; these are its last lines" };
                session.shell.status(&format!("note: the log cannot be shown: {error}{rest}"));
            }
            return print_lines(session, tail);
        }
        None => return print_lines(session, tail),
    };
    let mut reader = BufReader::new(file).take(MAX_LOG_BYTES);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        print_lines(session, &String::from_utf8_lossy(&line))?;
        line.clear();
    }
    if reader.limit() == 0 {
        session.shell.status(&format!("note: only the first {} KiB are shown", MAX_LOG_BYTES >> 10));
    }
    if event.result.is_none() {
        session.shell.status("help: `opm log --follow` shows what comes");
    }
    Ok(())
}

/// Lines that a program printed, as text.
pub fn print_lines(session: &Session, text: &str) -> Result<(), CliError> {
    let lines: Vec<String> =
        text.lines().map(|line| format!("  | {}\n", opkg::escape_hidden(line))).collect();
    Ok(session.shell.print(&lines.concat())?)
}
