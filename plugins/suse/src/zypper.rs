//! `zypper`.

use opkg_rpm_family::query::{self, check_names};
use opkg_rpm_family::{BUILD_PROGRAM, failures, offers, removal, repository};
use opkg_sdk::package_manager::{
    Command, CommandFailure, Installed, Offer, PackageRequest, Place, SideEffect, SideEffectKind,
};
use opkg_sdk::{PackageManager, PackageManagerError, last_answer};

const PROGRAM: &str = "zypper";

/// Where it looks for package sources.
const REPOS_DIR: &str = "/etc/zypp/repos.d";

/// Exit statuses beside 0 of a change that was made: the machine or zypper itself should be started anew, or
/// a package source was passed over.
const SUCCESS_EXIT_CODES: [i32; 3] = [102, 103, 106];

/// Exit statuses of a simulation that tells nothing, as the installation will fail in the same way: an error of
/// the solver, of the transaction, and a package that does not exist.
const NO_SIMULATION_EXIT_CODES: [i32; 3] = [4, 8, 104];

/// Of a search: nothing was found.
const NOTHING_FOUND_EXIT_CODE: i32 = 104;

/// What the source of a package is called that is installed and in no package source.
const INSTALLED: &str = "(System Packages)";

/// There is no package source.
const NO_REPOS_EXIT_CODE: i32 = 6;

/// Marks of a simulation that came to an end: what it would do, what is missing, or a question about what cannot be
/// resolved.
const SIMULATION_MARKS: [&str; 3] = ["<install-summary", "<message type=\"error\">", "<prompt "];

/// Without it, zypper takes for a name that no package source has whatever provides it.
const BY_NAME: &str = "--name";

/// Without it, zypper cannot look for files that other packages have, and overwrites them.
const DOWNLOAD_FIRST: &str = "--download-in-advance";

/// How `zypper` is driven. It checks signatures as the system is configured to, except those of package
/// sources that need none: it has no option for single ones, so these are given to it in files.
pub struct Zypper;

impl PackageManager for Zypper {
    fn programs() -> Vec<String> {
        [PROGRAM, query::PROGRAM, BUILD_PROGRAM].map(str::to_owned).to_vec()
    }

    fn offers(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        if packages.is_empty() {
            return Ok(Vec::new());
        }
        let words = ["--xmlout", "search", "--details", "--match-exact", "--type", "package"];
        let success = [NOTHING_FOUND_EXIT_CODE, NO_REPOS_EXIT_CODE];
        with_sources(&zypper_command(&words, packages, target, &success)?, target)
    }

    fn parse_offers(printed: &[String]) -> Result<Vec<Offer>, PackageManagerError> {
        let printed = last_answer(printed);
        let solvables = printed.split("<solvable ").skip(1).filter_map(|rest| rest.split('>').next());
        let offers = solvables.filter_map(|tag| {
            let (name, version) = (attribute(tag, "name")?, attribute(tag, "edition")?);
            let is_offered = attribute(tag, "repository").is_some_and(|source| source != INSTALLED);
            is_offered.then(|| Offer { name: name.to_owned(), version: version.to_owned() })
        });
        Ok(offers::newest_first(offers.collect()))
    }

    fn install(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let command = install_command(&[], &[DOWNLOAD_FIRST], packages, target, &SUCCESS_EXIT_CODES)?;
        with_sources(&command, target)
    }

    fn reinstall(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let command =
            install_command(&[], &[DOWNLOAD_FIRST, "--force"], packages, target, &SUCCESS_EXIT_CODES)?;
        with_sources(&command, target)
    }

    /// Without being asked, it replaces what a package obsoletes.
    fn simulate(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let success = [&SUCCESS_EXIT_CODES[..], &NO_SIMULATION_EXIT_CODES].concat();
        let command = install_command(&["--xmlout"], &["--dry-run"], packages, target, &success)?;
        with_sources(&command, target)
    }

    fn parse_simulation(printed: &[String]) -> Result<Vec<SideEffect>, PackageManagerError> {
        let printed = last_answer(printed);
        if !SIMULATION_MARKS.iter().any(|mark| printed.contains(mark)) {
            return Err(PackageManagerError::new(
                "the simulation of zypper tells nothing: neither what it would do nor why it cannot",
            ));
        }
        let removed = listed_packages(printed, "to-remove", SideEffectKind::Remove);
        Ok(removed.chain(listed_packages(printed, "to-downgrade", SideEffectKind::Downgrade)).collect())
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

    fn parse_query(printed: &[String]) -> Result<Vec<Installed>, PackageManagerError> {
        query::parse(last_answer(printed))
    }

    fn explain(printed: &str, succeeded: bool) -> Vec<CommandFailure> {
        failures::explain(printed, succeeded)
    }
}

/// Where a version is asked for, it may be older than the one that is installed.
fn install_command(
    global: &[&str],
    options: &[&str],
    packages: &[PackageRequest],
    target: &Place,
    success: &[i32],
) -> Result<Command, PackageManagerError> {
    let has_versions = packages.iter().any(|package| package.version.is_some());
    let older: &[&str] = if has_versions { &["--oldpackage"] } else { &[] };
    let words = [global, &["install", BY_NAME, "--auto-agree-with-licenses"], options, older].concat();
    zypper_command(&words, &offers::specs(packages, '=')?, target, success)
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
    kind: SideEffectKind,
) -> impl Iterator<Item = SideEffect> + use<'a> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let lists = printed.split(open.as_str()).skip(1).collect::<Vec<_>>();
    lists.into_iter().flat_map(move |list| {
        let list = list.split(close.as_str()).next().unwrap_or_default();
        let packages = list.split("<solvable ").skip(1).filter(|solvable| {
            solvable.split('>').next().is_some_and(|tag| tag.contains("type=\"package\""))
        });
        let names = packages.filter_map(|solvable| attribute(solvable, "name"));
        names.map(|name| SideEffect { name: name.to_owned(), kind }).collect::<Vec<_>>()
    })
}

/// The value of an attribute, in the inside of a tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\""))?.1.split('"').next()
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
        let repository = |location: &&str| Repository {
            location: (*location).into(),
            name: None,
            unauthenticated: true,
            attributes: Vec::new(),
        };
        Place {
            root: root.into(),
            repositories: repositories.iter().map(repository).collect(),
            version: Some("15.6".into()),
            arch: "x86_64".into(),
            available: vec![PROGRAM.into()],
            attributes: Vec::new(),
        }
    }

    fn lines(commands: Result<Vec<Command>, PackageManagerError>) -> Vec<String> {
        commands.unwrap().iter().map(|command| command.argv.join(" ")).collect()
    }

    #[test]
    fn commands() {
        let packages = [PackageRequest::newest("opkg-x")];
        assert_eq!(
            lines(Zypper::install(&packages, &target("/", &[]))),
            [
                "zypper --non-interactive install --name --auto-agree-with-licenses --download-in-advance opkg-x"
            ]
        );
        assert_eq!(
            lines(Zypper::reinstall(&packages, &target("/", &[]))),
            [
                "zypper --non-interactive install --name --auto-agree-with-licenses --download-in-advance --force opkg-x"
            ]
        );
        assert_eq!(
            lines(Zypper::simulate(&packages, &target("/", &[]))),
            ["zypper --non-interactive --xmlout install --name --auto-agree-with-licenses --dry-run opkg-x"]
        );
        assert_eq!(
            lines(Zypper::remove(&["opkg-x".to_owned()], &target("/images/a", &[]))),
            ["rpm --root /images/a -e --allmatches opkg-x"]
        );
        assert_eq!(lines(Zypper::refresh(&target("/", &[]))), ["zypper --non-interactive refresh"]);
    }

    #[test]
    fn a_version_may_be_older() {
        let target = target("/", &[]);
        let packages = [PackageRequest::exactly("opkg-x", "2:1.0-1"), PackageRequest::newest("opkg-y")];
        let install = "install --name --auto-agree-with-licenses";
        assert_eq!(
            lines(Zypper::install(&packages, &target)),
            [format!(
                "zypper --non-interactive {install} --download-in-advance --oldpackage opkg-x=2:1.0-1 opkg-y"
            )]
        );
        assert_eq!(
            lines(Zypper::simulate(&packages, &target)),
            [format!(
                "zypper --non-interactive --xmlout {install} --dry-run --oldpackage opkg-x=2:1.0-1 opkg-y"
            )]
        );
        assert_eq!(
            lines(Zypper::reinstall(&packages, &target)),
            [format!(
                "zypper --non-interactive {install} --download-in-advance --force --oldpackage opkg-x=2:1.0-1 opkg-y"
            )]
        );
        assert_eq!(
            lines(Zypper::offers(&["opkg-x".to_owned()], &target)),
            ["zypper --non-interactive --xmlout search --details --match-exact --type package opkg-x"]
        );
        assert!(lines(Zypper::offers(&[], &target)).is_empty(), "it would list all that there is");
    }

    /// As zypper 1.14 prints it.
    #[test]
    fn what_is_offered() {
        let printed = "<?xml version='1.0'?>\n<stream>\n<message type=\"info\">Loading repository data...</message>\n\
            <search-result version=\"0.0\">\n<solvable-list>\n\
            <solvable status=\"other-version\" name=\"opkg-x\" kind=\"package\" edition=\"1.9-1\" arch=\"noarch\" repository=\"opkg-0\"/>\n\
            <solvable status=\"installed\" name=\"opkg-x\" kind=\"package\" edition=\"1.10-1\" arch=\"noarch\" repository=\"opkg-0\"/>\n\
            <solvable status=\"other-version\" name=\"opkg-x\" kind=\"package\" edition=\"1.9-1\" arch=\"noarch\" repository=\"opkg-1\"/>\n\
            <solvable status=\"installed\" name=\"opkg-y\" kind=\"package\" edition=\"3:2-1\" arch=\"noarch\" repository=\"(System Packages)\"/>\n\
            </solvable-list>\n</search-result>\n</stream>\n";
        let offers = Zypper::parse_offers(&[printed.to_owned()]).unwrap();
        let offers: Vec<String> = offers.iter().map(|it| format!("{} {}", it.name, it.version)).collect();
        assert_eq!(offers, ["opkg-x 1.10-1", "opkg-x 1.9-1"]);
        let none = "<stream>\n<message type=\"info\">No matching items found.</message>\n</stream>\n";
        assert!(Zypper::parse_offers(&[none.to_owned()]).unwrap().is_empty());
    }

    #[test]
    fn further_sources_are_files_and_read_anew() {
        let commands =
            Zypper::install(&[PackageRequest::newest("opkg-x")], &target("/images/a", &["/a", "/b"]))
                .unwrap();
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
                "zypper --non-interactive --root /images/a install --name --auto-agree-with-licenses --download-in-advance opkg-x"
            ]
        );
    }

    #[test]
    fn what_means_something_else_is_no_package() {
        for name in ["--no-gpg-checks", "-x", "+x", "~x", "!x", ""] {
            assert!(Zypper::install(&[PackageRequest::newest(name)], &target("/", &[])).is_err(), "{name:?}");
        }
    }
}
