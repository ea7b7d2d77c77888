//! `opm package`: the packages that the database knows.

use std::path::{Path, PathBuf};

use opkg::Settings;
use opkg::diagnostic::Severity;
use opkg_engine::machine::DependencyOrder;
use opkg_engine::operations::{self, transact};
use opkg_engine::packages::{
    PackageMetadata, bare_names, check_name, metadata_changes, unresolved_requirements,
};
use opkg_oda::{Change, PackageName};
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
        PackageCommand::Remove { packages } => remove_packages(session, packages),
    }
}

fn add_packages(session: &Session, directories: &[PathBuf]) -> Result<ExitStatus, CliError> {
    let read = |directory: &PathBuf| read_description(session, directory);
    let descriptions: Vec<PackageMetadata> = directories.iter().map(read).collect::<Result<_, CliError>>()?;
    let mut store = session.open_store()?;
    let bare = bare_names(&store.load_overview()?, &descriptions)
        .into_iter()
        .map(|(package, name)| {
            format!(
                "warning: {package} requires `{name}`, which is no package of an OPKG\n  help: write `opkg-{name}` in its \
                 config.xml if the OPKG {name} is meant"
            )
        })
        .collect::<Vec<String>>();
    for warning in &bare {
        session.shell.eprint(warning);
    }
    let text = transact::<_, CliError>(&mut *store, |cluster| {
        let known = cluster.packages.values().map(|package| &package.name);
        let named = descriptions.iter().map(|description| &description.name);
        for name in named.clone() {
            check_name(name, known.clone().chain(named.clone()))?;
        }
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
        let unresolved: Vec<String> = unresolved_requirements(&grown)
            .into_iter()
            .filter(|(package, _)| named.clone().any(|name| name == *package))
            .map(|(package, required)| {
                format!(
                    "note: {package} requires {required}, of an OPKG that is not known yet: `opm package add DIR` \
                     makes it known"
                )
            })
            .collect();
        Ok((changes, (text, unresolved)))
    })?;
    let (text, unresolved) = text;
    for line in unresolved {
        session.shell.status(&line);
    }
    session.shell.status(&match text {
        Some(text) => format!("added: {text}"),
        None => "nothing to add".into(),
    });
    Ok(ExitStatus::Success)
}

fn remove_packages(session: &Session, names: &[PackageName]) -> Result<ExitStatus, CliError> {
    let count = operations::forget::<CliError>(session.open_store()?.as_mut(), names)?;
    session.shell.status(&format!("forgotten: {}", view::plural(count, "package")));
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
    /// Whether it is kept at its version.
    held: bool,
    /// The version that was asked for.
    pinned: Option<&'a str>,
}

fn list_packages(session: &Session) -> Result<ExitStatus, CliError> {
    let cluster = session.open_reader()?.load_overview()?;
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
            held: cluster.held.contains(&package.id),
            pinned: cluster.pinned_versions.get(&package.id).map(String::as_str),
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
        if package.held {
            line.push_str("  held");
        }
        session.shell.print(&format!("{}\n", opkg::escape_line(&line)))?;
    }
    Ok(ExitStatus::Success)
}
