//! How the cluster stands: the table of all packages on all targets.

use askama::Template;
use http::StatusCode;
use opkg_oda::Cluster;
use opkg_opm::status::{Status, View};

use super::details::{Failed, Findings, details};
use super::matrix::{Matrix, matrix};
use super::names::{packages, targets};
use super::{Frame, Tab, Trouble, html};
use crate::asked::Asked;
use crate::reply::Reply;
use crate::site::Site;

#[derive(Debug, Template)]
#[template(path = "status.html")]
struct StatusPage {
    frame: Frame,
    phase: String,
    head: String,
    packages: String,
    on: String,
    problem: Option<String>,
    matrix: Matrix,
    errors: Vec<Failed>,
    findings: Vec<Findings>,
    /// What to do where there is nothing to show.
    empty: Option<(&'static str, &'static str)>,
}

/// The table of everything, or of those packages and targets that are named in the address.
///
/// # Errors
/// When the database fails.
pub fn show(site: &Site, asked: &Asked) -> Result<Reply, Trouble> {
    let seen = site.number();
    let snapshot = site.snapshot()?;
    let cluster = &snapshot.cluster;
    let (names, on) = (asked.query.get("packages"), asked.query.get("on"));
    let (view, problem) = match view(cluster, names, on) {
        Ok(view) => (view, None),
        Err(problem) => (View::default(), Some(problem)),
    };
    let own;
    let status = if view == View::default() {
        &snapshot.status
    } else {
        own = Status::of(cluster, &view);
        &own
    };
    let (errors, findings) = details(site, cluster, status)?;
    let head = format!(
        "{} of {}, {} of {}",
        plural(status.lines.len(), "package"),
        cluster.packages.len(),
        plural(status.targets(), "target"),
        cluster.targets.len()
    );
    let empty = if status.targets() == 0 {
        Some(("There are no targets.", "opm target add KIND:NAME"))
    } else if status.lines.is_empty() {
        Some(("No package was requested.", "opm request PACKAGE"))
    } else {
        None
    };
    let page = StatusPage {
        frame: Frame::new(asked, Tab::Status, seen, "Status"),
        phase: status.phase.to_string(),
        head,
        packages: names.to_owned(),
        on: on.to_owned(),
        problem,
        matrix: matrix(cluster, status),
        errors,
        findings,
        empty,
    };
    html(StatusCode::OK, &page)
}

fn view(cluster: &Cluster, names: &str, on: &str) -> Result<View, String> {
    let packages = match packages(cluster, names)? {
        none if none.is_empty() => None,
        some => Some(some.into_iter().collect()),
    };
    let targets = if on.trim().is_empty() { None } else { Some(targets(cluster, on)?) };
    Ok(View { packages, targets })
}

fn plural(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
