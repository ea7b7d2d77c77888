//! `zypper`.

use opkg_rpm_family::query::{self, check_names};
use opkg_rpm_family::repository;
use opkg_sdk::package_manager::{Command, Installed, Place};
use opkg_sdk::{PackageManager, PackageManagerError};

const PROGRAM: &str = "zypper";

/// Where it looks for package sources.
const REPOS_DIR: &str = "/etc/zypp/repos.d";

/// Exit statuses beside 0 of a change that was made: the machine or zypper itself should be started anew, or
/// a package source was passed over.
const SUCCESS_EXIT_CODES: [i32; 3] = [102, 103, 106];

/// There is no package source.
const NO_REPOS_EXIT_CODE: i32 = 6;

/// How `zypper` is driven. It checks signatures as the system is configured to, except those of package
/// sources that need none: it has no option for single ones, so these are given to it in files.
pub struct Zypper;

impl PackageManager for Zypper {
    fn programs() -> Vec<String> {
        [PROGRAM, query::PROGRAM].map(str::to_owned).to_vec()
    }

    fn install(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let files = repository::repo_files(target, REPOS_DIR)?;
        let names: Vec<String> = (0..files.len()).map(repository::repo_id).collect();
        let words = ["install", "--auto-agree-with-licenses"].map(str::to_owned);
        let install = zypper_command(&words, packages, target, &SUCCESS_EXIT_CODES)?;
        // Left alone, zypper looks at a source again only after ten minutes.
        let refresh = (!files.is_empty())
            .then(|| zypper_command(&["refresh".to_owned()], &names, target, &[]))
            .transpose()?;
        let commands = refresh.into_iter().chain([install]);
        Ok(commands.map(|command| Command { files: files.clone(), ..command }).collect())
    }

    fn remove(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        Ok(vec![zypper_command(&["remove".to_owned()], packages, target, &SUCCESS_EXIT_CODES)?])
    }

    fn refresh(target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let command = zypper_command(&["refresh".to_owned()], &[], target, &[NO_REPOS_EXIT_CODE])?;
        Ok(vec![Command { files: repository::repo_files(target, REPOS_DIR)?, ..command }])
    }

    fn query(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        query::command(packages, target)
    }

    fn parse_query(printed: &str) -> Result<Vec<Installed>, PackageManagerError> {
        query::parse(printed)
    }
}

/// `success` beside 0.
fn zypper_command(
    words: &[String],
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
    argv.extend_from_slice(words);
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
            ["zypper --non-interactive install --auto-agree-with-licenses opkg-x"]
        );
        assert_eq!(
            lines(Zypper::remove(&packages, &target("/images/a", &[]))),
            ["zypper --non-interactive --root /images/a remove opkg-x"]
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
                "zypper --non-interactive --root /images/a install --auto-agree-with-licenses opkg-x"
            ]
        );
    }

    #[test]
    fn what_means_something_else_is_no_package() {
        for name in ["--no-gpg-checks", "-x", "+x", "~x", "!x", ""] {
            assert!(Zypper::remove(&[name.to_owned()], &target("/", &[])).is_err(), "{name:?}");
        }
    }
}
