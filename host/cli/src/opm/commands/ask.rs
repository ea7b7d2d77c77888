//! `opm request`, `remove`, `clear`, `assign`, `rerun`, `reconfigure`, `upgrade`: what changes what is wanted. Nothing
//! is done to any target; the next run does it.

use std::collections::BTreeSet;

use anyhow::Result;
use opkg_oda::{Change, Cluster, PackageId, PackageName, Stage, Target};
use opkg_opm::choice;
use opkg_opm::requests::{self, Refusal};

use crate::failure::UsageError;
use crate::opm::args::{Assign, Clear, Goal, Remove, Request, Rerun};
use crate::opm::clock::seconds;
use crate::opm::exit::Exit;
use crate::opm::session::{Session, change, packages};
use crate::opm::view;

/// `opm request`.
///
/// # Errors
/// When a target does not exist, or the database fails.
pub fn request(session: &Session, arguments: &Request) -> Result<Exit> {
    request_all(session, &arguments.packages, &arguments.goal)
}

/// Asks for packages; those that nobody knows become known.
///
/// # Errors
/// When a target does not exist, or the database fails.
pub fn request_all(session: &Session, names: &[PackageName], goal: &Goal) -> Result<Exit> {
    if goal.stage == Stage::ShouldNotBeInstalled {
        let help =
            format!("`opm remove {}` asks for its removal", names.first().map_or("P", PackageName::as_str));
        return Err(
            UsageError::new("no package can be asked to come to should_not_be_installed", help).into()
        );
    }
    let mut store = session.open()?;
    let said = change(&mut store, |cluster| {
        let on = session.targets(cluster, &goal.on)?;
        let (ids, mut changes) = requests::adopt(cluster, names);
        let mut grown = cluster.clone();
        changes.iter().for_each(|it| grown.apply(it));
        let mut said: Vec<String> = changes.iter().filter_map(|it| adopted(cluster, it)).collect();
        let wanted = requests::request(&grown, &ids, goal.stage, &on, seconds());
        let is_new = wanted.iter().any(|it| matches!(it, Change::Request { .. }));
        changes.extend(wanted);
        let targets: Vec<_> = on.into_iter().collect();
        said.push(if is_new {
            let (packages, targets) = (view::packages(&grown, &ids), view::target_names(&grown, &targets));
            format!("requested: {packages} to {} on {targets}", goal.stage)
        } else {
            "all of that was requested already".to_owned()
        });
        Ok((changes, said))
    })?;
    said.iter().for_each(|it| session.shell.status(it));
    next(session);
    Ok(Exit::Done)
}

/// What is to be said of a package that nobody knew.
fn adopted(cluster: &Cluster, change: &Change) -> Option<String> {
    let Change::Package(package) = change else { return None };
    let known = cluster.packages.values().map(|it| it.name.as_str());
    let near = opkg::nearest(package.name.as_str(), known);
    let near = near.map_or_else(String::new, |it| format!("; did you mean {it}?"));
    Some(format!("note: {} was not known so far, and is now{near}", package.name))
}

/// `opm remove`.
///
/// # Errors
/// When it is refused, or the database fails.
pub fn remove(session: &Session, arguments: &Remove) -> Result<Exit> {
    let mut store = session.open()?;
    let (count, text) = change(&mut store, |cluster| {
        let ids = packages(cluster, &arguments.packages)?;
        let on = session.targets(cluster, &arguments.on)?;
        let changes = requests::remove(cluster, &ids, &on, arguments.cascade, seconds())?;
        let leaving: BTreeSet<PackageId> = changes.iter().filter_map(requested).collect();
        let leaving: Vec<PackageId> = leaving.into_iter().collect();
        let text = view::packages(cluster, &leaving);
        Ok((changes, (leaving.len(), text)))
    })?;
    session.shell.status(&format!("to be removed: {text}"));
    if count > 0 {
        next(session);
    }
    Ok(Exit::Done)
}

fn requested(change: &Change) -> Option<PackageId> {
    match change {
        Change::Request { key, .. } => Some(key.package),
        _ => None,
    }
}

/// `opm clear`.
///
/// # Errors
/// When a package or target does not exist, or the database fails.
pub fn clear(session: &Session, arguments: &Clear) -> Result<Exit> {
    let mut store = session.open()?;
    let count = change(&mut store, |cluster| {
        let chosen = chosen(cluster, &arguments.packages)?;
        let on = session.targets(cluster, &arguments.on)?;
        let changes = requests::clear(cluster, chosen.as_ref(), &on, seconds());
        let count = changes.len();
        Ok((changes, count))
    })?;
    if count == 0 {
        session.shell.status("none of that is in error");
    } else {
        session.shell.status(&format!("cleared: {count} of package and target"));
        next(session);
    }
    Ok(Exit::Done)
}

/// `opm assign`.
///
/// # Errors
/// When a package or client does not exist, or the database fails.
pub fn assign(session: &Session, arguments: &Assign) -> Result<Exit> {
    let mut store = session.open()?;
    let count = change(&mut store, |cluster| {
        let ids = packages(cluster, &arguments.packages)?;
        let clients = choice::of_all(&arguments.clients, cluster)?;
        let changes = requests::assign(cluster, &ids, &clients)?;
        let count = changes.len();
        Ok((changes, count))
    })?;
    if count == 0 {
        session.shell.status("all of that was assigned already");
    } else {
        session.shell.status(&format!(
            "assigned: {count} of package and client; the head node hands them over at its stage post-clients"
        ));
        session
            .shell
            .status("help: where it has passed that stage, `opm rerun --stage post-clients` does it again");
    }
    Ok(Exit::Done)
}

/// `opm rerun`.
///
/// # Errors
/// When a stage has no work, a package or target does not exist, or the database fails.
pub fn rerun(session: &Session, arguments: &Rerun) -> Result<Exit> {
    let stages: BTreeSet<Stage> = arguments.stages.iter().copied().collect();
    queue(session, |cluster| {
        let chosen = chosen(cluster, &arguments.packages)?;
        let on = match arguments.on.as_slice() {
            [] => cluster.targets.values().map(|it: &Target| it.id).collect(),
            named => choice::of_all(named, cluster)?,
        };
        Ok(requests::rerun(cluster, &stages, chosen.as_ref(), &on)?)
    })
}

/// `opm reconfigure`.
///
/// # Errors
/// When a package was never requested on the head node, or the database fails.
pub fn reconfigure(session: &Session, names: &[PackageName]) -> Result<Exit> {
    queue(session, |cluster| Ok(requests::reconfigure(cluster, &packages(cluster, names)?)?))
}

/// `opm upgrade`.
///
/// # Errors
/// When a package was never requested, or the database fails.
pub fn upgrade(session: &Session, names: &[PackageName]) -> Result<Exit> {
    queue(session, |cluster| {
        let ids = packages(cluster, names)?;
        let wanted: BTreeSet<PackageId> =
            cluster.all_rows().filter(|(_, row)| row.present()).map(|(key, _)| key.package).collect();
        if let Some((_, name)) = ids.iter().zip(names).find(|(id, _)| !wanted.contains(id)) {
            let (package, target) = (name.to_string(), "any of the targets".to_owned());
            return Err(Refusal::NotRequested { package, target }.into());
        }
        let everywhere = cluster.targets.keys().copied().collect();
        let chosen = ids.into_iter().collect();
        Ok(requests::rerun(cluster, &requests::upgrade_stages(), Some(&chosen), &everywhere)?)
    })
}

/// Has stages done again.
fn queue(session: &Session, decide: impl FnOnce(&Cluster) -> Result<Vec<Change>>) -> Result<Exit> {
    let mut store = session.open()?;
    let count = change(&mut store, |cluster| {
        let changes = decide(cluster)?;
        let count = changes.len();
        Ok((changes, count))
    })?;
    if count == 0 {
        session.shell.status("nothing of that has been done so far, so there is nothing to do again");
    } else {
        session.shell.status(&format!("queued: {count} stages of package and target to be done again"));
        next(session);
    }
    Ok(Exit::Done)
}

fn chosen(cluster: &Cluster, names: &[PackageName]) -> Result<Option<BTreeSet<PackageId>>> {
    if names.is_empty() {
        return Ok(None);
    }
    Ok(Some(packages(cluster, names)?.into_iter().collect()))
}

fn next(session: &Session) {
    session
        .shell
        .status("help: `opm` does it, as far as it can be done now; `opm status` shows how it stands");
}
