//! The status page: the table of all packages on all targets.

use askama::Template;
use http::StatusCode;
use opkg_engine::status::{Status, StatusFilter};
use opkg_oda::Cluster;

use super::details::{FailureRow, FindingGroup, load_details};
use super::error::PageError;
use super::layout::{Layout, Tab};
use super::lookup::{LookupError, find_packages, find_targets};
use super::matrix::{Matrix, build_matrix};
use super::plural::pluralize;
use super::render::render_html;
use crate::app_state::{AppState, ServerSettings};
use crate::request::Request;
use crate::response::Response;

#[derive(Debug, Template)]
#[template(path = "status.html")]
struct StatusPage {
    layout: Layout,
    phase: String,
    /// How many packages and targets are shown, of how many.
    summary: String,
    /// The filter as it was typed.
    packages: String,
    on: String,
    /// Why the filter is ignored.
    error: Option<LookupError>,
    matrix: Matrix,
    failures: Vec<FailureRow>,
    findings: Vec<FindingGroup>,
    /// Why the table is empty, and the command that fills it.
    hint: Option<(&'static str, &'static str)>,
}

/// The table of everything, or of the packages and targets in the query.
///
/// # Errors
/// When the database fails.
pub fn show(app: &AppState, request: &Request) -> Result<Response, PageError> {
    let state_version = app.state_version();
    let snapshot = app.snapshot()?;
    let cluster = &snapshot.cluster;
    let (packages, on) = (request.query.get("packages"), request.query.get("on"));
    let (filter, error) = match parse_filter(cluster, &app.settings, packages, on) {
        Ok(filter) => (filter, None),
        Err(error) => (StatusFilter::default(), Some(error)),
    };
    let filtered;
    let status = if filter == StatusFilter::default() {
        &snapshot.status
    } else {
        filtered = Status::compute(
            cluster,
            &StatusFilter { unseen: snapshot.unseen.clone(), silent: snapshot.silent.clone(), ..filter },
        );
        &filtered
    };
    let (failures, findings) = load_details(app, cluster, status, &request.person)?;
    let summary = format!(
        "{} of {}, {} of {}",
        pluralize(status.rows.len(), "package"),
        cluster.packages.len(),
        pluralize(status.target_count(), "target"),
        cluster.targets.len()
    );
    let hint = if status.target_count() == 0 {
        Some(("There are no targets.", "opm target add KIND:NAME"))
    } else if status.rows.is_empty() {
        Some(("No package was requested.", "opm request PACKAGE"))
    } else {
        None
    };
    let page = StatusPage {
        layout: Layout::new(request, Tab::Status, state_version, "Status"),
        phase: status.phase.to_string(),
        summary,
        packages: packages.to_owned(),
        on: on.to_owned(),
        error,
        matrix: build_matrix(cluster, status),
        failures,
        findings,
        hint,
    };
    render_html(StatusCode::OK, &page)
}

fn parse_filter(
    cluster: &Cluster,
    settings: &ServerSettings,
    packages: &str,
    on: &str,
) -> Result<StatusFilter, LookupError> {
    let packages = find_packages(cluster, packages)?;
    let packages = if packages.is_empty() { None } else { Some(packages.into_iter().collect()) };
    let targets = if on.trim().is_empty() { None } else { Some(find_targets(cluster, settings, on)?) };
    Ok(StatusFilter { packages, targets, ..StatusFilter::default() })
}
