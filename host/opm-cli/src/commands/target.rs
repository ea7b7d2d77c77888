//! `opm target`: what packages can be on.

use std::collections::BTreeSet;

use opkg_engine::clock::{format_timestamp, now_seconds};
use opkg_engine::operations::{self, transact};
use opkg_engine::status::describe_absence;
use opkg_engine::target_selector::TargetSelector;
use opkg_engine::targets::{self, TargetSpec};
use opkg_oda::{Absence, AbsenceKind, Change, Cluster, LastSeen, Stage, Target, TargetAddress, TargetKind};
use opkg_shell::UsageError;
use serde::Serialize;

use super::groups;
use crate::args::{AbsenceArgs, TargetAddArgs, TargetCommand};
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::identity::author;
use crate::session::{Session, absolute_path};
use crate::view;

/// Runs the command.
///
/// # Errors
/// When a target cannot be as it is wanted, or the database fails.
pub fn run(session: &Session, command: &TargetCommand) -> Result<ExitStatus, CliError> {
    match command {
        TargetCommand::Add(arguments) => add_targets(session, arguments),
        TargetCommand::List => list_targets(session),
        TargetCommand::Groups { groups } => groups::list(session, groups),
        TargetCommand::Offline(arguments) => set_absence(session, arguments, AbsenceKind::Offline),
        TargetCommand::Maintenance(arguments) => set_absence(session, arguments, AbsenceKind::Maintenance),
        TargetCommand::Online { targets } => end_absence(session, targets),
        TargetCommand::Remove { targets, force } => remove_targets(session, targets, *force),
    }
}

fn add_targets(session: &Session, arguments: &TargetAddArgs) -> Result<ExitStatus, CliError> {
    let all: Vec<&TargetAddress> = arguments.targets.iter().flat_map(|list| &list.0).collect();
    let root = arguments.root.as_deref().map(absolute_path).transpose()?;
    if let Some(root) = root.as_ref().filter(|root| !root.is_dir()) {
        let help = "make the directory first, or name another one";
        return Err(UsageError::new(format!("there is no directory {}", root.display()), help).into());
    }
    let wish = |address: &&TargetAddress| TargetSpec {
        address: (*address).clone(),
        root: root
            .as_ref()
            .map(|root| if all.len() > 1 { root.join(address.name.as_str()) } else { root.clone() }),
        image: arguments.image.clone(),
    };
    let wishes: Vec<TargetSpec> = all.iter().map(wish).collect();
    let mut store = session.open_store()?;
    let (text, inherited, late) = transact::<_, CliError>(&mut *store, |cluster| {
        let changes = targets::add(cluster, &wishes, now_seconds())?;
        let mut grown = cluster.clone();
        changes.iter().for_each(|change| grown.apply(change));
        let made: Vec<_> = changes
            .iter()
            .filter_map(|change| match change {
                Change::PutTarget(target) => Some(target.id),
                _ => None,
            })
            .collect();
        let inherited = changes.iter().any(|change| matches!(change, Change::Assign { .. }));
        let clients = made
            .iter()
            .any(|id| grown.targets.get(id).is_some_and(|target| target.kind() == TargetKind::Client));
        let late = clients && has_passed_post_clients(cluster);
        let text = if made.is_empty() { None } else { Some(view::target_list(&grown, &made)) };
        Ok((changes, (text, inherited, late)))
    })?;
    match text {
        Some(text) => session.shell.status(&format!("added: {text}")),
        None => session.shell.status("nothing to add"),
    }
    if inherited {
        session.shell.status("note: new clients take over what their image holds, once it is found on them");
    }
    if late {
        session.shell.status(
            "help: `opm rerun --stage post-clients --stage post-install` tells the packages of new clients",
        );
    }
    Ok(ExitStatus::Success)
}

/// Whether a package on the head node has passed the stage in which it learns of the clients.
fn has_passed_post_clients(cluster: &Cluster) -> bool {
    let servers: Vec<_> = cluster.targets_of_kind(TargetKind::Server).map(|server| server.id).collect();
    cluster.all_states().any(|(key, row)| servers.contains(&key.target) && row.current >= Stage::PostClients)
}

fn remove_targets(session: &Session, chosen: &[TargetSelector], force: bool) -> Result<ExitStatus, CliError> {
    if chosen.iter().all(TargetSelector::is_exclusion) {
        let help = "name those that are to be forgotten: 'clients!node7'";
        return Err(UsageError::new("nothing but what shall stay is named", help).into());
    }
    let mut store = session.open_store()?;
    let (text, late) = transact::<_, CliError>(&mut *store, |cluster| {
        let gone = session.select_targets(cluster, chosen, &BTreeSet::new())?;
        let changes = targets::remove(cluster, &gone, force)?;
        let gone: Vec<_> = gone.into_iter().collect();
        let is_client = |target: &Target| target.kind() == TargetKind::Client && gone.contains(&target.id);
        let late = cluster.targets.values().any(is_client) && has_passed_post_clients(cluster);
        let text = if gone.is_empty() { None } else { Some(view::target_list(cluster, &gone)) };
        Ok((changes, (text, late)))
    })?;
    session
        .shell
        .status(&text.map_or_else(|| "there are none".to_owned(), |removed| format!("removed: {removed}")));
    if late {
        session.shell.status(
            "help: `opm rerun --stage post-clients --stage post-install` tells the packages that clients have gone",
        );
    }
    Ok(ExitStatus::Success)
}

fn set_absence(
    session: &Session,
    arguments: &AbsenceArgs,
    kind: AbsenceKind,
) -> Result<ExitStatus, CliError> {
    let since = now_seconds();
    let duration = arguments.duration.map(|duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX));
    let absence = Absence {
        kind,
        reason: opkg::escape_hidden(&arguments.reason),
        since,
        until: duration.map(|duration| since.saturating_add(duration)),
        who: author(),
    };
    let told =
        format!("{} from now on", if kind == AbsenceKind::Offline { "offline" } else { "in maintenance" });
    change_absence(session, &arguments.targets, Some(&absence), &told)
}

fn end_absence(session: &Session, chosen: &[TargetSelector]) -> Result<ExitStatus, CliError> {
    change_absence(session, chosen, None, "online again")
}

fn change_absence(
    session: &Session,
    chosen: &[TargetSelector],
    absence: Option<&Absence>,
    told: &str,
) -> Result<ExitStatus, CliError> {
    let mut store = session.open_store()?;
    let changed = operations::set_absence::<CliError>(
        &mut *store,
        |cluster| session.select_targets(cluster, chosen, &BTreeSet::new()),
        absence,
    )?;
    if changed.is_empty() {
        session.shell.status("none of them was away");
        return Ok(ExitStatus::Success);
    }
    let cluster = store.load_targets()?;
    session.shell.status(&format!("{told}: {}", view::target_list(&cluster, &changed)));
    Ok(ExitStatus::Success)
}

/// One target, as `--format json` prints it.
#[derive(Serialize)]
struct TargetJson {
    kind: &'static str,
    name: String,
    root: Option<String>,
    image: Option<String>,
    /// How many packages are on it.
    packages: usize,
    /// When it looked for work last, in seconds since 1970; null where it does not report that.
    seen: Option<i64>,
    /// Why nothing is expected of it; null where something is.
    away: Option<String>,
}

fn list_targets(session: &Session) -> Result<ExitStatus, CliError> {
    let mut store = session.open_reader()?;
    let cluster = store.load_overview()?;
    // Where nobody may know that, the list is there all the same.
    let seen = store.last_seen().unwrap_or_default();
    let mut all: Vec<&Target> = cluster.targets.values().collect();
    all.sort_by(|a, b| a.address.cmp(&b.address));
    let listed: Vec<TargetJson> =
        all.into_iter().map(|target| target_json(&cluster, target, &seen)).collect();
    if session.shell.is_json() {
        session.shell.print_json(&listed)?;
        return Ok(ExitStatus::Success);
    }
    for target in &listed {
        let mut line = format!("{}:{}", target.kind, target.name);
        if let Some(image) = &target.image {
            line.push_str(&format!("  image {image}"));
        }
        if let Some(root) = &target.root {
            line.push_str(&format!("  root {root}"));
        }
        if let Some(seen) = target.seen {
            line.push_str(&format!("  seen {}", format_timestamp(seen * 1000)));
        }
        if let Some(away) = &target.away {
            line.push_str(&format!("  {away}"));
        }
        session.shell.print(&format!("{}\n", opkg::escape_line(&line)))?;
    }
    Ok(ExitStatus::Success)
}

fn target_json(cluster: &Cluster, target: &Target, seen: &LastSeen) -> TargetJson {
    let image = target.image.and_then(|id| cluster.targets.get(&id));
    TargetJson {
        kind: target.kind().name(),
        name: target.address.name.to_string(),
        root: target.root.as_ref().map(|root| root.display().to_string()),
        image: image.map(|image| image.address.name.to_string()),
        packages: targets::package_count(cluster, target.id),
        seen: seen.targets.get(&target.id).copied(),
        away: cluster.absences.get(&target.id).map(describe_absence),
    }
}
