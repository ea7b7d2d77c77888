//! The page of requests: the phase, the operations on packages, and starting a run.

use std::time::Duration;

use askama::Template;
use http::StatusCode;
use opkg_oda::Phase;

use super::error::PageError;
use super::layout::{Layout, Tab};
use super::operation::{Operation, PerformError, perform};
use super::render::render_html;
use crate::app_state::AppState;
use crate::command::CommandStatus;
use crate::params::{Params, build_url};
use crate::request::{Request, parse_path};
use crate::response::Response;

const PAGE_URL: &str = "requests";
/// The command that sets the phase, up to the name of the phase.
const SET_PHASE_PREFIX: &str = "opm phase set ";
/// For a command that is expected to end at once.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(8);

#[derive(Debug, Template)]
#[template(path = "requests.html")]
struct RequestsPage {
    layout: Layout,
    phases: Vec<PhaseOption>,
    command_status: Option<CommandStatus>,
    /// The phase that was rejected, for example because its tests failed.
    rejected_phase: Option<String>,
    operations: Vec<OperationForm>,
    package_names: Vec<String>,
}

#[derive(Debug)]
struct PhaseOption {
    name: &'static str,
    is_current: bool,
}

#[derive(Debug)]
struct OperationForm {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    packages: String,
    needs_packages: bool,
    /// Target selectors; `None` when the operation takes no targets.
    on: Option<String>,
    takes_version: bool,
    stages: Vec<StageOption>,
    has_single_stage: bool,
    error: Option<OperationErrorView>,
}

#[derive(Debug)]
struct StageOption {
    name: &'static str,
    id: u8,
    is_selected: bool,
}

#[derive(Debug)]
struct OperationErrorView {
    /// Without a full stop.
    message: String,
    /// Name and label of a button that performs the operation anyway.
    confirmation: Option<(&'static str, String)>,
}

/// The page, with the fields filled in from the query.
///
/// # Errors
/// When the database fails.
pub fn show(app: &AppState, request: &Request) -> Result<Response, PageError> {
    render_requests(app, request, &request.query, None)
}

fn render_requests(
    app: &AppState,
    request: &Request,
    submitted: &Params,
    rejected: Option<(Operation, PerformError)>,
) -> Result<Response, PageError> {
    let state_version = app.state_version();
    let snapshot = app.snapshot()?;
    let cluster = &snapshot.cluster;
    let operations = Operation::ALL.map(|operation| {
        let error =
            rejected.as_ref().filter(|(submitted_to, _)| *submitted_to == operation).map(|(_, error)| error);
        // The fields of one form are not filled into the others.
        let is_submitted = rejected.is_none() || error.is_some();
        let field = |name: &str| if is_submitted { submitted.get(name).to_owned() } else { String::new() };
        let on = match field("on") {
            empty if empty.trim().is_empty() => app.settings.default_targets.clone(),
            on => on,
        };
        operation_form(operation, field("packages"), on, error)
    });
    let phases =
        Phase::ALL.map(|phase| PhaseOption { name: phase.name(), is_current: phase == cluster.phase });
    let command_status = app.command_runner.status();
    let failed = command_status.as_ref().filter(|status| status.succeeded == Some(false));
    let rejected_phase =
        failed.and_then(|status| status.command.strip_prefix(SET_PHASE_PREFIX)?.parse::<Phase>().ok());
    let page = RequestsPage {
        layout: Layout {
            refresh_url: Some(PAGE_URL),
            ..Layout::new(request, Tab::Requests, state_version, "Requests")
        },
        phases: phases.into(),
        rejected_phase: rejected_phase.map(|phase| phase.to_string()),
        command_status,
        operations: operations.into(),
        package_names: cluster.packages.values().map(|package| package.name.to_string()).collect(),
    };
    render_html(StatusCode::OK, &page)
}

fn operation_form(
    operation: Operation,
    packages: String,
    on: String,
    error: Option<&PerformError>,
) -> OperationForm {
    let (title, description) = operation.title_and_description();
    let (stages, selected) = operation.stage_choices();
    let stages = stages.iter().map(|stage| StageOption {
        name: stage.name(),
        id: stage.id(),
        is_selected: selected.contains(stage),
    });
    OperationForm {
        name: operation.name(),
        title,
        description,
        packages,
        needs_packages: operation.needs_packages(),
        on: operation.takes_targets().then_some(on),
        takes_version: operation.takes_version(),
        stages: stages.collect(),
        has_single_stage: operation == Operation::Request,
        error: error.map(|error| OperationErrorView {
            message: error.to_string(),
            confirmation: error.confirmation(),
        }),
    }
}

/// Performs the operation of a form, or shows the form again with the error.
///
/// # Errors
/// When the database fails.
pub fn perform_operation(
    app: &AppState,
    request: &Request,
    form: &Params,
    operation: Operation,
) -> Result<Response, PageError> {
    let mut store = app.open_database_for(&request.person, &operation.command_line(form))?;
    match perform(store.as_mut(), &app.settings, operation, form, app.now_seconds()) {
        Ok(notice) => Ok(redirect_with_notice(request, return_url(form).unwrap_or(PAGE_URL), notice)),
        Err(PerformError::Database(error)) => Err(error.into()),
        Err(error) => render_requests(app, request, form, Some((operation, error))),
    }
}

/// The page that a form asks to go back to, if it is one of ours.
fn return_url(form: &Params) -> Option<&str> {
    let url = form.get("back");
    let segments = parse_path(&format!("/{url}"));
    segments.is_some_and(|segments| !segments.is_empty()).then_some(url)
}

/// Starts `opm run`.
///
/// # Errors
/// When no process can be started, or the database fails.
pub fn start_run(app: &AppState, request: &Request) -> Result<Response, PageError> {
    let notice = match start_command(app, request, &["run"])? {
        Some(notice) => notice,
        None => {
            app.record(&request.person, "run")?;
            "A run has begun.".to_owned()
        }
    };
    Ok(redirect_with_notice(request, PAGE_URL, notice))
}

/// Sets the phase by `opm phase set`.
///
/// # Errors
/// When no process can be started.
pub fn set_phase(app: &AppState, request: &Request, form: &Params) -> Result<Response, PageError> {
    let Ok(phase) = form.get("phase").parse::<Phase>() else {
        let notice = "Nothing was changed: there is no such phase.".into();
        return Ok(redirect_with_notice(request, PAGE_URL, notice));
    };
    let force = (!form.get("force").is_empty()).then_some("--force");
    let arguments: Vec<&str> = ["phase", "set", phase.name()].into_iter().chain(force).collect();
    if let Some(notice) = start_command(app, request, &arguments)? {
        return Ok(redirect_with_notice(request, PAGE_URL, notice));
    }
    let notice = match app.command_runner.wait(COMMAND_TIMEOUT) {
        Some(status) if status.succeeded == Some(true) => status.output,
        Some(status) if status.succeeded.is_none() => "The command has begun, and has not ended yet.".into(),
        _ => "The phase was not changed; see below.".into(),
    };
    Ok(redirect_with_notice(request, PAGE_URL, notice))
}

/// Starts a command; returns a notice if another one is running.
fn start_command(app: &AppState, request: &Request, arguments: &[&str]) -> Result<Option<String>, PageError> {
    let started = app.command_runner.start(arguments, &request.person.name);
    let started = started.map_err(|error| PageError::Io("No process can be started", error))?;
    Ok(started.err().map(|busy| format!("Nothing was started: {busy}.")))
}

fn redirect_with_notice(request: &Request, url: &str, notice: String) -> Response {
    let id = request.session.add_notice(notice).to_string();
    request.redirect(&build_url(url, &[("said", &id)]))
}
