//! `urpmi` and its companions. OpenMandriva has `dnf` in their place, Mageia has both.

use opkg_plugin::PackageManager;
use opkg_plugin::package_manager::{Command, Installed, Place};
use opkg_rpm_family::Dnf;
use opkg_rpm_family::query::{self, check_names};

const PROGRAMS: [&str; 3] = ["urpmi", "urpme", "urpmi.update"];

/// How `urpmi` is driven. Where it is missing, and for package sources that its configuration does not name,
/// `dnf` is.
pub struct Urpmi;

impl PackageManager for Urpmi {
    fn programs() -> Vec<String> {
        PROGRAMS.into_iter().map(str::to_owned).chain(Dnf::programs()).collect()
    }

    fn install(packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
        match is_there("urpmi", place) && !is_for_dnf(place) {
            true => run(&["urpmi", "--auto"], "--root", packages, sources_known(place)?),
            false => Dnf::install(packages, place),
        }
    }

    fn remove(packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
        match is_there("urpmi", place) {
            true => run(&["urpme", "--auto"], "--root", packages, place),
            false => Dnf::remove(packages, place),
        }
    }

    fn refresh(place: &Place) -> Result<Vec<Command>, String> {
        match is_there("urpmi", place) && !is_for_dnf(place) {
            true => run(&["urpmi.update", "-a"], "--urpmi-root", &[], sources_known(place)?),
            false => Dnf::refresh(place),
        }
    }

    fn query(packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
        query::command(packages, place)
    }

    fn parse_query(printed: &str) -> Result<Vec<Installed>, String> {
        query::parse(printed)
    }
}

fn is_there(program: &str, place: &Place) -> bool {
    place.available.iter().any(|available| available == program)
}

fn is_for_dnf(place: &Place) -> bool {
    !place.repositories.is_empty() && is_there("dnf", place)
}

/// urpmi can be told of no medium for once, and whether signatures matter only for all media at once.
fn sources_known(place: &Place) -> Result<&Place, String> {
    match place.repositories.first() {
        None => Ok(place),
        Some(source) => Err(format!(
            "urpmi takes packages only from its configured media: install dnf there, or add this one with \
             `urpmi.addmedia NAME {}`",
            source.location
        )),
    }
}

fn run(words: &[&str], root: &str, packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
    check_names(packages)?;
    let mut argv: Vec<String> = words.iter().map(ToString::to_string).collect();
    if place.root != "/" {
        argv.extend([root.to_owned(), place.root.clone()]);
    }
    argv.extend_from_slice(packages);
    Ok(vec![Command::new(argv)])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use opkg_plugin::package_manager::Repository;

    fn place(available: &[&str]) -> Place {
        Place {
            root: "/images/a".into(),
            repositories: Vec::new(),
            version: None,
            arch: "x86_64".into(),
            available: available.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn commands() {
        let packages = ["opkg-x".to_owned()];
        let place = place(&["urpmi", "dnf"]);
        let first = |commands: Result<Vec<Command>, String>| commands.unwrap()[0].argv.join(" ");
        assert_eq!(first(Urpmi::install(&packages, &place)), "urpmi --auto --root /images/a opkg-x");
        assert_eq!(first(Urpmi::remove(&packages, &place)), "urpme --auto --root /images/a opkg-x");
        assert_eq!(first(Urpmi::refresh(&place)), "urpmi.update -a --urpmi-root /images/a");
    }

    #[test]
    fn further_sources_are_for_dnf() {
        let repositories = vec![Repository { location: "/srv".into(), unauthenticated: true }];
        let both = Place { repositories: repositories.clone(), ..place(&["urpmi", "dnf"]) };
        assert_eq!(Urpmi::install(&["x".to_owned()], &both).unwrap()[0].argv[0], "dnf");
        assert_eq!(Urpmi::refresh(&both).unwrap()[0].argv[0], "dnf");
        let alone = Place { repositories, ..place(&["urpmi"]) };
        assert!(Urpmi::install(&["x".to_owned()], &alone).unwrap_err().contains("urpmi.addmedia"));
    }
}
