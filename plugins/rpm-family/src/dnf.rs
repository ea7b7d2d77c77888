//! `dnf`, and `yum` where there is no dnf.

use opkg_plugin::PackageManager;
use opkg_plugin::package_manager::{Command, Installed, Place};

use crate::query::{self, check_names};
use crate::repository;

/// The programs of this package manager, the better one first.
const PROGRAMS: [&str; 2] = ["dnf", "yum"];

/// Where yum looks for package sources.
const SOURCES: &str = "/etc/yum.repos.d";

/// How `dnf` and `yum` are driven. They check signatures as the system is configured to, except those of
/// package sources that need none.
pub struct Dnf;

impl PackageManager for Dnf {
    fn programs() -> Vec<String> {
        PROGRAMS.iter().chain(&[query::PROGRAM]).map(ToString::to_string).collect()
    }

    fn install(packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
        let program = Program::of(place)?;
        // Where dnf is not told so by its configuration, it leaves an older version that is installed alone.
        let newest: &[&str] = match program.name {
            "dnf" => &["--best"],
            _ => &[],
        };
        Ok(vec![program.run(&[newest, &["install"]].concat(), packages, Sources::All)?])
    }

    fn remove(packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
        let program = Program::of(place)?;
        // What once was installed for a package may have become needed for itself.
        let keep: &[&str] = match program.name {
            "dnf" => &["--setopt=clean_requirements_on_remove=0"],
            _ => &[],
        };
        Ok(vec![program.run(&[keep, &["remove"]].concat(), packages, Sources::Configured)?])
    }

    fn refresh(place: &Place) -> Result<Vec<Command>, String> {
        let program = Program::of(place)?;
        let commands = [["clean", "expire-cache"].as_slice(), &["makecache"]];
        commands.into_iter().map(|words| program.run(words, &[], Sources::All)).collect()
    }

    fn query(packages: &[String], place: &Place) -> Result<Vec<Command>, String> {
        query::command(packages, place)
    }

    fn parse_query(printed: &str) -> Result<Vec<Installed>, String> {
        query::parse(printed)
    }
}

/// One of the two, at a place.
struct Program<'a> {
    name: &'static str,
    place: &'a Place,
}

/// Where packages may come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sources {
    Configured,
    /// Those of the place as well.
    All,
}

impl<'a> Program<'a> {
    fn of(place: &'a Place) -> Result<Self, String> {
        let is_there = |name: &&str| place.available.iter().any(|available| available == name);
        let name = PROGRAMS.into_iter().find(is_there).ok_or("neither dnf nor yum is installed")?;
        Ok(Self { name, place })
    }

    fn run(&self, words: &[&str], packages: &[String], sources: Sources) -> Result<Command, String> {
        check_names(packages)?;
        let place = self.place;
        let mut argv = vec![self.name.to_owned(), "-y".to_owned()];
        if place.root != "/" {
            argv.push(format!("--installroot={}", place.root));
            if let Some(version) = &place.version {
                argv.push(format!("--releasever={version}"));
            }
        }
        let mut files = Vec::new();
        if sources == Sources::All && self.name == "dnf" {
            argv.extend(sources_of(place)?);
        } else if sources == Sources::All {
            files = repository::files(place, SOURCES)?;
        }
        argv.extend(words.iter().map(ToString::to_string));
        argv.extend_from_slice(packages);
        Ok(Command { files, ..Command::new(argv) })
    }
}

/// As options of dnf, which keeps nothing of them but the packages' index. That is read anew each time.
fn sources_of(place: &Place) -> Result<Vec<String>, String> {
    let mut options = Vec::new();
    for (index, source) in place.repositories.iter().enumerate() {
        let name = repository::name(index);
        options.push(format!("--repofrompath={name},{}", source.address()?));
        let check = u8::from(!source.unauthenticated);
        let settings =
            [format!("gpgcheck={check}"), "metadata_expire=0".into(), "skip_if_unavailable=0".into()];
        options.extend(settings.map(|setting| format!("--setopt={name}.{setting}")));
    }
    Ok(options)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use opkg_plugin::package_manager::Repository;

    fn place(root: &str, available: &[&str], repositories: &[(&str, bool)]) -> Place {
        let repository = |&(location, unauthenticated): &(&str, bool)| Repository {
            location: location.into(),
            unauthenticated,
        };
        Place {
            root: root.into(),
            repositories: repositories.iter().map(repository).collect(),
            version: Some("9".into()),
            arch: "x86_64".into(),
            available: available.iter().map(ToString::to_string).collect(),
        }
    }

    fn lines(commands: Result<Vec<Command>, String>) -> Vec<String> {
        commands.unwrap().iter().map(|command| command.argv.join(" ")).collect()
    }

    #[test]
    fn dnf_where_it_is_and_yum_where_it_is_not() {
        let packages = ["opkg-x".to_owned()];
        let both = place("/", &["yum", "dnf"], &[]);
        assert_eq!(lines(Dnf::install(&packages, &both)), ["dnf -y --best install opkg-x"]);
        assert_eq!(
            lines(Dnf::remove(&packages, &both)),
            ["dnf -y --setopt=clean_requirements_on_remove=0 remove opkg-x"]
        );
        assert_eq!(
            lines(Dnf::remove(&packages, &place("/images/a", &["yum"], &[]))),
            ["yum -y --installroot=/images/a --releasever=9 remove opkg-x"]
        );
        assert!(Dnf::install(&packages, &place("/", &[], &[])).unwrap_err().contains("neither"));
    }

    #[test]
    fn dnf_is_given_further_sources_as_options() {
        let place = place("/", &["dnf"], &[("/srv/re po", true), ("https://example.org/x", false)]);
        let lines = lines(Dnf::refresh(&place));
        assert_eq!(lines.len(), 2);
        assert_eq!(
            lines[1],
            "dnf -y --repofrompath=opkg-0,file:///srv/re%20po --setopt=opkg-0.gpgcheck=0 \
             --setopt=opkg-0.metadata_expire=0 --setopt=opkg-0.skip_if_unavailable=0 \
             --repofrompath=opkg-1,https://example.org/x --setopt=opkg-1.gpgcheck=1 \
             --setopt=opkg-1.metadata_expire=0 --setopt=opkg-1.skip_if_unavailable=0 makecache"
        );
        assert!(Dnf::install(&["x".to_owned()], &place).unwrap()[0].files.is_empty());
    }

    #[test]
    fn yum_reads_further_sources_from_files() {
        let place = place("/", &["yum"], &[("/srv/re po", true)]);
        let command = Dnf::install(&["x".to_owned()], &place).unwrap().remove(0);
        assert_eq!(command.argv, ["yum", "-y", "install", "x"]);
        assert_eq!(command.files[0].path, "/etc/yum.repos.d/opkg-0.repo");
        assert_eq!(
            command.files[0].contents,
            "[opkg-0]\nname=opkg-0\nbaseurl=file:///srv/re%20po\nenabled=1\nautorefresh=1\n\
             metadata_expire=0\ngpgcheck=0\n"
        );
    }

    #[test]
    fn an_option_is_no_package() {
        assert!(Dnf::install(&["--nogpgcheck".to_owned()], &place("/", &["dnf"], &[])).is_err());
    }
}
