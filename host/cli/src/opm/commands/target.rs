//! `opm target`: what packages can be on.

use anyhow::Result;
use opkg_oda::{Address, Change, Cluster, Kind, Stage, Store, Target};
use opkg_opm::choice::{self, Choice};
use opkg_opm::targets::{self, Wish};
use serde::Serialize;

use crate::failure::UsageError;
use crate::opm::args::{TargetAdd, TargetCommand};
use crate::opm::clock::seconds;
use crate::opm::commands::init::absolute;
use crate::opm::exit::Exit;
use crate::opm::session::{Session, change};
use crate::opm::view;

/// Runs the command.
///
/// # Errors
/// When a target cannot be as it is wanted, or the database fails.
pub fn run(session: &Session, command: &TargetCommand) -> Result<Exit> {
    match command {
        TargetCommand::Add(arguments) => add(session, arguments),
        TargetCommand::List => list(session),
        TargetCommand::Remove { targets, force } => remove(session, targets, *force),
    }
}

fn add(session: &Session, arguments: &TargetAdd) -> Result<Exit> {
    let all: Vec<&Address> = arguments.targets.iter().flat_map(|it| &it.0).collect();
    let root = arguments.root.as_deref().map(absolute).transpose()?;
    if let Some(root) = root.as_ref().filter(|it| !it.is_dir()) {
        let help = "make the directory first, or name another one";
        return Err(UsageError::new(format!("there is no directory {}", root.display()), help).into());
    }
    let wish = |address: &&Address| Wish {
        address: (*address).clone(),
        root: root.as_ref().map(|it| if all.len() > 1 { it.join(address.name.as_str()) } else { it.clone() }),
        image: arguments.image.clone(),
    };
    let wishes: Vec<Wish> = all.iter().map(wish).collect();
    let mut store = session.open()?;
    let (text, inherited, late) = change(&mut store, |cluster| {
        let changes = targets::add(cluster, &wishes, seconds())?;
        let mut grown = cluster.clone();
        changes.iter().for_each(|it| grown.apply(it));
        let made: Vec<_> = changes
            .iter()
            .filter_map(|it| match it {
                Change::Target(target) => Some(target.id),
                _ => None,
            })
            .collect();
        let inherited = changes.iter().any(|it| matches!(it, Change::Assign { .. }));
        let clients = made.iter().any(|it| grown.targets.get(it).is_some_and(|it| it.kind() == Kind::Client));
        let late = clients && handed_over(cluster);
        let text = if made.is_empty() { None } else { Some(view::target_names(&grown, &made)) };
        Ok((changes, (text, inherited, late)))
    })?;
    match text {
        Some(text) => session.shell.status(&format!("known now: {text}")),
        None => session.shell.status("all of that was known already"),
    }
    if inherited {
        session.shell.status("note: new clients take over what their image holds, once it is found on them");
    }
    if late {
        session.shell.status(
            "help: `opm rerun --stage post-clients --stage post-install` tells the packages of new clients",
        );
    }
    Ok(Exit::Done)
}

/// Whether a package on the head node has passed the stage in which it learns of the clients.
fn handed_over(cluster: &Cluster) -> bool {
    let servers: Vec<_> = cluster.of_kind(Kind::Server).map(|it| it.id).collect();
    cluster.all_rows().any(|(key, row)| servers.contains(&key.target) && row.current >= Stage::PostClients)
}

fn remove(session: &Session, chosen: &[Choice], force: bool) -> Result<Exit> {
    let mut store = session.open()?;
    let (text, late) = change(&mut store, |cluster| {
        let gone = choice::of_all(chosen, cluster)?;
        let changes = targets::remove(cluster, &gone, force)?;
        let gone: Vec<_> = gone.into_iter().collect();
        let is_client = |target: &Target| target.kind() == Kind::Client && gone.contains(&target.id);
        let late = cluster.targets.values().any(is_client) && handed_over(cluster);
        let text = if gone.is_empty() { None } else { Some(view::target_names(cluster, &gone)) };
        Ok((changes, (text, late)))
    })?;
    session.shell.status(&text.map_or_else(|| "there are none".to_owned(), |it| format!("forgotten: {it}")));
    if late {
        session.shell.status(
            "help: `opm rerun --stage post-clients --stage post-install` tells the packages that clients have gone",
        );
    }
    Ok(Exit::Done)
}

/// One target, as `--format json` prints it.
#[derive(Serialize)]
struct Listed {
    kind: &'static str,
    name: String,
    root: Option<String>,
    image: Option<String>,
    /// How many packages are on it.
    packages: usize,
}

fn list(session: &Session) -> Result<Exit> {
    let cluster = session.open()?.load()?;
    let mut all: Vec<&Target> = cluster.targets.values().collect();
    all.sort_by(|a, b| a.address.cmp(&b.address));
    let listed: Vec<Listed> = all.into_iter().map(|it| listed(&cluster, it)).collect();
    if session.shell.json() {
        session.shell.json_data(&listed)?;
        return Ok(Exit::Done);
    }
    for target in &listed {
        let mut line = format!("{}:{}", target.kind, target.name);
        if let Some(image) = &target.image {
            line.push_str(&format!("  image {image}"));
        }
        if let Some(root) = &target.root {
            line.push_str(&format!("  root {root}"));
        }
        session.shell.data(&format!("{line}\n"))?;
    }
    Ok(Exit::Done)
}

fn listed(cluster: &Cluster, target: &Target) -> Listed {
    let image = target.image.and_then(|it| cluster.targets.get(&it));
    Listed {
        kind: target.kind().name(),
        name: target.address.name.to_string(),
        root: target.root.as_ref().map(|it| it.display().to_string()),
        image: image.map(|it| it.address.name.to_string()),
        packages: targets::on(cluster, target.id),
    }
}
