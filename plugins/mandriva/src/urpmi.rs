//! `urpmi` and its companions. OpenMandriva has `dnf` in their place, Mageia has both.

use opkg_rpm_family::query::{self, check_names};
use opkg_rpm_family::{Dnf, failures, removal};
use opkg_sdk::package_manager::{
    Command, CommandFailure, Installed, Offer, PackageRequest, Place, SideEffect,
};
use opkg_sdk::{PackageManager, PackageManagerError, last_answer};

const PROGRAMS: [&str; 2] = ["urpmi", "urpmi.update"];

/// How `urpmi` is driven. Where it is missing, and for package sources that its configuration does not name,
/// `dnf` is.
pub struct Urpmi;

impl PackageManager for Urpmi {
    fn programs() -> Vec<String> {
        PROGRAMS.into_iter().map(str::to_owned).chain(Dnf::programs()).collect()
    }

    /// urpmi has the newest one of each medium in mind, and tells of that for people.
    fn offers(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        if uses_urpmi(target) { Ok(Vec::new()) } else { Dnf::offers(packages, target) }
    }

    fn parse_offers(printed: &[String]) -> Result<Vec<Offer>, PackageManagerError> {
        Dnf::parse_offers(printed)
    }

    fn install(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        match uses_urpmi(target) {
            true => install_command(&[], packages, target),
            false => Dnf::install(packages, target),
        }
    }

    fn reinstall(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        match uses_urpmi(target) {
            true => install_command(&["--replacepkgs"], packages, target),
            false => Dnf::reinstall(packages, target),
        }
    }

    /// urpmi refuses by itself to remove anything.
    fn simulate(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        if uses_urpmi(target) { Ok(Vec::new()) } else { Dnf::simulate(packages, target) }
    }

    fn parse_simulation(printed: &[String]) -> Result<Vec<SideEffect>, PackageManagerError> {
        Dnf::parse_simulation(printed)
    }

    fn remove(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        removal::commands(packages, target)
    }

    fn repair(packages: &[Installed], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        Ok(removal::repair_commands(packages, target))
    }

    fn refresh(target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        match uses_urpmi(target) {
            true => urpmi_command(
                &["urpmi.update", "-a"],
                "--urpmi-root",
                &[],
                reject_extra_repositories(target)?,
            ),
            false => Dnf::refresh(target),
        }
    }

    fn query(target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        Ok(query::commands(target))
    }

    fn parse_query(printed: &[String]) -> Result<Vec<Installed>, PackageManagerError> {
        query::parse(last_answer(printed))
    }

    fn explain(printed: &str, succeeded: bool) -> Vec<CommandFailure> {
        failures::explain(printed, succeeded)
    }
}

fn install_command(
    options: &[&str],
    packages: &[PackageRequest],
    target: &Place,
) -> Result<Vec<Command>, PackageManagerError> {
    // -P: what merely provides a name is no package of that name.
    let words = [&["urpmi", "--auto", "--no-uninstall", "-P"], options].concat();
    urpmi_command(&words, "--root", &names(packages)?, reject_extra_repositories(target)?)
}

/// Nobody can know which version to ask for, see [`Urpmi::offers`].
fn names(packages: &[PackageRequest]) -> Result<Vec<String>, PackageManagerError> {
    let name = |package: &PackageRequest| match &package.version {
        None => Ok(package.name.clone()),
        Some(version) => {
            let name = &package.name;
            Err(PackageManagerError::new(format!("urpmi cannot be asked for version {version} of {name}")))
        }
    };
    packages.iter().map(name).collect()
}

fn is_available(program: &str, target: &Place) -> bool {
    target.available.iter().any(|available| available == program)
}

/// Only dnf can be told of further package sources.
fn uses_urpmi(target: &Place) -> bool {
    let needs_dnf = !target.repositories.is_empty() && is_available("dnf", target);
    is_available("urpmi", target) && !needs_dnf
}

/// urpmi can be told of no medium for once, and whether signatures matter only for all media at once.
fn reject_extra_repositories(target: &Place) -> Result<&Place, PackageManagerError> {
    match target.repositories.first() {
        None => Ok(target),
        Some(source) => Err(PackageManagerError::new(format!(
            "urpmi takes packages only from its configured media: install dnf there, or add this one with \
             `urpmi.addmedia NAME {}`",
            source.location
        ))),
    }
}

fn urpmi_command(
    words: &[&str],
    root: &str,
    packages: &[String],
    target: &Place,
) -> Result<Vec<Command>, PackageManagerError> {
    check_names(packages)?;
    let mut argv: Vec<String> = words.iter().map(ToString::to_string).collect();
    if target.root != "/" {
        argv.extend([root.to_owned(), target.root.clone()]);
    }
    argv.extend_from_slice(packages);
    Ok(vec![Command::new(argv)])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use opkg_sdk::package_manager::Repository;

    fn target(available: &[&str]) -> Place {
        Place {
            root: "/images/a".into(),
            repositories: Vec::new(),
            version: None,
            arch: "x86_64".into(),
            available: available.iter().map(ToString::to_string).collect(),
            attributes: Vec::new(),
        }
    }

    #[test]
    fn commands() {
        let packages = [PackageRequest::newest("opkg-x")];
        let target = target(&["urpmi", "dnf"]);
        let first = |commands: Result<Vec<Command>, PackageManagerError>| commands.unwrap()[0].argv.join(" ");
        assert_eq!(
            first(Urpmi::install(&packages, &target)),
            "urpmi --auto --no-uninstall -P --root /images/a opkg-x"
        );
        assert_eq!(
            first(Urpmi::reinstall(&packages, &target)),
            "urpmi --auto --no-uninstall -P --replacepkgs --root /images/a opkg-x"
        );
        assert_eq!(
            first(Urpmi::remove(&["opkg-x".to_owned()], &target)),
            "rpm --root /images/a -e --allmatches opkg-x"
        );
        assert!(Urpmi::offers(&["opkg-x".to_owned()], &target).unwrap().is_empty());
        assert!(Urpmi::install(&[PackageRequest::exactly("opkg-x", "1-1")], &target).is_err());
        assert_eq!(first(Urpmi::refresh(&target)), "urpmi.update -a --urpmi-root /images/a");
    }

    #[test]
    fn further_sources_are_for_dnf() {
        let repositories = vec![Repository {
            location: "/srv".into(),
            name: None,
            unauthenticated: true,
            attributes: Vec::new(),
        }];
        let both = Place { repositories: repositories.clone(), ..target(&["urpmi", "dnf"]) };
        assert_eq!(Urpmi::install(&[PackageRequest::newest("x")], &both).unwrap()[0].argv[0], "dnf");
        assert_eq!(Urpmi::refresh(&both).unwrap()[0].argv[0], "dnf");
        let alone = Place { repositories, ..target(&["urpmi"]) };
        assert!(
            Urpmi::install(&[PackageRequest::newest("x")], &alone)
                .unwrap_err()
                .to_string()
                .contains("urpmi.addmedia")
        );
    }
}
