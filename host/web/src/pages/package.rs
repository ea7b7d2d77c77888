//! One package: what it is, and its state on its targets.

use std::collections::BTreeSet;

use askama::Template;
use http::StatusCode;
use opkg_engine::format;
use opkg_engine::status::{Status, StatusFilter};
use opkg_oda::{Cluster, Package, PackageName};

use super::details::{FailureRow, FindingGroup, load_details};
use super::error::PageError;
use super::forms::{context_label, form_contexts};
use super::layout::{Layout, Tab};
use super::lookup::{LookupError, find_targets};
use super::matrix::{CellView, cell_view, describe_standing, urgency};
use super::render::render_html;
use super::urls::{form_url, package_target_url, package_url};
use crate::app_state::AppState;
use crate::params::build_url;
use crate::request::Request;
use crate::response::Response;

/// Further targets are only counted.
const MAX_TARGETS: usize = 500;

#[derive(Debug, Template)]
#[template(path = "package.html")]
struct PackagePage {
    layout: Layout,
    /// The page of requests with this package filled in.
    requests_url: String,
    /// URL and context of each form.
    forms: Vec<(String, String)>,
    class: &'static str,
    /// The one that is wanted.
    version: Option<String>,
    is_held: bool,
    /// URL and name of each dependency.
    needs: Vec<(String, String)>,
    awaits: Option<String>,
    /// The filter as it was typed.
    on: String,
    /// Why the filter is ignored.
    error: Option<LookupError>,
    targets: Vec<TargetRow>,
    omitted_targets: usize,
    failures: Vec<FailureRow>,
    findings: Vec<FindingGroup>,
}

/// A target on which the package was requested.
#[derive(Debug)]
struct TargetRow {
    name: String,
    cell: CellView,
    meaning: String,
    /// As the package manager there writes it.
    version: Option<String>,
}

/// One package, on all targets or on those in the query.
///
/// # Errors
/// When there is no such package, or the database fails.
pub fn show(app: &AppState, request: &Request, name: &str) -> Result<Response, PageError> {
    let state_version = app.state_version();
    let snapshot = app.snapshot()?;
    let cluster = &snapshot.cluster;
    let package = find_package(cluster, name)?;
    let on = request.query.get("on");
    let (targets, error) = match on.trim() {
        "" => (None, None),
        _ => match find_targets(cluster, &app.settings, on) {
            Ok(targets) => (Some(targets), None),
            Err(error) => (None, Some(error)),
        },
    };
    let packages = Some(BTreeSet::from([package.id]));
    let filter =
        StatusFilter { packages, targets, unseen: snapshot.unseen.clone(), silent: snapshot.silent.clone() };
    let status = Status::compute(cluster, &filter);
    let (failures, findings) = load_details(app, cluster, &status, &request.person)?;
    let mut rows = Vec::new();
    let cells = status.rows.iter().flat_map(|row| row.cells.iter().zip(&status.groups));
    for (cell, group) in cells {
        let Some(cell) = cell else { continue };
        for target in group.targets.iter().filter_map(|id| cluster.targets.get(id)) {
            let address = target.address.to_string();
            let row = TargetRow {
                cell: cell_view(cluster, cell, false, package_target_url(name, &address)),
                meaning: describe_standing(cluster, &cell.kind),
                version: cell.version.clone(),
                name: address,
            };
            rows.push((urgency(&cell.kind), &target.address, row));
        }
    }
    // The most urgent first.
    rows.sort_by(|one, other| (one.0, one.1).cmp(&(other.0, other.1)));
    let omitted_targets = rows.len().saturating_sub(MAX_TARGETS);
    rows.truncate(MAX_TARGETS);
    let needs = package.dependencies.iter().map(|dependency| {
        let name = format::package_name(cluster, *dependency);
        (package_url(&name, ""), name)
    });
    let images = form_contexts(cluster, package.id).into_iter();
    let page = PackagePage {
        layout: Layout::new(request, Tab::Status, state_version, name),
        requests_url: build_url("requests", &[("packages", name)]),
        forms: images.map(|image| (form_url(name, image), context_label(image))).collect(),
        class: package.class.name(),
        version: cluster.wanted_version(package.id).map(str::to_owned),
        is_held: cluster.held.contains(&package.id),
        needs: needs.collect(),
        awaits: package.waiting_for.clone(),
        on: on.to_owned(),
        error,
        targets: rows.into_iter().map(|(_, _, row)| row).collect(),
        omitted_targets,
        failures,
        findings,
    };
    render_html(StatusCode::OK, &page)
}

/// The package that a URL names.
///
/// # Errors
/// When there is none.
pub fn find_package<'a>(cluster: &'a Cluster, name: &str) -> Result<&'a Package, PageError> {
    let name: PackageName = name.parse().map_err(|_| PageError::NotFound("package"))?;
    cluster.find_package(&name).ok_or(PageError::NotFound("package"))
}
