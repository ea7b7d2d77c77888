//! `urpmi` and its companions; OpenMandriva has `dnf` in their place.

use opkg_plugin::package_manager::{Command, Place};
use opkg_rpm_family::query::{check_names, environment};

/// The programs that these commands use.
pub const PROGRAMS: [&str; 3] = ["urpmi", "urpme", "urpmi.update"];

/// Whether it is there.
pub fn serves(place: &Place) -> bool {
    place.available.iter().any(|program| program == "urpmi")
}

/// Installs or upgrades packages.
pub fn install(packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
    run(&["urpmi", "--auto"], packages, place)
}

/// Removes packages.
pub fn remove(packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
    run(&["urpme", "--auto"], packages, place)
}

/// Reads the indexes of the package sources anew.
pub fn refresh(place: &Place) -> Result<Vec<Command>, String> {
    run(&["urpmi.update", "-a"], &[], place)
}

fn run(program: &[&str], packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
    check_names(packages)?;
    if let Some(repository) = place.repositories.first() {
        return Err(format!(
            "urpmi takes packages only from its configured media: add this one with \
             `urpmi.addmedia NAME {repository}`"
        ));
    }
    let mut argv: Vec<String> = program.iter().map(ToString::to_string).collect();
    if place.root != "/" {
        let option = if program[0] == "urpmi.update" { "--urpmi-root" } else { "--root" };
        argv.extend([option.to_owned(), place.root.clone()]);
    }
    argv.extend_from_slice(packages);
    Ok(vec![Command { argv, env: environment(), in_root: false }])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        let place = Place {
            root: "/images/a".into(),
            repositories: Vec::new(),
            version: None,
            arch: "x86_64".into(),
            available: vec!["urpmi".into()],
        };
        let commands = install(&["opkg-x".to_owned()], &place).unwrap();
        assert_eq!(commands[0].argv, ["urpmi", "--auto", "--root", "/images/a", "opkg-x"]);
        let commands = refresh(&place).unwrap();
        assert_eq!(commands[0].argv, ["urpmi.update", "-a", "--urpmi-root", "/images/a"]);
        let with_source = Place { repositories: vec!["/srv".into()], ..place };
        assert!(install(&[], &with_source).unwrap_err().contains("urpmi.addmedia"));
    }
}
