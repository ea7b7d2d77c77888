//! One package on one target: its state, the cause of it, and the steps so far.

use askama::Template;
use http::StatusCode;
use opkg::escape_hidden;
use opkg_engine::clock::format_timestamp;
use opkg_engine::format;
use opkg_engine::status::{
    PendingGroup, Status, StatusCell, StatusFilter, StatusKind, SuggestedCommand, advise,
};
use opkg_engine::versions::is_same_version;
use opkg_oda::{Cluster, EventFilter, PackageState, StateKey, TargetAddress};

use super::error::PageError;
use super::journal::{StepRow, step_row};
use super::layout::{Layout, Tab};
use super::matrix::{CellView, cell_view, describe_standing};
use super::package::find_package;
use super::render::render_html;
use super::urls::{package_target_url, package_url};
use crate::app_state::AppState;
use crate::request::Request;
use crate::response::Response;

/// Older steps are not listed.
const MAX_STEPS: u32 = 100;

#[derive(Debug, Template)]
#[template(path = "package_target.html")]
struct PackageTargetPage {
    layout: Layout,
    package: String,
    package_href: String,
    target: String,
    /// Of this page.
    href: String,
    /// `None` when the package was never requested there.
    state: Option<PackageTargetView>,
    /// Newest first.
    steps: Vec<StepRow>,
}

#[derive(Debug)]
struct PackageTargetView {
    cell: CellView,
    current: String,
    requested: String,
    standing: String,
    /// As the package manager writes it.
    version: Option<String>,
    /// The version that is wanted, where that is another one.
    wanted_version: Option<String>,
    attempts: u32,
    /// UTC.
    changed: String,
    /// What it waits for, and the command to give next.
    advice: Option<(String, Option<SuggestedCommand>)>,
    /// Stage and message.
    failure: Option<(&'static str, String)>,
}

/// # Errors
/// When there is no such package or target, or the database fails.
pub fn show(app: &AppState, request: &Request, name: &str, target: &str) -> Result<Response, PageError> {
    let state_version = app.state_version();
    let snapshot = app.snapshot()?;
    let cluster = &snapshot.cluster;
    let package = find_package(cluster, name)?;
    let address: TargetAddress = target.parse().map_err(|_| PageError::NotFound("target"))?;
    let target = cluster.find_target(&address).ok_or(PageError::NotFound("target"))?;
    let key = StateKey { target: target.id, package: package.id };
    let targets = Some([target.id].into());
    let filter = StatusFilter {
        targets,
        unseen: snapshot.unseen.clone(),
        silent: snapshot.silent.clone(),
        ..StatusFilter::default()
    };
    let status = Status::compute(cluster, &filter);
    let row = status.rows.iter().find(|row| row.package == package.id);
    let cell = row.and_then(|row| row.cells.first()?.as_ref());
    let mut store = app.open_database()?;
    // The snapshot does not know when it changed.
    let state = store.load_state(key)?;
    let state = cell.zip(state).map(|(cell, state)| state_view(cluster, key, cell, &state));
    let filter = EventFilter {
        target: Some(target.id),
        package: Some(package.id),
        limit: Some(MAX_STEPS),
        ..EventFilter::default()
    };
    let events = store.events(&filter)?;
    let page = PackageTargetPage {
        layout: Layout::new(request, Tab::Status, state_version, format!("{name} on {address}")),
        package: name.to_owned(),
        package_href: package_url(name, ""),
        href: package_target_url(name, &address.to_string()),
        target: address.to_string(),
        state,
        steps: events.iter().map(|event| step_row(cluster, event)).collect(),
    };
    render_html(StatusCode::OK, &page)
}

fn state_view(
    cluster: &Cluster,
    key: StateKey,
    cell: &StatusCell,
    state: &PackageState,
) -> PackageTargetView {
    let needs_no_advice = matches!(
        cell.kind,
        StatusKind::Done | StatusKind::Absent | StatusKind::Unknown | StatusKind::Error(_)
    );
    let pending =
        PendingGroup { kind: cell.kind.clone(), packages: vec![key.package], targets: vec![key.target] };
    let advice = (!needs_no_advice).then(|| advise(cluster, &pending));
    let failure = state.failure.as_ref();
    PackageTargetView {
        cell: cell_view(cluster, cell, false, String::new()),
        current: format!("{} {}", state.current.id(), format::stage_label(state.current)),
        requested: format!("{} {}", state.requested.id(), format::stage_label(state.requested)),
        standing: describe_standing(cluster, &cell.kind),
        version: cell.version.clone(),
        wanted_version: cluster
            .wanted_version(key.package)
            .filter(|wanted| cell.version.as_ref().is_some_and(|version| !is_same_version(wanted, version)))
            .map(str::to_owned),
        attempts: state.attempts,
        changed: format_timestamp(state.changed_at.saturating_mul(1000)),
        advice: advice.map(|advice| (advice.message, advice.suggestion)),
        failure: failure.map(|failure| (format::stage_label(failure.stage), escape_hidden(&failure.message))),
    }
}
