//! `opm configure`: what a package asks, and what the administrator answers. The next run does something with it.

mod apply_answers;
mod editor;
mod form_editor;
mod form_session;
mod line_editor;
mod line_prompt;
mod prompter;
mod show;
mod terminal_prompter;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal};

use opkg_engine::operations::find_packages;
use opkg_oda::{Cluster, PackageId, TargetId};
use opkg_shell::UsageError;

use crate::args::ConfigureArgs;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::Session;
use form_session::FormSession;

/// Runs the command.
///
/// # Errors
/// When an answer does not fit, a form or file cannot be used, or the database fails.
pub fn run(session: &Session, arguments: &ConfigureArgs) -> Result<ExitStatus, CliError> {
    let mut store = session.open_store()?;
    let cluster = store.load()?;
    let package = resolve_package(&cluster, arguments)?;
    let image = resolve_image(&cluster, arguments)?;
    let mut forms = FormSession::new(session, store, cluster, package);
    let given = !arguments.set.is_empty()
        || !arguments.unset.is_empty()
        || arguments.answers.is_some()
        || arguments.defaults;
    if arguments.show {
        show::print_form(&mut forms, image)?;
    } else if given {
        apply_answers::apply_changes(&mut forms, image, arguments)?;
    } else if io::stdin().is_terminal() && io::stderr().is_terminal() && !session.shell.is_json() {
        form_editor::edit_form(&mut forms, image)?;
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
    Ok(ExitStatus::Success)
}

fn resolve_package(cluster: &Cluster, arguments: &ConfigureArgs) -> Result<PackageId, CliError> {
    let ids = find_packages(cluster, std::slice::from_ref(&arguments.package))?;
    ids.first().copied().ok_or_else(|| CliError::new("no package is named"))
}

fn resolve_image(cluster: &Cluster, arguments: &ConfigureArgs) -> Result<Option<TargetId>, CliError> {
    let Some(address) = &arguments.image else { return Ok(None) };
    let found = cluster.find_target(address).map(|it| Some(it.id));
    Ok(found.ok_or_else(|| {
        UsageError::new(format!("there is no {address}"), "`opm target list` lists the targets")
    })?)
}
