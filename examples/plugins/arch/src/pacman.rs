//! How pacman is driven.

use opkg_sdk::package_manager::{
    Command, CommandFailure, InstallState, Installed, Offer, PackageRequest, Place,
};
use opkg_sdk::{PackageManager, PackageManagerError};

/// All that the commands start.
const PROGRAM: &str = "pacman";

/// How pacman is driven, inside the root that it is about.
pub struct Pacman;

impl PackageManager for Pacman {
    fn programs() -> Vec<String> {
        vec![PROGRAM.into(), crate::BUILD_PROGRAM.into()]
    }

    /// Of each package one version for each repository: pacman keeps no others.
    fn offers(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        reject_extra_repositories(target)?;
        if packages.is_empty() {
            return Ok(Vec::new());
        }
        // 1: one of the names is unknown.
        Ok(vec![Command { success: vec![0, 1], ..pacman_command("-Si", &[], packages, target) }])
    }

    /// In the order of the repositories, of which pacman takes the first one.
    fn parse_offers(printed: &str) -> Result<Vec<Offer>, PackageManagerError> {
        paragraphs(printed)
            .map(|paragraph| {
                Ok(Offer { name: needed(paragraph, "Name")?, version: needed(paragraph, "Version")? })
            })
            .collect()
    }

    /// Of names, or absolute paths of package files. pacman removes nothing for a package that conflicts with it:
    /// it asks, and `--noconfirm` says no.
    fn install(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        install_commands(&["--needed"], packages, target)
    }

    fn reinstall(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        install_commands(&[], packages, target)
    }

    /// With the configuration that they left; pacman refuses where others need them.
    fn remove(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        Ok(if packages.is_empty() { Vec::new() } else { vec![pacman_command("-Rn", &[], packages, target)] })
    }

    fn refresh(target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        reject_extra_repositories(target)?;
        Ok(vec![pacman_command("-Sy", &[], &[], target)])
    }

    fn query(target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        Ok(vec![pacman_command("-Qi", &[], &[], target)])
    }

    fn parse_query(printed: &str) -> Result<Vec<Installed>, PackageManagerError> {
        parse_query(printed)
    }

    fn explain(printed: &str, succeeded: bool) -> Vec<CommandFailure> {
        explain(printed, succeeded)
    }
}

fn install_commands(
    options: &[&str],
    packages: &[PackageRequest],
    target: &Place,
) -> Result<Vec<Command>, PackageManagerError> {
    reject_extra_repositories(target)?;
    let (files, names): (Vec<String>, Vec<String>) =
        packages.iter().map(spec).partition(|package| package.starts_with('/'));
    let from_files = (!files.is_empty()).then(|| pacman_command("-U", options, &files, target));
    let from_sources = (!names.is_empty()).then(|| pacman_command("-S", options, &names, target));
    Ok(from_sources.into_iter().chain(from_files).collect())
}

/// What pacman is told for a package.
fn spec(package: &PackageRequest) -> String {
    let PackageRequest { name, version } = package;
    version.as_ref().map_or_else(|| name.clone(), |version| format!("{name}={version}"))
}

/// pacman exits with 0 although an install script failed, and says so; its errors stand in lines of their own.
fn explain(printed: &str, succeeded: bool) -> Vec<CommandFailure> {
    let scripts = printed.lines().filter(|line| *line == "error: command failed to execute correctly");
    let mut failures: Vec<CommandFailure> =
        scripts.map(|_| CommandFailure::new("an install script failed")).take(1).collect();
    if !succeeded {
        let errors = printed.lines().filter_map(|line| {
            line.strip_prefix("error: ")
                .or_else(|| line.strip_prefix(":: ").filter(|it| it.contains("breaks dependency")))
        });
        failures.extend(errors.map(|text| match text.contains("unable to lock database") {
            true => CommandFailure::transient(text),
            false => CommandFailure::new(text),
        }));
    }
    failures
}

/// pacman finds a source's index by the name under which its configuration knows the source.
fn reject_extra_repositories(target: &Place) -> Result<(), PackageManagerError> {
    match target.repositories.first() {
        None => Ok(()),
        Some(source) => Err(PackageManagerError::new(format!(
            "pacman cannot be told to use `{}` for once: add it to /etc/pacman.conf in the root {}",
            source.location, target.root
        ))),
    }
}

fn pacman_command(operation: &str, options: &[&str], packages: &[String], target: &Place) -> Command {
    let mut argv = vec![PROGRAM.to_owned(), operation.into(), "--noconfirm".into()];
    argv.extend(options.iter().map(|&option| option.to_owned()));
    // What follows is never an option.
    argv.push("--".into());
    argv.extend_from_slice(packages);
    Command { in_root: target.root != "/", ..Command::new(argv) }
}

/// Paragraphs of `Field : value`, one for each package.
///
/// # Errors
/// A paragraph without a name or version, and no package at all, which no system is without.
fn parse_query(printed: &str) -> Result<Vec<Installed>, PackageManagerError> {
    let installed: Vec<Installed> = paragraphs(printed).map(parse_package).collect::<Result<_, _>>()?;
    if installed.is_empty() {
        return Err(PackageManagerError::new("pacman named no package that is installed"));
    }
    Ok(installed)
}

fn paragraphs(printed: &str) -> impl Iterator<Item = &str> {
    printed.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty())
}

/// The value of a field.
fn field(paragraph: &str, wanted: &str) -> Option<String> {
    let mut fields = paragraph.lines().filter_map(|line| line.split_once(" : "));
    fields.find(|(name, _)| name.trim() == wanted).map(|(_, value)| value.trim().to_owned())
}

/// The value of a field that each package has.
fn needed(paragraph: &str, wanted: &str) -> Result<String, PackageManagerError> {
    field(paragraph, wanted)
        .ok_or_else(|| PackageManagerError::new(format!("pacman named a package without {wanted}")))
}

fn parse_package(paragraph: &str) -> Result<Installed, PackageManagerError> {
    Ok(Installed {
        name: needed(paragraph, "Name")?,
        version: needed(paragraph, "Version")?,
        arch: needed(paragraph, "Architecture")?,
        has_scriptlets: field(paragraph, "Install Script").map(|value| value == "Yes"),
        attributes: Vec::new(),
        // pacman has no other state.
        state: InstallState::Complete,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pacman_prints() {
        let printed = "Name            : opkg-x\nVersion         : 1:2.0-1\nDescription     : a : b\n\
                       Architecture    : any\nInstall Script  : Yes\n\n\
                       Name            : bash\nVersion         : 5.2-1\nArchitecture    : x86_64\n";
        let installed = parse_query(printed).map(|all| {
            all.into_iter().map(|it| (it.name, it.version, it.arch, it.has_scriptlets)).collect::<Vec<_>>()
        });
        let expected = [("opkg-x", "1:2.0-1", "any", Some(true)), ("bash", "5.2-1", "x86_64", None)]
            .map(|(name, version, arch, has)| (name.to_owned(), version.to_owned(), arch.to_owned(), has));
        assert_eq!(installed, Ok(expected.to_vec()));
        let offered = Pacman::parse_offers(printed)
            .map(|all| all.into_iter().map(|it| (it.name, it.version)).collect::<Vec<_>>());
        assert_eq!(offered, Ok(vec![("opkg-x".into(), "1:2.0-1".into()), ("bash".into(), "5.2-1".into())]));
        assert_eq!(spec(&PackageRequest::exactly("opkg-x", "1:2.0-1")), "opkg-x=1:2.0-1");
        assert!(parse_query("error: package 'x' was not found").is_err());
        assert!(parse_query("\n").is_err(), "no system is without packages");
    }
}
