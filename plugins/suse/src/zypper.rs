//! `zypper`.

use opkg_rpm_family::query::{self, check_names};
use opkg_rpm_family::{BUILD_PROGRAM, failures, removal, repository};
use opkg_sdk::package_manager::{Command, Failure, Installed, Place, SideEffect, UnaskedChange};
use opkg_sdk::{PackageManager, PackageManagerError};

const PROGRAM: &str = "zypper";

/// Where it looks for package sources.
const REPOS_DIR: &str = "/etc/zypp/repos.d";

/// Exit statuses beside 0 of a change that was made: the machine or zypper itself should be started anew, or
/// a package source was passed over.
const SUCCESS_EXIT_CODES: [i32; 3] = [102, 103, 106];

/// Exit statuses of a simulation that tells nothing, as the installation will fail in the same way: an error of
/// the solver, of the transaction, and a package that does not exist.
const NO_SIMULATION_EXIT_CODES: [i32; 3] = [4, 8, 104];

/// There is no package source.
const NO_REPOS_EXIT_CODE: i32 = 6;

/// Without it, zypper cannot look for files that other packages have, and overwrites them.
const DOWNLOAD_FIRST: &str = "--download-in-advance";

/// How `zypper` is driven. It checks signatures as the system is configured to, except those of package
/// sources that need none: it has no option for single ones, so these are given to it in files.
pub struct Zypper;

impl PackageManager for Zypper {
    fn programs() -> Vec<String> {
        [PROGRAM, query::PROGRAM, BUILD_PROGRAM].map(str::to_owned).to_vec()
    }

    fn install(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let words = ["install", "--auto-agree-with-licenses", DOWNLOAD_FIRST];
        with_sources(&zypper_command(&words, packages, target, &SUCCESS_EXIT_CODES)?, target)
    }

    fn reinstall(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let words = ["install", "--auto-agree-with-licenses", DOWNLOAD_FIRST, "--force"];
        with_sources(&zypper_command(&words, packages, target, &SUCCESS_EXIT_CODES)?, target)
    }

    /// Without being asked, it replaces what a package obsoletes.
    fn simulate(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let words = ["--xmlout", "install", "--auto-agree-with-licenses", "--dry-run"];
        let success = [&SUCCESS_EXIT_CODES[..], &NO_SIMULATION_EXIT_CODES].concat();
        with_sources(&zypper_command(&words, packages, target, &success)?, target)
    }

    fn parse_simulation(printed: &str) -> Result<Vec<SideEffect>, PackageManagerError> {
        let removed = listed_packages(printed, "to-remove", UnaskedChange::Remove);
        Ok(removed.chain(listed_packages(printed, "to-downgrade", UnaskedChange::Downgrade)).collect())
    }

    fn remove(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        removal::commands(packages, target)
    }

    fn repair(packages: &[Installed], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        Ok(removal::repair_commands(packages, target))
    }

    fn refresh(target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let command = zypper_command(&["refresh"], &[], target, &[NO_REPOS_EXIT_CODE])?;
        Ok(vec![Command { files: repository::repo_files(target, REPOS_DIR)?, ..command }])
    }

    fn query(target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        Ok(query::commands(target))
    }

    fn parse_query(printed: &str) -> Result<Vec<Installed>, PackageManagerError> {
        query::parse(printed)
    }

    fn explain(printed: &str, succeeded: bool) -> Vec<Failure> {
        failures::explain(printed, succeeded)
    }
}

/// A command with the package sources that the host adds, in files, and read first: left alone, zypper looks at a source
/// again only after ten minutes.
fn with_sources(command: &Command, target: &Place) -> Result<Vec<Command>, PackageManagerError> {
    let files = repository::repo_files(target, REPOS_DIR)?;
    let names: Vec<String> = (0..files.len()).map(repository::repo_id).collect();
    let refresh =
        (!files.is_empty()).then(|| zypper_command(&["refresh"], &names, target, &[])).transpose()?;
    let commands = refresh.into_iter().chain([command.clone()]);
    Ok(commands.map(|command| Command { files: files.clone(), ..command }).collect())
}

/// The packages in an element of the summary that `--xmlout` writes. Nothing there is zypper's own but its tags: what
/// comes from packages is escaped.
fn listed_packages<'a>(
    printed: &'a str,
    element: &str,
    change: UnaskedChange,
) -> impl Iterator<Item = SideEffect> + use<'a> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let lists = printed.split(open.as_str()).skip(1).collect::<Vec<_>>();
    lists.into_iter().flat_map(move |list| {
        let list = list.split(close.as_str()).next().unwrap_or_default();
        let packages = list.split("<solvable ").skip(1).filter(|solvable| {
            solvable.split('>').next().is_some_and(|tag| tag.contains("type=\"package\""))
        });
        let names = packages.filter_map(|solvable| solvable.split_once(" name=\"")?.1.split('"').next());
        names.map(|name| SideEffect { name: name.to_owned(), change }).collect::<Vec<_>>()
    })
}

/// `success` beside 0.
fn zypper_command(
    words: &[&str],
    names: &[String],
    target: &Place,
    success: &[i32],
) -> Result<Command, PackageManagerError> {
    check_names(names)?;
    // In front of a name these ask for the opposite of the command.
    if let Some(name) = names.iter().find(|name| name.starts_with(['+', '~', '!'])) {
        return Err(PackageManagerError::new(format!("`{name}` is not the name of a package")));
    }
    let mut argv = vec![PROGRAM.to_owned(), "--non-interactive".to_owned()];
    if target.root != "/" {
        argv.extend(["--root".to_owned(), target.root.clone()]);
    }
    argv.extend(words.iter().map(ToString::to_string));
    argv.extend_from_slice(names);
    Ok(Command { success: [&[0], success].concat(), ..Command::new(argv) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use opkg_sdk::package_manager::Repository;

    fn target(root: &str, repositories: &[&str]) -> Place {
        let repository = |location: &&str| Repository { location: (*location).into(), unauthenticated: true };
        Place {
            root: root.into(),
            repositories: repositories.iter().map(repository).collect(),
            version: Some("15.6".into()),
            arch: "x86_64".into(),
            available: vec![PROGRAM.into()],
        }
    }

    fn lines(commands: Result<Vec<Command>, PackageManagerError>) -> Vec<String> {
        commands.unwrap().iter().map(|command| command.argv.join(" ")).collect()
    }

    #[test]
    fn commands() {
        let packages = ["opkg-x".to_owned()];
        assert_eq!(
            lines(Zypper::install(&packages, &target("/", &[]))),
            ["zypper --non-interactive install --auto-agree-with-licenses --download-in-advance opkg-x"]
        );
        assert_eq!(
            lines(Zypper::reinstall(&packages, &target("/", &[]))),
            [
                "zypper --non-interactive install --auto-agree-with-licenses --download-in-advance --force opkg-x"
            ]
        );
        assert_eq!(
            lines(Zypper::simulate(&packages, &target("/", &[]))),
            ["zypper --non-interactive --xmlout install --auto-agree-with-licenses --dry-run opkg-x"]
        );
        assert_eq!(
            lines(Zypper::remove(&packages, &target("/images/a", &[]))),
            ["rpm --root /images/a -e --allmatches opkg-x"]
        );
        assert_eq!(lines(Zypper::refresh(&target("/", &[]))), ["zypper --non-interactive refresh"]);
    }

    #[test]
    fn further_sources_are_files_and_read_anew() {
        let commands = Zypper::install(&["opkg-x".to_owned()], &target("/images/a", &["/a", "/b"])).unwrap();
        for command in &commands {
            let paths: Vec<&str> = command.files.iter().map(|file| file.path.as_str()).collect();
            assert_eq!(paths, ["/etc/zypp/repos.d/opkg-0.repo", "/etc/zypp/repos.d/opkg-1.repo"]);
            assert!(command.files[1].contents.contains("baseurl=file:///b\n"));
            assert!(command.files[1].contents.contains("gpgcheck=0\n"));
        }
        assert_eq!(
            lines(Ok(commands)),
            [
                "zypper --non-interactive --root /images/a refresh opkg-0 opkg-1",
                "zypper --non-interactive --root /images/a install --auto-agree-with-licenses --download-in-advance opkg-x"
            ]
        );
    }

    #[test]
    fn what_means_something_else_is_no_package() {
        for name in ["--no-gpg-checks", "-x", "+x", "~x", "!x", ""] {
            assert!(Zypper::install(&[name.to_owned()], &target("/", &[])).is_err(), "{name:?}");
        }
    }
}
