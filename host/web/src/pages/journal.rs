//! The journal: runs, their steps, and the output of these.

use std::path::Path;

use askama::Template;
use http::StatusCode;
use opkg::escape_hidden;
use opkg_engine::clock::{format_duration, format_timestamp};
use opkg_engine::format;
use opkg_oda::{Cluster, Event, EventFilter, Run, RunId, RunStatus, StepResult};

use super::error::PageError;
use super::layout::{Layout, Tab};
use super::render::render_html;
use super::urls::{package_target_url, step_url};
use crate::app_state::AppState;
use crate::request::Request;
use crate::response::Response;
use opkg_opm::logs::{self, Excerpt, LogError};

/// Older runs are not listed.
const MAX_RUNS: u32 = 100;
/// Older steps of a run are not listed.
const MAX_STEPS: u32 = 500;

/// The status of a run or a step.
#[derive(Debug)]
pub struct StatusLabel {
    /// CSS class.
    pub class: &'static str,
    /// As in the matrix of packages and targets.
    pub sign: char,
    pub text: String,
}

impl StatusLabel {
    fn new(status: Option<RunStatus>) -> Self {
        let (class, sign) = match status {
            Some(RunStatus::Done) => ("done", '+'),
            Some(RunStatus::Failed) => ("error", '!'),
            Some(RunStatus::Interrupted | RunStatus::ActionRequired | RunStatus::Postponed) => ("waits", '~'),
            None => ("running", '*'),
        };
        Self { class, sign, text: status.map_or("unfinished", RunStatus::name).to_owned() }
    }
}

#[derive(Debug)]
struct RunRow {
    number: i64,
    /// UTC.
    started: String,
    /// Empty while it runs.
    duration: String,
    status: StatusLabel,
    /// Host and process.
    process: String,
    command: String,
}

#[derive(Debug, Template)]
#[template(path = "runs.html")]
struct RunsPage {
    layout: Layout,
    runs: Vec<RunRow>,
}

/// The runs that did something, newest first.
///
/// # Errors
/// When the database fails.
pub fn list_runs(app: &AppState, request: &Request) -> Result<Response, PageError> {
    let state_version = app.state_version();
    let runs = app.open_database()?.runs(MAX_RUNS)?.iter().map(run_row).collect();
    let layout = Layout::new(request, Tab::Runs, state_version, "Runs");
    render_html(StatusCode::OK, &RunsPage { layout, runs })
}

fn run_row(run: &Run) -> RunRow {
    RunRow {
        number: run.id.0,
        started: format_timestamp(run.started_at),
        duration: run.ended_at.map_or_else(String::new, |ended| format_duration(ended - run.started_at)),
        status: StatusLabel::new(run.status),
        process: format!("{}, process {}", escape_hidden(&run.host), run.pid),
        command: escape_hidden(&run.command),
    }
}

/// A step in a table.
#[derive(Debug)]
pub struct StepRow {
    /// `RUN.STEP`, as `opm log` takes it.
    pub number: String,
    pub href: String,
    /// UTC.
    pub started: String,
    /// Empty while it runs.
    pub duration: String,
    pub target: String,
    pub name: String,
    /// Separated by commas.
    pub packages: String,
    pub status: StatusLabel,
    /// One line.
    pub message: Option<String>,
    /// The last lines of the output, without control characters.
    pub tail: String,
}

#[must_use]
pub fn step_row(cluster: &Cluster, event: &Event) -> StepRow {
    let (run, number) = (event.id.run.0, event.id.number);
    let result = event.result.as_ref();
    let message = result.and_then(|result| result.message.as_deref());
    StepRow {
        number: format!("{run}.{number}"),
        href: step_url(run, number),
        started: format_timestamp(event.started_at),
        duration: result
            .map_or_else(String::new, |result| format_duration(result.ended_at - event.started_at)),
        target: format::target_list(cluster, &[event.target]),
        name: event.name.clone(),
        packages: format::package_list(cluster, &event.packages),
        status: step_status_label(result),
        message: message.map(escape_hidden),
        tail: result.map_or_else(String::new, |result| escape_hidden(&result.log_tail)),
    }
}

/// With exit status or signal.
fn step_status_label(result: Option<&StepResult>) -> StatusLabel {
    let mut label = StatusLabel::new(result.map(|result| result.status));
    if let Some(result) = result {
        label.text.push_str(&format::result_suffix(result));
    }
    label
}

#[derive(Debug, Template)]
#[template(path = "run.html")]
struct RunPage {
    layout: Layout,
    run: RunRow,
    steps: Vec<StepRow>,
    /// Whether earlier steps are not listed.
    is_truncated: bool,
}

/// The steps of a run, oldest first.
///
/// # Errors
/// When there is no such run, or the database fails.
pub fn show_run(app: &AppState, request: &Request, number: &str) -> Result<Response, PageError> {
    let id = number.parse().map(RunId).map_err(|_| PageError::NotFound("run"))?;
    let state_version = app.state_version();
    let snapshot = app.snapshot()?;
    let mut store = app.open_database()?;
    let runs = store.runs(u32::MAX)?;
    let run = runs.iter().find(|run| run.id == id).ok_or(PageError::NotFound("run"))?;
    // One more than is shown, to know whether there are more.
    let filter = EventFilter { run: Some(id), limit: Some(MAX_STEPS + 1), ..EventFilter::default() };
    let events = store.events(&filter)?;
    let limit = MAX_STEPS as usize;
    let steps = events.iter().take(limit).rev().map(|event| step_row(&snapshot.cluster, event)).collect();
    let layout = Layout::new(request, Tab::Runs, state_version, format!("Run {}", id.0));
    let page = RunPage { layout, run: run_row(run), steps, is_truncated: events.len() > limit };
    render_html(StatusCode::OK, &page)
}

#[derive(Debug, Template)]
#[template(path = "step.html")]
struct StepPage {
    layout: Layout,
    step: StepRow,
    run: i64,
    stage: &'static str,
    /// Whether more of its output may come.
    is_running: bool,
    /// UTC; `None` while it runs.
    ended: Option<String>,
    /// URL and name of each package.
    packages: Vec<(String, String)>,
    log: Option<LogView>,
}

#[derive(Debug)]
struct LogView {
    path: String,
    content: Result<Excerpt, LogError>,
}

/// A step with its log.
///
/// # Errors
/// When there is no such step, or the database fails.
pub fn show_step(app: &AppState, request: &Request, run: &str, number: &str) -> Result<Response, PageError> {
    let not_found = || PageError::NotFound("step");
    let run: i64 = run.parse().map_err(|_| not_found())?;
    let number: u32 = number.parse().map_err(|_| not_found())?;
    let state_version = app.state_version();
    let snapshot = app.snapshot()?;
    let cluster = &snapshot.cluster;
    let filter = EventFilter { run: Some(RunId(run)), ..EventFilter::default() };
    let events = app.open_database()?.events(&filter)?;
    let event = events.iter().find(|event| event.id.number == number).ok_or_else(not_found)?;
    let step = step_row(cluster, event);
    let packages = event.packages.iter().map(|package| {
        let name = format::package_name(cluster, *package);
        (package_target_url(&name, &step.target), name)
    });
    let log_path = match &event.result {
        Some(result) => result.log_path.as_deref(),
        None => event.log_path.as_deref(),
    };
    let log = log_path.map(|path| LogView {
        path: path.to_owned(),
        content: logs::read_excerpt(&app.settings.log_directory, Path::new(path)),
    });
    let page = StepPage {
        layout: Layout::new(request, Tab::Runs, state_version, format!("Step {run}.{number}")),
        run,
        stage: event.stage.name(),
        is_running: event.result.is_none(),
        ended: event.result.as_ref().map(|result| format_timestamp(result.ended_at)),
        packages: packages.collect(),
        log,
        step,
    };
    render_html(StatusCode::OK, &page)
}
