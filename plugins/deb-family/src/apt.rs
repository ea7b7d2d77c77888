//! Commands of apt and dpkg.

use opkg_sdk::artefacts::TextFile;
use opkg_sdk::package_manager::{
    Command, CommandFailure, Installed, Offer, PackageRequest, Place, SideEffect,
};
use opkg_sdk::{PackageManager, PackageManagerError, last_answer};

use crate::build::BUILD_PROGRAM;
use crate::{apt_offers, apt_output, apt_query};

const APT_GET: &str = "apt-get";

/// What is read must be printed, in plain text and the one form that all versions have, whatever the configuration of
/// the root says: `-q` would only add to its `quiet`.
const PLAIN_OUTPUT: [&str; 8] = [
    "-o",
    "quiet=1",
    "-o",
    "APT::Color=false",
    "-o",
    "APT::Output-Version=0",
    "-o",
    "APT::Get::Show-Versions=false",
];

/// A name is no pattern: since apt 1.9.6 only those are taken for one that say so. And nothing is removed because nobody
/// needs it any more, which apt cannot do where it may remove nothing.
const AS_ASKED: [&str; 6] = [
    "-o",
    "APT::Cmd::Pattern-Only=true",
    "-o",
    "APT::Get::AutomaticRemove=false",
    "-o",
    "APT::Get::AutomaticRemove::Kernels=false",
];

const APT_CACHE: &str = "apt-cache";
const DPKG: &str = "dpkg";

/// Where apt looks for additional repositories.
const SOURCES_FILE: &str = "/etc/apt/sources.list.d/opkg-sources.sources";

/// `apt-get` and `dpkg-query`, run inside the root.
pub struct Apt;

impl PackageManager for Apt {
    fn programs() -> Vec<String> {
        to_strings(&[APT_GET, APT_CACHE, DPKG, apt_query::PROGRAM, BUILD_PROGRAM])
    }

    fn offers(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        if packages.is_empty() {
            return Ok(Vec::new());
        }
        check_names(packages)?;
        let extra = ExtraSources::from_target(target)?;
        let words =
            [to_strings(&[APT_CACHE]), extra.options.clone(), to_strings(&["policy"]), packages.to_vec()];
        let policy = Command { files: extra.files.clone(), ..command(words.concat()) };
        Ok(extra.update_command().into_iter().chain([policy]).collect())
    }

    fn parse_offers(printed: &[String]) -> Result<Vec<Offer>, PackageManagerError> {
        Ok(apt_offers::parse(last_answer(printed)))
    }

    /// Of names, or absolute paths of `.deb` files. apt refuses by itself to remove or change what is held, and to
    /// downgrade, unless a version is asked for; packages that come in as dependencies are upgraded where they must be.
    fn install(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let commands = install_commands(&["--no-remove"], packages, target)?;
        Ok(after_pending(commands))
    }

    fn reinstall(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let commands = install_commands(&["--no-remove", "--reinstall"], packages, target)?;
        Ok(after_pending(commands))
    }

    /// Where apt is allowed to downgrade, it may do so to others as well. And before 1.9.6 it takes a name that it does not
    /// know for a pattern, if it could be one, which it tells only where it is not quiet.
    fn simulate(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let could_be_pattern =
            |package: &PackageRequest| package.name.contains(['.', '+']) && !is_file(&package.name);
        match has_versions(packages) || packages.iter().any(could_be_pattern) {
            true => install_commands(&["--no-remove", "--simulate", "-o", "quiet=0"], packages, target),
            false => Ok(Vec::new()),
        }
    }

    fn parse_simulation(printed: &[String]) -> Result<Vec<SideEffect>, PackageManagerError> {
        apt_output::simulated_downgrades(last_answer(printed))
    }

    /// By dpkg: it removes what it is told and nothing else, whatever state other packages are in, and does not
    /// insist on a package being whole before it goes.
    fn remove(packages: &[String], _: &Place) -> Result<Vec<Command>, PackageManagerError> {
        if packages.is_empty() {
            return Ok(Vec::new());
        }
        check_names(packages)?;
        let words = to_strings(&[DPKG, "--force-remove-reinstreq", "--purge"]);
        Ok(vec![command([words, packages.to_vec()].concat())])
    }

    /// What is half installed is so still: installing or removing it helps.
    fn repair(packages: &[Installed], _: &Place) -> Result<Vec<Command>, PackageManagerError> {
        Ok(if packages.is_empty() { Vec::new() } else { vec![configure_pending()] })
    }

    fn refresh(target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let files = ExtraSources::from_target(target)?.files;
        let argv = [&[APT_GET], &PLAIN_OUTPUT[..], &["update"]].concat();
        Ok(vec![Command { files, ..command(to_strings(&argv)) }])
    }

    fn query(_: &Place) -> Result<Vec<Command>, PackageManagerError> {
        Ok(vec![command(to_strings(&[apt_query::PROGRAM, "-W", apt_query::FORMAT]))])
    }

    fn parse_query(printed: &[String]) -> Result<Vec<Installed>, PackageManagerError> {
        apt_query::parse(last_answer(printed))
    }

    fn explain(printed: &str, succeeded: bool) -> Vec<CommandFailure> {
        if succeeded { apt_output::passed_over(printed) } else { apt_output::explain(printed) }
    }
}

fn install_commands(
    options: &[&str],
    packages: &[PackageRequest],
    target: &Place,
) -> Result<Vec<Command>, PackageManagerError> {
    if packages.is_empty() {
        return Ok(Vec::new());
    }
    let specs = packages.iter().map(package_spec).collect::<Result<Vec<_>, _>>()?;
    let older: &[&str] = if has_versions(packages) { &["--allow-downgrades"] } else { &[] };
    let extra = ExtraSources::from_target(target)?;
    let argv = [
        to_strings(&[APT_GET, "-y"]),
        to_strings(&PLAIN_OUTPUT),
        to_strings(&AS_ASKED),
        to_strings(&["-o", "Dpkg::Options::=--force-confold"]),
        to_strings(options),
        to_strings(older),
        extra.options.clone(),
        to_strings(&["install"]),
        specs,
    ];
    let install = Command { files: extra.files.clone(), ..command(argv.concat()) };
    Ok(extra.update_command().into_iter().chain([install]).collect())
}

/// Commands, if there are any, with what must be ended before.
fn after_pending(commands: Vec<Command>) -> Vec<Command> {
    let pending = (!commands.is_empty()).then(configure_pending);
    pending.into_iter().chain(commands).collect()
}

fn has_versions(packages: &[PackageRequest]) -> bool {
    packages.iter().any(|package| package.version.is_some())
}

/// The repositories that the host adds.
#[derive(Default)]
struct ExtraSources {
    /// Directories that need no authentication are given to apt as options, and leave no trace.
    options: Vec<String>,
    /// The others stand beside those of the root's configuration.
    files: Vec<TextFile>,
}

impl ExtraSources {
    fn from_target(target: &Place) -> Result<Self, PackageManagerError> {
        let mut extra = Self::default();
        let mut stanzas = Vec::new();
        for source in &target.repositories {
            // apt makes an address of the directory, but escapes nothing.
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
            let directory =
                source.local_path().filter(|path| source.unauthenticated && path.bytes().all(is_plain));
            if let Some(directory) = directory {
                let index = format!("{}/Packages", directory.trim_end_matches('/'));
                extra.options.extend(["--with-source".to_owned(), index]);
            } else {
                let trusted = if source.unauthenticated { "Trusted: yes\n" } else { "" };
                stanzas.push(format!("Types: deb\nURIs: {}\nSuites: ./\n{trusted}", source.url()?));
            }
        }
        if !stanzas.is_empty() {
            let contents = stanzas.join("\n");
            extra.files.push(TextFile { path: SOURCES_FILE.to_owned(), contents, executable: false });
        }
        Ok(extra)
    }

    /// Reads the index of what stands in files, and leaves those of other sources alone.
    fn update_command(&self) -> Option<Command> {
        let alone = [
            format!("Dir::Etc::SourceList={SOURCES_FILE}"),
            "Dir::Etc::SourceParts=/dev/null".to_owned(),
            "APT::Get::List-Cleanup=false".to_owned(),
            "APT::Update::Error-Mode=any".to_owned(),
        ];
        let options = alone.into_iter().flat_map(|option| ["-o".to_owned(), option]);
        let argv = [&[APT_GET], &PLAIN_OUTPUT[..]].concat();
        let argv = to_strings(&argv).into_iter().chain(options).chain(["update".to_owned()]);
        let files = self.files.clone();
        (!files.is_empty()).then(|| Command { files, ..command(argv.collect()) })
    }
}

/// Ends what was cut off by a loss of power: apt refuses to do anything before. That a package fails there again
/// (status 1) is no reason to leave others alone.
fn configure_pending() -> Command {
    let argv = to_strings(&[DPKG, "--force-confold", "--configure", "-a"]);
    Command { success: vec![0, 1], ..command(argv) }
}

/// What apt is told for a package; nothing that it would read as something else.
fn package_spec(package: &PackageRequest) -> Result<String, PackageManagerError> {
    let name = &package.name;
    match &package.version {
        None if is_file(name) || is_package_name(name, '-') => Ok(name.clone()),
        Some(version) if is_package_name(name, '-') && is_version(version) => Ok(format!("{name}={version}")),
        None => Err(PackageManagerError::new(format!(
            "`{name}` cannot be installed by apt: give a name, or the absolute path of a .deb file"
        ))),
        Some(version) => Err(PackageManagerError::new(format!(
            "version `{version}` of `{name}` cannot be installed by apt: one of them is no such thing"
        ))),
    }
}

fn is_file(name: &str) -> bool {
    name.starts_with('/') && name.ends_with(".deb")
}

/// Rejects options.
fn check_names(packages: &[String]) -> Result<(), PackageManagerError> {
    match packages.iter().find(|package| !is_package_name(package, '\0')) {
        Some(package) => Err(PackageManagerError::new(format!("`{package}` is not the name of a package"))),
        None => Ok(()),
    }
}

fn command(argv: Vec<String>) -> Command {
    let mut command = Command { in_root: true, ..Command::new(argv) };
    command.env.push(("DEBIAN_FRONTEND".to_owned(), "noninteractive".to_owned()));
    command
}

fn to_strings(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// The name of a package, and no option. `last` may not end it, where apt would read that as a request.
fn is_package_name(name: &str, last: char) -> bool {
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() >= 2
        && !name.ends_with(last)
        && name.bytes().next().is_some_and(is_alphanumeric)
        && name.bytes().all(|byte| is_alphanumeric(byte) || b"+-.".contains(&byte))
}

fn is_version(version: &str) -> bool {
    version.starts_with(|first: char| first.is_ascii_digit())
        && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-~:".contains(&byte))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use opkg_sdk::package_manager::Repository;

    fn target(repositories: &[(&str, bool)]) -> Place {
        let repository = |&(location, unauthenticated): &(&str, bool)| Repository {
            location: location.into(),
            name: None,
            unauthenticated,
            attributes: Vec::new(),
        };
        Place {
            root: "/srv/image".into(),
            repositories: repositories.iter().map(repository).collect(),
            version: None,
            arch: "x86_64".into(),
            available: Apt::programs(),
            attributes: Vec::new(),
        }
    }

    fn argv(commands: Result<Vec<Command>, PackageManagerError>) -> String {
        let commands = commands.unwrap();
        assert!(commands.iter().all(|command| command.in_root));
        commands.iter().map(|command| command.argv.join(" ")).collect::<Vec<_>>().join("\n")
    }

    /// Without the options that are the same everywhere.
    fn plain(argv: String) -> String {
        let [output, as_asked] = [PLAIN_OUTPUT.join(" "), AS_ASKED.join(" ")];
        argv.replace(&as_asked, "AS-ASKED").replace(&format!(" {output}"), "")
    }

    fn requests(names: &[&str]) -> Vec<PackageRequest> {
        names.iter().map(|name| PackageRequest::newest(*name)).collect()
    }

    #[test]
    fn commands() {
        let packages = requests(&["opkg-x", "/srv/z_1_all.deb"]);
        assert_eq!(
            plain(argv(Apt::install(&packages, &target(&[("/srv/repo/", true)])))),
            "dpkg --force-confold --configure -a\n\
             apt-get -y AS-ASKED -o Dpkg::Options::=--force-confold --no-remove --with-source /srv/repo/Packages install opkg-x /srv/z_1_all.deb"
        );
        assert_eq!(
            argv(Apt::remove(&to_strings(&["opkg-x"]), &target(&[]))),
            "dpkg --force-remove-reinstreq --purge opkg-x"
        );
        assert_eq!(
            argv(Apt::refresh(&target(&[]))),
            "apt-get -o quiet=1 -o APT::Color=false -o APT::Output-Version=0 -o APT::Get::Show-Versions=false update"
        );
        assert_eq!(argv(Apt::query(&target(&[]))), format!("dpkg-query -W {}", apt_query::FORMAT));
        assert_eq!(argv(Apt::install(&[], &target(&[]))), "");
    }

    #[test]
    fn other_sources_are_in_a_file_and_read_first() {
        let sources = [("/srv/re po", true), ("https://example.org/debian", false)];
        let commands = Apt::install(&requests(&["opkg-x"]), &target(&sources)).unwrap();
        for command in &commands[1..] {
            assert_eq!(
                command.files[0].contents,
                "Types: deb\nURIs: file:///srv/re%20po\nSuites: ./\nTrusted: yes\n\n\
                 Types: deb\nURIs: https://example.org/debian\nSuites: ./\n"
            );
        }
        assert_eq!(
            plain(argv(Ok(commands))),
            "dpkg --force-confold --configure -a\n\
             apt-get -o Dir::Etc::SourceList=/etc/apt/sources.list.d/opkg-sources.sources \
             -o Dir::Etc::SourceParts=/dev/null -o APT::Get::List-Cleanup=false \
             -o APT::Update::Error-Mode=any update\n\
             apt-get -y AS-ASKED -o Dpkg::Options::=--force-confold --no-remove install opkg-x"
        );
    }

    #[test]
    fn what_apt_would_take_for_something_else_is_refused() {
        for package in ["-oX=y", "x-", "x=", "x=1", "x/testing", "x*", "X", "../x.deb", "x^", "", "a b"] {
            assert!(Apt::install(&requests(&[package]), &target(&[])).is_err(), "{package:?}");
        }
        for package in ["-x", "x=1", "/x.deb", "x*"] {
            assert!(Apt::remove(&to_strings(&[package]), &target(&[])).is_err(), "{package:?}");
        }
        for (name, version) in
            [("x", ""), ("x", "1 2"), ("x", "1=2"), ("x", "-1"), ("-x", "1"), ("/x.deb", "1")]
        {
            let package = PackageRequest::exactly(name, version);
            assert!(Apt::install(&[package], &target(&[])).is_err(), "{name:?} {version:?}");
        }
        assert!(Apt::install(&requests(&["opkg-x"]), &target(&[("srv/repo", true)])).is_err());
    }

    #[test]
    fn a_version_may_be_older_and_is_tried_first() {
        let packages = [PackageRequest::exactly("opkg-x", "1:2.0-1+deb12"), PackageRequest::newest("opkg-y")];
        let target = target(&[("/srv/repo", true)]);
        let source = "--with-source /srv/repo/Packages";
        let install = format!("--allow-downgrades {source} install opkg-x=1:2.0-1+deb12 opkg-y");
        let apt_get = "apt-get -y AS-ASKED -o Dpkg::Options::=--force-confold --no-remove";
        assert_eq!(
            plain(argv(Apt::install(&packages, &target))),
            format!("dpkg --force-confold --configure -a\n{apt_get} {install}")
        );
        assert_eq!(
            plain(argv(Apt::simulate(&packages, &target))),
            format!("{apt_get} --simulate -o quiet=0 {install}")
        );
        for pattern in ["opkg-py3.1-client", "opkg-c++-client"] {
            assert!(argv(Apt::simulate(&requests(&[pattern]), &target)).contains("--simulate"), "{pattern}");
        }
        assert_eq!(
            plain(argv(Apt::reinstall(&packages, &target))),
            format!("dpkg --force-confold --configure -a\n{apt_get} --reinstall {install}")
        );
        assert_eq!(argv(Apt::simulate(&requests(&["opkg-y"]), &target)), "", "apt refuses by itself");
        assert_eq!(
            argv(Apt::offers(&to_strings(&["opkg-x", "opkg-y"]), &target)),
            format!("apt-cache {source} policy opkg-x opkg-y")
        );
        assert_eq!(argv(Apt::offers(&[], &target)), "", "it would tell of sources");
    }

    /// As apt 2.6 and 3.0 print it.
    #[test]
    fn what_would_be_downgraded() {
        let printed = "Reading package lists...\nThe following packages will be DOWNGRADED:\n  opkg-demo libsite\n  libother\n\
                       0 upgraded, 0 newly installed, 1 downgraded, 0 to remove and 0 not upgraded.\n\
                       Inst opkg-demo [2.0-1] (1.0-1 volatile-packages-file [all])\n";
        let names: Vec<String> = Apt::parse_simulation(&[printed.to_owned()])
            .unwrap()
            .into_iter()
            .map(|effect| effect.name)
            .collect();
        assert_eq!(names, ["opkg-demo", "libsite", "libother"]);
        let harmless = "0 upgraded, 1 newly installed, 0 to remove and 7 not upgraded.\n";
        assert!(Apt::parse_simulation(&[harmless.to_owned()]).unwrap().is_empty());
        let pattern = "Note, selecting 'opkg-py311' for regex 'opkg-py3.1'\n".to_owned() + harmless;
        assert_eq!(
            Apt::parse_simulation(&[pattern]).unwrap_err().to_string(),
            "no package source has opkg-py3.1, which apt takes for a pattern, of opkg-py311"
        );
        for silent in ["", "Reading package lists...\n", "Aktualisiert: 0, neu installiert: 1\n"] {
            assert!(Apt::parse_simulation(&[silent.to_owned()]).is_err(), "{silent:?}");
        }
    }
}
