//! `dnf`, and `yum` where there is no dnf.

use opkg_plugin::package_manager::{Command, Place};

use crate::query::{check_names, environment};

/// The programs that these commands use.
pub const PROGRAMS: [&str; 2] = ["dnf", "yum"];

/// Installs or upgrades packages. Their signatures are checked as the system is configured to.
///
/// # Errors
/// A name is none, or no program is there that could do it.
pub fn install(packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
    run(&["install"], packages, place)
}

/// Removes packages.
///
/// # Errors
/// As [`install`].
pub fn remove(packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
    run(&["remove"], packages, place)
}

/// Reads the indexes of the package sources anew.
///
/// # Errors
/// As [`install`].
pub fn refresh(place: &Place) -> Result<Vec<Command>, String> {
    Ok([run(&["clean", "expire-cache"], &[], place)?, run(&["makecache"], &[], place)?].concat())
}

fn run(verb: &[&str], packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
    check_names(packages)?;
    let program = PROGRAMS
        .into_iter()
        .find(|program| place.available.iter().any(|available| available == program))
        .ok_or("neither dnf nor yum is installed")?;
    let mut argv = vec![program.to_owned(), "-y".to_owned()];
    if place.root != "/" {
        argv.push(format!("--installroot={}", place.root));
        if let Some(version) = &place.version {
            argv.push(format!("--releasever={version}"));
        }
    }
    if program == "yum" && !place.repositories.is_empty() {
        return Err("yum takes packages only from the sources in /etc/yum.repos.d: add them there".to_owned());
    }
    for (index, repository) in place.repositories.iter().enumerate() {
        argv.push(format!("--repofrompath=opkg-{index},{repository}"));
    }
    argv.extend(verb.iter().map(ToString::to_string));
    argv.extend_from_slice(packages);
    Ok(vec![Command { argv, env: environment(), in_root: false }])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn place(root: &str, available: &[&str]) -> Place {
        Place {
            root: root.into(),
            repositories: Vec::new(),
            version: Some("9".into()),
            arch: "x86_64".into(),
            available: available.iter().map(ToString::to_string).collect(),
        }
    }

    fn line(commands: &[Command]) -> String {
        commands.iter().map(|command| command.argv.join(" ")).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn dnf_where_it_is_and_yum_where_it_is_not() {
        let packages = ["opkg-x".to_owned()];
        let commands = install(&packages, &place("/", &["yum", "dnf"])).unwrap();
        assert_eq!(line(&commands), "dnf -y install opkg-x");
        let commands = remove(&packages, &place("/images/a", &["yum"])).unwrap();
        assert_eq!(line(&commands), "yum -y --installroot=/images/a --releasever=9 remove opkg-x");
        assert!(install(&packages, &place("/", &[])).unwrap_err().contains("neither"));
    }

    #[test]
    fn further_sources_are_given_to_dnf_alone() {
        let mut place = place("/", &["dnf"]);
        place.repositories = vec!["/srv/packages".into()];
        assert!(line(&refresh(&place).unwrap()).contains("--repofrompath=opkg-0,/srv/packages makecache"));
        place.available = vec!["yum".into()];
        assert!(refresh(&place).unwrap_err().contains("yum.repos.d"));
    }

    #[test]
    fn an_option_is_no_package() {
        assert!(install(&["--nogpgcheck".to_owned()], &place("/", &["dnf"])).is_err());
    }
}
