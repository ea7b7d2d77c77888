//! One package on one target: how it stands, why, and what was done with it.

use askama::Template;
use http::StatusCode;
use opkg_oda::{Address, Key, Store, Wanted};
use opkg_opm::clock::date;
use opkg_opm::status::{Finding, Next, Standing, Status, View, advice};
use opkg_opm::words;

use super::journal::{Step, step_of};
use super::matrix::{Shown, meaning, shown};
use super::names::{package_address, pair_address};
use super::{Frame, Tab, Trouble, html};
use crate::asked::Asked;
use crate::plain::plain;
use crate::reply::Reply;
use crate::site::Site;

/// Steps that are listed.
const STEPS: u32 = 100;

#[derive(Debug, Template)]
#[template(path = "pair.html")]
struct PairPage {
    frame: Frame,
    package: String,
    package_href: String,
    target: String,
    href: String,
    /// Nothing where it was never asked for.
    state: Option<State>,
    steps: Vec<Step>,
}

#[derive(Debug)]
struct State {
    cell: Shown,
    current: String,
    requested: String,
    standing: String,
    attempts: u32,
    changed: String,
    /// What it waits for, and what goes on from there.
    advice: Option<(String, Option<Next>)>,
    /// The stage that failed, and why.
    failure: Option<(&'static str, String)>,
}

/// The page.
///
/// # Errors
/// When there is no such package or target, or the database fails.
pub fn show(site: &Site, asked: &Asked, name: &str, target: &str) -> Result<Reply, Trouble> {
    let seen = site.number();
    let snapshot = site.snapshot()?;
    let cluster = &snapshot.cluster;
    let package = super::package::find(cluster, name)?;
    let address: Address = target.parse().map_err(|_| Trouble::Unknown("target"))?;
    let target = cluster.target(&address).ok_or(Trouble::Unknown("target"))?;
    let key = Key { target: target.id, package: package.id };
    let view = View { packages: None, targets: Some([target.id].into()) };
    let status = Status::of(cluster, &view);
    let line = status.lines.iter().find(|it| it.package == package.id);
    let cell = line.and_then(|it| it.cells.first()?.as_ref());
    let state = cell.zip(cluster.row(key)).map(|(cell, row)| {
        let is_quiet = matches!(cell.standing, Standing::Done | Standing::Absent | Standing::Error(_));
        let finding =
            Finding { standing: cell.standing.clone(), packages: vec![package.id], targets: vec![target.id] };
        let advice = (!is_quiet).then(|| advice(cluster, &finding));
        State {
            cell: shown(cluster, cell, false, String::new()),
            current: format!("{} {}", row.current.id(), words::stage(row.current)),
            requested: format!("{} {}", row.requested.id(), words::stage(row.requested)),
            standing: meaning(cluster, &cell.standing),
            attempts: row.attempts,
            changed: date(row.changed.saturating_mul(1000)),
            advice: advice.map(|it| (it.sentence, it.next)),
            failure: row.failure.as_ref().map(|it| (words::stage(it.stage), plain(&it.message))),
        }
    });
    let wanted = Wanted {
        target: Some(target.id),
        package: Some(package.id),
        limit: Some(STEPS),
        ..Wanted::default()
    };
    let events = site.open()?.events(&wanted)?;
    let page = PairPage {
        frame: Frame::new(asked, Tab::Status, seen, format!("{name} on {address}")),
        package: name.to_owned(),
        package_href: package_address(name, ""),
        href: pair_address(name, &address.to_string()),
        target: address.to_string(),
        state,
        steps: events.iter().map(|it| step_of(cluster, it)).collect(),
    };
    html(StatusCode::OK, &page)
}
