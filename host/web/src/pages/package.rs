//! One package: what it is, and how it stands on its targets.

use std::collections::BTreeSet;

use askama::Template;
use http::StatusCode;
use opkg_oda::{Cluster, Package, PackageName};
use opkg_opm::status::{Status, View};
use opkg_opm::words;

use super::details::{Failed, Findings, details};
use super::forms::{contexts, form_address};
use super::matrix::{Shown, meaning, shown, urgency};
use super::names::{package_address, pair_address, targets};
use super::{Frame, Tab, Trouble, html};
use crate::asked::Asked;
use crate::fields::address;
use crate::reply::Reply;
use crate::site::Site;

/// Targets that are listed by name.
const LISTED: usize = 500;

#[derive(Debug, Template)]
#[template(path = "package.html")]
struct PackagePage {
    frame: Frame,
    /// The page that asks for it.
    requests: String,
    /// Its forms, and for what they are.
    forms: Vec<(String, String)>,
    class: &'static str,
    version: Option<String>,
    needs: Vec<(String, String)>,
    awaits: Option<String>,
    on: String,
    problem: Option<String>,
    targets: Vec<OnTarget>,
    /// Targets that are not listed.
    more: usize,
    errors: Vec<Failed>,
    findings: Vec<Findings>,
}

/// A target that the package was asked for on.
#[derive(Debug)]
struct OnTarget {
    name: String,
    cell: Shown,
    meaning: String,
}

/// One package, on all targets or on those that are named in the address.
///
/// # Errors
/// When there is none of that name, or the database fails.
pub fn show(site: &Site, asked: &Asked, name: &str) -> Result<Reply, Trouble> {
    let seen = site.number();
    let snapshot = site.snapshot()?;
    let cluster = &snapshot.cluster;
    let package = find(cluster, name)?;
    let on = asked.query.get("on");
    let (chosen, problem) = match on.trim() {
        "" => (None, None),
        _ => match targets(cluster, on) {
            Ok(chosen) => (Some(chosen), None),
            Err(problem) => (None, Some(problem)),
        },
    };
    let view = View { packages: Some(BTreeSet::from([package.id])), targets: chosen };
    let status = Status::of(cluster, &view);
    let (errors, findings) = details(site, cluster, &status)?;
    let mut listed = Vec::new();
    let cells = status.lines.iter().flat_map(|line| line.cells.iter().zip(&status.groups));
    for (cell, group) in cells {
        let Some(cell) = cell else { continue };
        for target in group.targets.iter().filter_map(|it| cluster.targets.get(it)) {
            let href = pair_address(name, &target.address.to_string());
            let shown = shown(cluster, cell, false, href);
            let meaning = meaning(cluster, &cell.standing);
            let name = target.address.to_string();
            listed.push((urgency(&cell.standing), &target.address, OnTarget { name, cell: shown, meaning }));
        }
    }
    // What needs somebody comes first.
    listed.sort_by(|one, other| (one.0, one.1).cmp(&(other.0, other.1)));
    let more = listed.len().saturating_sub(LISTED);
    listed.truncate(LISTED);
    let needs = package.needs.iter().map(|it| {
        let name = words::name(cluster, *it);
        (package_address(&name, ""), name)
    });
    let forms = contexts(cluster, package.id).into_iter().map(|image| {
        let title = image.map_or_else(|| "the whole cluster".to_owned(), |it| format!("image {it}"));
        (form_address(name, image), title)
    });
    let page = PackagePage {
        frame: Frame::new(asked, Tab::Status, seen, name),
        requests: address("/requests", &[("packages", name)]),
        forms: forms.collect(),
        class: package.class.name(),
        version: package.version.clone(),
        needs: needs.collect(),
        awaits: package.awaits.clone(),
        on: on.to_owned(),
        problem,
        targets: listed.into_iter().map(|it| it.2).collect(),
        more,
        errors,
        findings,
    };
    html(StatusCode::OK, &page)
}

/// The package of a name.
///
/// # Errors
/// When there is none.
pub fn find<'a>(cluster: &'a Cluster, name: &str) -> Result<&'a Package, Trouble> {
    let name: PackageName = name.parse().map_err(|_| Trouble::Unknown("package"))?;
    cluster.package(&name).ok_or(Trouble::Unknown("package"))
}
