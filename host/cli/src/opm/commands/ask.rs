//! `opm request`, `remove`, `clear`, `assign`, `rerun`, `reconfigure`, `upgrade`: what changes what is wanted. Nothing
//! is done to any target; the next run does it.

use std::collections::BTreeSet;

use anyhow::Result;
use opkg_oda::{Change, Cluster, PackageId, PackageName, Stage, Target};
use opkg_opm::{ask, choice, requests};

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
    let mut store = session.open()?;
    let said = change(&mut store, |cluster| {
        let on = session.targets(cluster, &goal.on)?;
        let (changes, asked) = ask::request(cluster, names, goal.stage, &on, seconds())?;
        let mut said: Vec<String> = asked.adopted.iter().map(|it| adopted(cluster, it)).collect();
        let targets: Vec<_> = on.into_iter().collect();
        said.push(if asked.is_new {
            let packages = view::packages(&asked.cluster, &asked.packages);
            let targets = view::target_names(&asked.cluster, &targets);
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
fn adopted(cluster: &Cluster, name: &PackageName) -> String {
    let known = cluster.packages.values().map(|it| it.name.as_str());
    let near = opkg::nearest(name.as_str(), known);
    let near = near.map_or_else(String::new, |it| format!("; did you mean {it}?"));
    format!("note: {name} was not known so far, and is now{near}")
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
        let leaving = ask::leaving(&changes);
        let text = view::packages(cluster, &leaving);
        Ok((changes, (leaving.len(), text)))
    })?;
    session.shell.status(&format!("to be removed: {text}"));
    if count > 0 {
        next(session);
    }
    Ok(Exit::Done)
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
    queue(session, |cluster| Ok(ask::upgrade(cluster, &packages(cluster, names)?)?))
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
