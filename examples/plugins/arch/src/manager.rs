//! How pacman is driven, inside the root that it is about.

use opkg_sdk::artefacts::TextFile;
use opkg_sdk::package_manager::{
    Command, CommandFailure, InstallState, Installed, Offer, PackageRequest, Place, Repository,
};
use opkg_sdk::{PackageManager, PackageManagerError, last_answer};

use crate::failures;

/// All that the commands start.
const PROGRAM: &str = "pacman";

/// What names package sources that the root's configuration does not.
const EXTRA_CONFIG: &str = "/etc/opkg-pacman.conf";

pub struct Pacman;

impl PackageManager for Pacman {
    fn programs() -> Vec<String> {
        vec![PROGRAM.into(), crate::BUILD_PROGRAM.into()]
    }

    /// Of each package one version for each repository: pacman keeps no others.
    fn offers(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        if packages.is_empty() {
            return Ok(Vec::new());
        }
        let sources = ExtraSources::of(target)?;
        // 1: one of the names is unknown.
        let info = Command { success: vec![0, 1], ..sources.pacman("-Si", &[], packages, target) };
        Ok(sources.refresh(target).into_iter().chain([info]).collect())
    }

    /// In the order of the repositories, of which pacman takes the first one.
    fn parse_offers(printed: &[String]) -> Result<Vec<Offer>, PackageManagerError> {
        paragraphs(last_answer(printed))
            .map(|paragraph| {
                Ok(Offer { name: needed(paragraph, "Name")?, version: needed(paragraph, "Version")? })
            })
            .collect()
    }

    /// Of names, or absolute paths of package files. pacman removes nothing for a package that conflicts with it: it asks, and
    /// `--noconfirm` says no; nor does it bring another version of what nobody named, unless that is needed.
    fn install(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        install_commands(&["--needed"], packages, target)
    }

    fn reinstall(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        install_commands(&[], packages, target)
    }

    /// With the configuration that they left; pacman refuses where others need them.
    fn remove(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let remove = || ExtraSources::default().pacman("-Rn", &[], packages, target);
        Ok(if packages.is_empty() { Vec::new() } else { vec![remove()] })
    }

    fn refresh(target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        Ok(vec![ExtraSources::of(target)?.pacman("-Sy", &[], &[], target)])
    }

    fn query(target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        Ok(vec![ExtraSources::default().pacman("-Qi", &[], &[], target)])
    }

    /// Paragraphs of `Field : value`, one for each package. No system is without any.
    fn parse_query(printed: &[String]) -> Result<Vec<Installed>, PackageManagerError> {
        let installed: Vec<Installed> = paragraphs(last_answer(printed)).map(parse_package).collect::<Result<_, _>>()?;
        match installed.is_empty() {
            true => Err(PackageManagerError::new("pacman named no package that is installed")),
            false => Ok(installed),
        }
    }

    fn explain(printed: &str, succeeded: bool) -> Vec<CommandFailure> {
        failures::explain(printed, succeeded)
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
    let sources = ExtraSources::of(target)?;
    let (files, names): (Vec<String>, Vec<String>) =
        packages.iter().map(spec).partition(|package| package.starts_with('/'));
    let from_files = (!files.is_empty()).then(|| sources.pacman("-U", options, &files, target));
    let from_sources = (!names.is_empty()).then(|| sources.pacman("-S", options, &names, target));
    Ok(sources.refresh(target).into_iter().chain(from_sources).chain(from_files).collect())
}

/// What pacman is told for a package.
fn spec(package: &PackageRequest) -> String {
    let PackageRequest { name, version, .. } = package;
    version.as_ref().map_or_else(|| name.clone(), |version| format!("{name}={version}"))
}

/// Package sources that the host adds, in a file that pacman reads instead of the root's configuration, which that names.
#[derive(Default)]
struct ExtraSources {
    config: Option<String>,
}

impl ExtraSources {
    fn of(target: &Place) -> Result<Self, PackageManagerError> {
        if target.repositories.is_empty() {
            return Ok(Self::default());
        }
        let mut config = "[options]\nInclude = /etc/pacman.conf\n".to_owned();
        for source in &target.repositories {
            let (name, url) = (source_name(source)?, source.url()?);
            let level = if source.unauthenticated { "SigLevel = Never\n" } else { "" };
            config += &format!("\n[{name}]\n{level}Server = {url}\n");
        }
        Ok(Self { config: Some(config) })
    }

    /// What the added sources have is not known before they are read.
    fn refresh(&self, target: &Place) -> Option<Command> {
        self.config.as_ref().map(|_| self.pacman("-Sy", &[], &[], target))
    }

    fn pacman(&self, operation: &str, options: &[&str], packages: &[String], target: &Place) -> Command {
        let mut argv = vec![PROGRAM.to_owned(), operation.into(), "--noconfirm".into()];
        argv.extend(options.iter().map(|&option| option.to_owned()));
        if self.config.is_some() {
            argv.extend(["--config", EXTRA_CONFIG].map(str::to_owned));
        }
        // What follows is never an option.
        argv.push("--".into());
        argv.extend_from_slice(packages);
        let file = |contents: &String| TextFile {
            path: EXTRA_CONFIG.to_owned(),
            contents: contents.clone(),
            executable: false,
        };
        Command {
            in_root: target.root != "/",
            files: self.config.iter().map(file).collect(),
            ..Command::new(argv)
        }
    }
}

/// pacman finds the index of a source by the name under which its configuration knows the source; unless told otherwise, an index
/// is called as the directory that it lies in.
fn source_name(source: &Repository) -> Result<&str, PackageManagerError> {
    let last_part = || source.location.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let name = source.name.as_deref().unwrap_or_else(last_part);
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(is_allowed);
    // The section of pacman's own options.
    match is_name && name != "options" {
        true => Ok(name),
        false => Err(PackageManagerError::new(format!(
            "pacman cannot call the package source `{}` `{name}`: give it a name of letters, digits, `.`, `_`, `+` and `-`",
            source.location
        ))),
    }
}

fn paragraphs(printed: &str) -> impl Iterator<Item = &str> {
    printed.split("\n\n").map(str::trim).filter(|paragraph| paragraph.contains(" : "))
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
        arch: field(paragraph, "Architecture"),
        has_scriptlets: field(paragraph, "Install Script").map(|value| value == "Yes"),
        // pacman has no other state.
        state: InstallState::Complete,
        attributes: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(repositories: Vec<Repository>) -> Place {
        Place {
            root: "/srv/image".into(),
            repositories,
            version: None,
            arch: "x86_64".into(),
            available: vec![PROGRAM.into()],
            attributes: Vec::new(),
        }
    }

    fn words(commands: Result<Vec<Command>, PackageManagerError>) -> Vec<String> {
        let commands = commands.unwrap_or_else(|error| panic!("{error}"));
        assert!(commands.iter().all(|command| command.in_root));
        commands.iter().map(|command| command.argv.join(" ")).collect()
    }

    #[test]
    fn what_pacman_prints() {
        let printed = "Name            : opkg-x\nVersion         : 1:2.0-1\nDescription     : a : b\n\
                       Architecture    : any\nInstall Script  : Yes\n\n\
                       Name            : bash\nVersion         : 5.2-1\nArchitecture    : x86_64\nInstall Script  : No\n\n";
        let installed = Pacman::parse_query(&[printed.to_owned()]).unwrap_or_default();
        let installed: Vec<_> = installed
            .iter()
            .map(|it| (it.name.as_str(), it.version.as_str(), it.arch.as_deref(), it.has_scriptlets))
            .collect();
        assert_eq!(
            installed,
            [("opkg-x", "1:2.0-1", Some("any"), Some(true)), ("bash", "5.2-1", Some("x86_64"), Some(false))]
        );
        // Of a package source nothing is said of scripts.
        let offered = "Repository      : site\nName            : opkg-x\nVersion         : 1:2.0-1\n\n";
        let offered = Pacman::parse_offers(&[offered.to_owned()]).unwrap_or_default();
        assert_eq!(offered, [Offer { name: "opkg-x".into(), version: "1:2.0-1".into() }]);
        assert!(Pacman::parse_query(&["error: package 'x' was not found\n".to_owned()]).is_err());
        assert!(Pacman::parse_query(&["\n".to_owned()]).is_err(), "no system is without packages");
    }

    #[test]
    fn packages_are_asked_for_by_name_and_version_or_as_files() {
        let packages = [
            PackageRequest::exactly("opkg-x", "1:2.0-1"),
            PackageRequest::newest("bash"),
            PackageRequest::newest("/srv/opkg-y-1-1-any.pkg.tar.zst"),
        ];
        assert_eq!(
            words(Pacman::install(&packages, &place(Vec::new()))),
            [
                "pacman -S --noconfirm --needed -- opkg-x=1:2.0-1 bash",
                "pacman -U --noconfirm --needed -- /srv/opkg-y-1-1-any.pkg.tar.zst"
            ]
        );
        assert_eq!(
            words(Pacman::reinstall(&packages[..1], &place(Vec::new()))),
            ["pacman -S --noconfirm -- opkg-x=1:2.0-1"]
        );
        assert_eq!(
            words(Pacman::remove(&["bash".into()], &place(Vec::new()))),
            ["pacman -Rn --noconfirm -- bash"]
        );
    }

    #[test]
    fn a_source_for_once_stands_in_a_file_that_goes_away() {
        let source =
            |location: &str, unauthenticated| Repository {
                location: location.into(),
                name: None,
                unauthenticated,
                attributes: Vec::new(),
            };
        let target =
            place(vec![source("/srv/repos/site/", true), source("https://example.org/other", false)]);
        let commands = Pacman::install(&[PackageRequest::newest("opkg-x")], &target).unwrap_or_default();
        assert_eq!(
            commands[0].files[0].contents,
            "[options]\nInclude = /etc/pacman.conf\n\n[site]\nSigLevel = Never\nServer = file:///srv/repos/site\n\n\
             [other]\nServer = https://example.org/other\n"
        );
        assert_eq!(
            words(Ok(commands)),
            [
                "pacman -Sy --noconfirm --config /etc/opkg-pacman.conf --",
                "pacman -S --noconfirm --needed --config /etc/opkg-pacman.conf -- opkg-x"
            ]
        );
        for location in ["/srv/a b", "/", "/srv/options", "/srv/]\n[x"] {
            assert!(Pacman::refresh(&place(vec![source(location, true)])).is_err(), "{location}");
        }
    }
}
