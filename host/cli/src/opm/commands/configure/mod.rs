//! `opm configure`: what a package asks, and what the administrator answers. The next run does something with it.

mod asker;
mod change;
mod editor;
mod line;
mod prompt;
mod sheet;
mod show;
mod terminal;
#[cfg(test)]
mod tests;
mod typing;

use std::io::{self, IsTerminal};

use anyhow::Result;
use opkg_oda::{Cluster, PackageId, Store, TargetId};

use crate::failure::UsageError;
use crate::opm::args::Configure;
use crate::opm::exit::Exit;
use crate::opm::session::{Session, packages};
use sheet::Desk;

/// Runs the command.
///
/// # Errors
/// When an answer does not fit, a form or file cannot be used, or the database fails.
pub fn run(session: &Session, arguments: &Configure) -> Result<Exit> {
    let mut store = session.open()?;
    let cluster = store.load()?;
    let package = one_package(&cluster, arguments)?;
    let image = image(&cluster, arguments)?;
    let mut desk = Desk::new(session, store, cluster, package);
    let given = !arguments.set.is_empty()
        || !arguments.unset.is_empty()
        || arguments.answers.is_some()
        || arguments.defaults;
    if arguments.show {
        show::show(&mut desk, image)?;
    } else if given {
        change::change(&mut desk, image, arguments)?;
    } else if io::stdin().is_terminal() && io::stderr().is_terminal() && !session.shell.json() {
        terminal::fill_in(&mut desk, image)?;
    } else {
        let name = &arguments.package;
        return Err(UsageError::new(
            "nothing is answered, and there is no terminal to ask on",
            format!(
                "`opm configure {name} --show` shows what is asked, `opm configure {name} --set NAME=VALUE` answers it"
            ),
        )
        .into());
    }
    Ok(Exit::Done)
}

fn one_package(cluster: &Cluster, arguments: &Configure) -> Result<PackageId> {
    let ids = packages(cluster, std::slice::from_ref(&arguments.package))?;
    ids.first().copied().ok_or_else(|| anyhow::anyhow!("no package is named"))
}

fn image(cluster: &Cluster, arguments: &Configure) -> Result<Option<TargetId>> {
    let Some(address) = &arguments.image else { return Ok(None) };
    let found = cluster.target(address).map(|it| Some(it.id));
    Ok(found.ok_or_else(|| {
        UsageError::new(format!("there is no {address}"), "`opm target list` lists the targets")
    })?)
}
