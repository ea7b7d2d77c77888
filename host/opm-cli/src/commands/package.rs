//! `opm package`: the packages that the database knows.

use std::path::{Path, PathBuf};

use opkg::Settings;
use opkg::diagnostic::Severity;
use opkg_engine::machine::DependencyOrder;
use opkg_engine::operations::transact;
use opkg_engine::packages::{PackageMetadata, metadata_changes};
use opkg_oda::{Change, Store};
use opkg_shell::{UsageError, diagnostics};
use serde::Serialize;

use crate::args::PackageCommand;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::Session;
use crate::view;

/// Runs the command.
///
/// # Errors
/// When a directory is no OPKG, or the database fails.
pub fn run(session: &Session, command: &PackageCommand) -> Result<ExitStatus, CliError> {
    match command {
        PackageCommand::Add { directories } => add_packages(session, directories),
        PackageCommand::List => list_packages(session),
    }
}

fn add_packages(session: &Session, directories: &[PathBuf]) -> Result<ExitStatus, CliError> {
    let read = |directory: &PathBuf| read_description(session, directory);
    let descriptions: Vec<PackageMetadata> = directories.iter().map(read).collect::<Result<_, CliError>>()?;
    let mut store = session.open_store()?;
    let text = transact::<_, CliError>(&mut store, |cluster| {
        let changes = metadata_changes(cluster, &descriptions);
        let mut grown = cluster.clone();
        changes.iter().for_each(|change| grown.apply(change));
        let made: Vec<_> = changes
            .iter()
            .filter_map(|change| match change {
                Change::PutPackage(package) => Some(package.id),
                _ => None,
            })
            .collect();
        let text = if made.is_empty() { None } else { Some(view::package_list(&grown, &made)) };
        Ok((changes, text))
    })?;
    session.shell.status(&match text {
        Some(text) => format!("added: {text}"),
        None => "nothing to add".into(),
    });
    Ok(ExitStatus::Success)
}

/// What an OPKG says of itself. Everything that is wrong with it is shown.
fn read_description(session: &Session, directory: &Path) -> Result<PackageMetadata, CliError> {
    let loaded = opkg::load(directory, &Settings::default());
    let Some(opkg) = &loaded.opkg else {
        let errors: Vec<_> =
            loaded.diagnostics.iter().filter(|it| it.severity == Severity::Error).cloned().collect();
        let renderer = session.shell.renderer(false);
        let text = diagnostics::render_diagnostics(&renderer, directory, loaded.source.as_ref(), &errors);
        session.shell.eprint(text.trim_end());
        let message = format!("{} is no OPKG without errors", directory.display());
        let help = format!("`opkgc check {}` shows all that is wrong with it", directory.display());
        return Err(UsageError::new(message, help).into());
    };
    Ok(PackageMetadata::of_opkg(opkg, None)?)
}

/// One package, as `--format json` prints it.
#[derive(Serialize)]
struct PackageJson<'a> {
    name: &'a str,
    class: &'static str,
    version: Option<&'a str>,
    needs: Vec<&'a str>,
    /// What its configurator waits for.
    awaits: Option<&'a str>,
}

fn list_packages(session: &Session) -> Result<ExitStatus, CliError> {
    let cluster = session.open_store()?.load()?;
    let order = DependencyOrder::new(&cluster.packages);
    let sorted = order.sequence().iter().filter_map(|id| cluster.packages.get(id));
    let listed: Vec<PackageJson<'_>> = sorted
        .map(|package| PackageJson {
            name: package.name.as_str(),
            class: package.class.name(),
            version: package.version.as_deref(),
            needs: package
                .dependencies
                .iter()
                .filter_map(|id| cluster.packages.get(id))
                .map(|dependency| dependency.name.as_str())
                .collect(),
            awaits: package.waiting_for.as_deref(),
        })
        .collect();
    if session.shell.is_json() {
        session.shell.print_json(&listed)?;
        return Ok(ExitStatus::Success);
    }
    let width = listed.iter().map(|package| package.name.len()).max().unwrap_or(0);
    for package in &listed {
        let mut line =
            format!("{:width$}  {:11}  {}", package.name, package.class, package.version.unwrap_or("-"));
        if !package.needs.is_empty() {
            line.push_str(&format!("  needs {}", package.needs.join(", ")));
        }
        session.shell.print(&format!("{line}\n"))?;
    }
    Ok(ExitStatus::Success)
}
