//! `opm package`: the packages that the database knows.

use std::path::{Path, PathBuf};

use anyhow::Result;
use opkg::Settings;
use opkg::diagnostic::Severity;
use opkg::model::{Class as Written, Kind, Opkg, Scope};
use opkg_oda::{Change, Class, Store};
use opkg_opm::machine::Order;
use opkg_opm::packages::{Description, describe, opkg_of};
use serde::Serialize;

use crate::failure::UsageError;
use crate::opm::args::PackageCommand;
use crate::opm::exit::Exit;
use crate::opm::session::{Session, change};
use crate::opm::view;
use crate::render;

/// Runs the command.
///
/// # Errors
/// When a directory is no OPKG, or the database fails.
pub fn run(session: &Session, command: &PackageCommand) -> Result<Exit> {
    match command {
        PackageCommand::Add { directories } => add(session, directories),
        PackageCommand::List => list(session),
    }
}

fn add(session: &Session, directories: &[PathBuf]) -> Result<Exit> {
    let read = |directory: &PathBuf| read(session, directory);
    let descriptions: Vec<Description> = directories.iter().map(read).collect::<Result<_>>()?;
    let mut store = session.open()?;
    let text = change(&mut store, |cluster| {
        let changes = describe(cluster, &descriptions);
        let mut grown = cluster.clone();
        changes.iter().for_each(|it| grown.apply(it));
        let made: Vec<_> = changes
            .iter()
            .filter_map(|it| match it {
                Change::Package(package) => Some(package.id),
                _ => None,
            })
            .collect();
        let text = if made.is_empty() { None } else { Some(view::packages(&grown, &made)) };
        Ok((changes, text))
    })?;
    session.shell.status(&match text {
        Some(text) => format!("known now: {text}"),
        None => "all of that was known already".into(),
    });
    Ok(Exit::Done)
}

/// What an OPKG says of itself. Everything that is wrong with it is shown.
fn read(session: &Session, directory: &Path) -> Result<Description> {
    let loaded = opkg::load(directory, &Settings::default());
    let Some(opkg) = &loaded.opkg else {
        let errors: Vec<_> =
            loaded.diagnostics.iter().filter(|it| it.severity == Severity::Error).cloned().collect();
        let renderer = session.shell.renderer(false);
        let text = render::diagnostics(&renderer, directory, loaded.source.as_ref(), &errors);
        session.shell.message(text.trim_end());
        let message = format!("{} is no OPKG without errors", directory.display());
        let help = format!("`opkgc check {}` shows all that is wrong with it", directory.display());
        return Err(UsageError::new(message, help).into());
    };
    Ok(description(opkg)?)
}

fn description(opkg: &Opkg) -> Result<Description, opkg_oda::Invalid> {
    let class = match opkg.class {
        Written::Core => Class::Core,
        Written::Base => Class::Base,
        Written::Included => Class::Included,
        Written::ThirdParty => Class::ThirdParty,
    };
    // What the package as a whole requires may carry the bare name of an OPKG; a part requires native packages.
    let required = opkg.relations.iter().filter(|it| it.kind == Kind::Requires);
    let requires = required
        .filter(|it| it.scope == Scope::Whole || opkg_of(&it.name).is_some())
        .map(|it| it.name.clone())
        .collect();
    let version = opkg.version().map(ToString::to_string);
    Ok(Description { name: opkg.name.parse()?, class, version, requires })
}

/// One package, as `--format json` prints it.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    class: &'static str,
    version: Option<&'a str>,
    needs: Vec<&'a str>,
    /// What its configurator waits for.
    awaits: Option<&'a str>,
}

fn list(session: &Session) -> Result<Exit> {
    let cluster = session.open()?.load()?;
    let order = Order::new(&cluster.packages);
    let sorted = order.sequence().iter().filter_map(|it| cluster.packages.get(it));
    let listed: Vec<Listed<'_>> = sorted
        .map(|it| Listed {
            name: it.name.as_str(),
            class: it.class.name(),
            version: it.version.as_deref(),
            needs: it
                .needs
                .iter()
                .filter_map(|it| cluster.packages.get(it))
                .map(|it| it.name.as_str())
                .collect(),
            awaits: it.awaits.as_deref(),
        })
        .collect();
    if session.shell.json() {
        session.shell.json_data(&listed)?;
        return Ok(Exit::Done);
    }
    let width = listed.iter().map(|it| it.name.len()).max().unwrap_or(0);
    for package in &listed {
        let mut line =
            format!("{:width$}  {:11}  {}", package.name, package.class, package.version.unwrap_or("-"));
        if !package.needs.is_empty() {
            line.push_str(&format!("  needs {}", package.needs.join(", ")));
        }
        session.shell.data(&format!("{line}\n"))?;
    }
    Ok(Exit::Done)
}
