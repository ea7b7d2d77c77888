//! `opm request`, `remove`, `clear`, `assign`, `rerun`, `reconfigure`, `upgrade`, `hold`: what changes what is wanted. Nothing
//! is done to any target; the next run does it.

use std::collections::BTreeSet;

use opkg_engine::clock::now_seconds;
use opkg_engine::operations::{self, NewPackage};
use opkg_oda::{Cluster, PackageName, Stage, TargetKind};
use opkg_opm::Config;

use super::offered::find_offered;
use super::rollout;
use crate::args::{AssignArgs, ClearArgs, GoalArgs, RemoveArgs, RequestArgs, RerunArgs, UpgradeArgs};
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::{Session, all_targets};
use crate::view::{self, plural};

/// `opm request`.
///
/// # Errors
/// When a target does not exist, or the database fails.
pub fn request(session: &Session, arguments: &RequestArgs) -> Result<ExitStatus, CliError> {
    request_all(session, &arguments.packages, &arguments.goal, arguments.new)
}

/// Asks for packages. Those that nobody knows become known where a package source has them, or all of them with
/// `are_new`.
///
/// # Errors
/// When a package or target does not exist, the configuration is wrong, or the database fails.
pub fn request_all(
    session: &Session,
    names: &[PackageName],
    goal: &GoalArgs,
    are_new: bool,
) -> Result<ExitStatus, CliError> {
    let mut store = session.open_store()?;
    let config = Config::load(session.settings_dir())?;
    let targets = |cluster: &_| session.resolve_targets(cluster, &goal.on);
    let offered = if are_new {
        BTreeSet::new()
    } else {
        let on = |cluster: &Cluster| session.resolve_targets(cluster, &goal.on);
        find_offered(session, &mut *store, &config, names, on)?
    };
    let may_be_new = |name: &PackageName| are_new || offered.contains(name);
    let waves = rollout::waves(goal.waves);
    let requested = operations::request(
        &mut *store,
        names,
        goal.stage,
        targets,
        &may_be_new,
        waves.as_ref(),
        now_seconds(),
    )?;
    for package in &requested.new_packages {
        session.shell.status(&describe_new_package(package));
    }
    session.shell.status(&if requested.has_changes {
        let packages = view::package_list(&requested.cluster, &requested.packages);
        let targets = view::target_list(&requested.cluster, &requested.targets);
        format!("requested: {packages} to {} on {targets}", goal.stage)
    } else {
        "all of that was requested already".to_owned()
    });
    rollout::report(session, requested.rollout);
    print_next_step_hint(session);
    Ok(ExitStatus::Success)
}

fn describe_new_package(package: &NewPackage) -> String {
    let NewPackage { name, suggestion } = package;
    let near = suggestion.as_ref().map_or_else(String::new, |near| format!("; did you mean {near}?"));
    format!("note: {name} was not known so far, and is now{near}")
}

/// `opm remove`.
///
/// # Errors
/// When it is refused, or the database fails.
pub fn remove(session: &Session, arguments: &RemoveArgs) -> Result<ExitStatus, CliError> {
    let mut store = session.open_store()?;
    let targets = |cluster: &_| session.resolve_targets(cluster, &arguments.on);
    let waves = rollout::waves(arguments.waves);
    let removed = operations::remove(
        &mut *store,
        &arguments.packages,
        targets,
        arguments.cascade,
        waves.as_ref(),
        now_seconds(),
    )?;
    session.shell.status(&format!("to be removed: {}", removed.names));
    rollout::report(session, removed.rollout);
    if removed.count > 0 {
        print_next_step_hint(session);
    }
    Ok(ExitStatus::Success)
}

/// `opm clear`.
///
/// # Errors
/// When a package or target does not exist, or the database fails.
pub fn clear(session: &Session, arguments: &ClearArgs) -> Result<ExitStatus, CliError> {
    let mut store = session.open_store()?;
    let targets = |cluster: &_| session.resolve_targets(cluster, &arguments.on);
    let count = operations::clear(&mut *store, &arguments.packages, targets, now_seconds())?;
    if count == 0 {
        session.shell.status("none of that is in error");
    } else {
        session.shell.status(&format!("cleared: {}", plural(count, "error")));
        print_next_step_hint(session);
    }
    Ok(ExitStatus::Success)
}

/// `opm assign`.
///
/// # Errors
/// When a package or client does not exist, or the database fails.
pub fn assign(session: &Session, arguments: &AssignArgs) -> Result<ExitStatus, CliError> {
    let mut store = session.open_store()?;
    let clients = |cluster: &Cluster| {
        let all = cluster.targets_of_kind(TargetKind::Client).map(|client| client.id).collect();
        session.select_targets(cluster, &arguments.clients, &all)
    };
    let count = operations::assign::<CliError>(&mut *store, &arguments.packages, clients)?;
    if count == 0 {
        session.shell.status("all of that was assigned already");
    } else {
        session.shell.status(&format!(
            "assigned: {}; the head node hands them over at its stage post-clients",
            plural(count, "installation")
        ));
        session
            .shell
            .status("help: where it has passed that stage, `opm rerun --stage post-clients` does it again");
    }
    Ok(ExitStatus::Success)
}

/// `opm rerun`.
///
/// # Errors
/// When a stage has no work, a package or target does not exist, or the database fails.
pub fn rerun(session: &Session, arguments: &RerunArgs) -> Result<ExitStatus, CliError> {
    let mut store = session.open_store()?;
    let stages: BTreeSet<Stage> = arguments.stages.iter().copied().collect();
    let count = operations::rerun::<CliError>(&mut *store, &stages, &arguments.packages, |cluster| {
        session.select_targets(cluster, &arguments.on, &all_targets(cluster))
    })?;
    report_queued(session, count);
    Ok(ExitStatus::Success)
}

/// `opm reconfigure`.
///
/// # Errors
/// When a package was never requested on the head node, or the database fails.
pub fn reconfigure(session: &Session, names: &[PackageName]) -> Result<ExitStatus, CliError> {
    let count = operations::reconfigure::<CliError>(session.open_store()?.as_mut(), names)?;
    report_queued(session, count);
    Ok(ExitStatus::Success)
}

/// `opm upgrade`.
///
/// # Errors
/// When a package is on none of the targets or is held, or the database fails.
pub fn upgrade(session: &Session, arguments: &UpgradeArgs) -> Result<ExitStatus, CliError> {
    let mut store = session.open_store()?;
    let to = arguments.to.as_deref();
    let targets = |cluster: &Cluster| session.select_targets(cluster, &arguments.on, &all_targets(cluster));
    let waves = rollout::waves(arguments.waves);
    let packages = &arguments.packages;
    let upgraded =
        operations::upgrade::<CliError>(&mut *store, packages, targets, to, waves.as_ref(), now_seconds())?;
    rollout::report(session, upgraded.rollout);
    match (upgraded.count, to) {
        (0, Some(version)) => {
            session.shell.status(&format!("nothing to do: {version} is installed everywhere already"));
        }
        (count, _) => report_queued(session, count),
    }
    Ok(ExitStatus::Success)
}

/// `opm hold` and `opm unhold`.
///
/// # Errors
/// When a package is not known, or the database fails.
pub fn hold(session: &Session, names: &[PackageName], held: bool) -> Result<ExitStatus, CliError> {
    let count = operations::hold::<CliError>(session.open_store()?.as_mut(), names, held)?;
    session.shell.status(&match (count, held) {
        (0, true) => "all of them are held already".to_owned(),
        (0, false) => "none of them is held".to_owned(),
        (_, true) => format!("held: {}; `opm unhold` lets them be upgraded again", plural(count, "package")),
        (_, false) => format!("no longer held: {}", plural(count, "package")),
    });
    Ok(ExitStatus::Success)
}

fn report_queued(session: &Session, count: usize) {
    if count == 0 {
        session.shell.status("nothing of that has been done so far, so there is nothing to do again");
    } else {
        session.shell.status(&format!("queued: {} to run again", plural(count, "stage")));
        print_next_step_hint(session);
    }
}

fn print_next_step_hint(session: &Session) {
    session.shell.status("help: `opm` does it, as far as it can be done now; `opm status` shows the state");
}
