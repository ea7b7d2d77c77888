//! `zypper`.

use opkg_plugin::package_manager::{Command, Place};
use opkg_rpm_family::query::{check_names, environment};

/// The program that these commands use.
pub const PROGRAM: &str = "zypper";

/// Installs or upgrades packages. Their signatures are checked as the system is configured to.
pub fn install(packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
    run(&["install", "--auto-agree-with-licenses"], packages, place)
}

/// Removes packages.
pub fn remove(packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
    run(&["remove"], packages, place)
}

/// Reads the indexes of the package sources anew.
pub fn refresh(place: &Place) -> Result<Vec<Command>, String> {
    run(&["refresh"], &[], place)
}

fn run(verb: &[&str], packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
    check_names(packages)?;
    // In front of a name these ask for the opposite of the command.
    if let Some(name) = packages.iter().find(|name| name.starts_with(['+', '~', '!'])) {
        return Err(format!("`{name}` is not the name of a package"));
    }
    let mut argv = vec![PROGRAM.to_owned(), "--non-interactive".to_owned()];
    if place.root != "/" {
        argv.extend(["--root".to_owned(), place.root.clone()]);
    }
    for repository in &place.repositories {
        argv.extend(["--plus-repo".to_owned(), repository.clone()]);
    }
    argv.extend(verb.iter().map(ToString::to_string));
    argv.extend_from_slice(packages);
    Ok(vec![Command { argv, env: environment(), in_root: false }])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn place(root: &str, repositories: &[&str]) -> Place {
        Place {
            root: root.into(),
            repositories: repositories.iter().map(ToString::to_string).collect(),
            version: Some("15.6".into()),
            arch: "x86_64".into(),
            available: vec![PROGRAM.into()],
        }
    }

    fn line(commands: Result<Vec<Command>, String>) -> String {
        commands.unwrap().iter().map(|command| command.argv.join(" ")).collect()
    }

    #[test]
    fn commands() {
        let packages = ["opkg-x".to_owned()];
        assert_eq!(
            line(install(&packages, &place("/", &[]))),
            "zypper --non-interactive install --auto-agree-with-licenses opkg-x"
        );
        assert_eq!(
            line(remove(&packages, &place("/images/a", &[]))),
            "zypper --non-interactive --root /images/a remove opkg-x"
        );
        assert_eq!(
            line(refresh(&place("/", &["/srv/packages"]))),
            "zypper --non-interactive --plus-repo /srv/packages refresh"
        );
    }

    #[test]
    fn what_means_something_else_is_no_package() {
        for name in ["--no-gpg-checks", "-x", "+x", "~x", "!x", ""] {
            assert!(remove(&[name.to_owned()], &place("/", &[])).is_err(), "{name:?}");
        }
    }
}
