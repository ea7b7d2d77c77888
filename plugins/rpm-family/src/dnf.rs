//! Commands of `dnf`, and of `yum` where there is no dnf.

use opkg_sdk::package_manager::{
    Command, CommandFailure, Installed, Offer, PackageRequest, Place, SideEffect,
};
use opkg_sdk::{PackageManager, PackageManagerError, last_answer};

use crate::BUILD_PROGRAM;
use crate::query::{self, check_names};
use crate::{dnf_simulation, failures, offers, removal, repository};

/// The programs of this package manager, the better one first.
const PROGRAMS: [&str; 2] = ["dnf", "yum"];

/// Where yum looks for package sources.
const REPOS_DIR: &str = "/etc/yum.repos.d";

/// `dnf` and `yum`. They check signatures as the system is configured to, except those of
/// package sources that need none.
pub struct Dnf;

impl PackageManager for Dnf {
    fn programs() -> Vec<String> {
        PROGRAMS.iter().chain(&[query::PROGRAM, BUILD_PROGRAM]).map(ToString::to_string).collect()
    }

    /// yum tells only of the newest ones, for people, and has another command for downgrades.
    fn offers(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let program = DnfProgram::find(target)?;
        if program.name == "yum" || packages.is_empty() {
            return Ok(Vec::new());
        }
        // All versions, unless it is told otherwise.
        Ok(vec![program.command(&["repoquery", "--qf", offers::QUERY_FORMAT], packages)?])
    }

    fn parse_offers(printed: &[String]) -> Result<Vec<Offer>, PackageManagerError> {
        Ok(offers::parse(last_answer(printed)))
    }

    /// What is installed in a newer version than the one that is asked for is downgraded.
    fn install(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let program = DnfProgram::find(target)?;
        let words = [program.newest(), &["install"]].concat();
        Ok(vec![program.command(&words, &offers::specs(packages, '-')?)?])
    }

    fn reinstall(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let specs = offers::specs(packages, '-')?;
        Ok(vec![DnfProgram::find(target)?.command(&["reinstall"], &specs)?])
    }

    /// Without being told, they replace what a package obsoletes, downgrade dependencies, and take for a name that no
    /// package source has whatever provides it. None of them has an option against that, so dnf is asked which of the
    /// names there are, and yum for all that it does.
    fn simulate(packages: &[PackageRequest], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let program = DnfProgram::find(target)?;
        let talkative: &[&str] = if program.name == "yum" { &["-d", "3"] } else { &[] };
        let words = [talkative, program.newest(), &["--assumeno", "install"]].concat();
        let command = program.command(&words, &offers::specs(packages, '-')?)?;
        // 1: it did not do it, or cannot; that is for the installation to say. 2: a yum that cannot simulate.
        let success = if program.name == "yum" { vec![0, 1, 2] } else { vec![0, 1] };
        let names: Vec<String> = packages.iter().map(|package| package.name.clone()).collect();
        Ok(Self::offers(&names, target)?.into_iter().chain([Command { success, ..command }]).collect())
    }

    fn parse_simulation(printed: &[String]) -> Result<Vec<SideEffect>, PackageManagerError> {
        match printed {
            [names, simulation] => dnf_simulation::parse(simulation, Some(&offers::parse(names))),
            _ => dnf_simulation::parse(last_answer(printed), None),
        }
    }

    fn remove(packages: &[String], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        removal::commands(packages, target)
    }

    fn repair(packages: &[Installed], target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        Ok(removal::repair_commands(packages, target))
    }

    fn refresh(target: &Place) -> Result<Vec<Command>, PackageManagerError> {
        let program = DnfProgram::find(target)?;
        let commands = [["clean", "expire-cache"].as_slice(), &["makecache"]];
        commands.into_iter().map(|words| program.command(words, &[])).collect()
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

/// The program to use.
struct DnfProgram<'a> {
    name: &'static str,
    target: &'a Place,
}

impl<'a> DnfProgram<'a> {
    fn find(target: &'a Place) -> Result<Self, PackageManagerError> {
        let is_there = |name: &&str| target.available.iter().any(|available| available == name);
        let name = PROGRAMS
            .into_iter()
            .find(is_there)
            .ok_or_else(|| PackageManagerError::new("neither dnf nor yum is installed"))?;
        Ok(Self { name, target })
    }

    /// Where dnf is not told so by its configuration, it leaves an older version that is installed alone.
    fn newest(&self) -> &'static [&'static str] {
        if self.name == "dnf" { &["--best"] } else { &[] }
    }

    /// What is read must be printed, in plain text, and what cannot be installed must not be left out in silence. Of
    /// dnf 5, `--color` is newer than the setting.
    fn common_options(&self) -> &'static [&'static str] {
        match self.name {
            "dnf" => &[
                "--setopt=debuglevel=2",
                "--setopt=errorlevel=3",
                "--setopt=color=never",
                "--setopt=strict=1",
                // The host waits for a lock, and tells.
                "--setopt=exit_on_lock=True",
            ],
            _ => &["-d", "2", "-e", "2", "--color=never"],
        }
    }

    /// What the configuration of a root has no say in: plugins would be code of the root, run outside of it, its
    /// directories may lead out of it, and with flags of RPM's no scriptlet may run.
    fn host_options(&self) -> &'static [&'static str] {
        match self.name {
            "dnf" => &[
                "--setopt=plugins=0",
                "--setopt=logdir=/var/log",
                "--setopt=cachedir=/var/cache/dnf",
                "--setopt=persistdir=/var/lib/dnf",
                "--setopt=tsflags=",
            ],
            _ => &[
                "--noplugins",
                "--setopt=logfile=/var/log/yum.log",
                "--setopt=persistdir=/var/lib/yum",
                "--setopt=tsflags=",
            ],
        }
    }

    /// With all package sources, also those that the host adds.
    fn command(&self, words: &[&str], packages: &[String]) -> Result<Command, PackageManagerError> {
        check_names(packages)?;
        let target = self.target;
        let mut argv = vec![self.name.to_owned(), "-y".to_owned()];
        if target.root != "/" {
            argv.push(format!("--installroot={}", target.root));
            if let Some(version) = &target.version {
                argv.push(format!("--releasever={version}"));
            }
            argv.extend(self.host_options().iter().map(ToString::to_string));
        }
        argv.extend(self.common_options().iter().map(ToString::to_string));
        let mut files = Vec::new();
        if self.name == "dnf" {
            argv.extend(repository_options(target)?);
        } else {
            files = repository::repo_files(target, REPOS_DIR)?;
        }
        argv.extend(words.iter().map(ToString::to_string));
        argv.extend_from_slice(packages);
        Ok(Command { files, ..Command::new(argv) })
    }
}

/// As options of dnf, which keeps nothing of them but the packages' index. That is read anew each time.
fn repository_options(target: &Place) -> Result<Vec<String>, PackageManagerError> {
    let mut options = Vec::new();
    for (index, source) in target.repositories.iter().enumerate() {
        let name = repository::repo_id(index);
        options.push(format!("--repofrompath={name},{}", source.url()?));
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
    use opkg_sdk::package_manager::Repository;

    const DNF_COMMON: &str = "--setopt=debuglevel=2 --setopt=errorlevel=3 --setopt=color=never --setopt=strict=1 \
                              --setopt=exit_on_lock=True";

    fn target(root: &str, available: &[&str], repositories: &[(&str, bool)]) -> Place {
        let repository = |&(location, unauthenticated): &(&str, bool)| Repository {
            location: location.into(),
            name: None,
            unauthenticated,
            attributes: Vec::new(),
        };
        Place {
            root: root.into(),
            repositories: repositories.iter().map(repository).collect(),
            version: Some("9".into()),
            arch: "x86_64".into(),
            available: available.iter().map(ToString::to_string).collect(),
            attributes: Vec::new(),
        }
    }

    fn lines(commands: Result<Vec<Command>, PackageManagerError>) -> Vec<String> {
        commands.unwrap().iter().map(|command| command.argv.join(" ")).collect()
    }

    #[test]
    fn dnf_where_it_is_and_yum_where_it_is_not() {
        let packages = [PackageRequest::newest("opkg-x")];
        let both = target("/", &["yum", "dnf"], &[]);
        let dnf = format!("dnf -y {DNF_COMMON}");
        assert_eq!(lines(Dnf::install(&packages, &both)), [format!("{dnf} --best install opkg-x")]);
        assert_eq!(lines(Dnf::reinstall(&packages, &both)), [format!("{dnf} reinstall opkg-x")]);
        assert_eq!(
            lines(Dnf::simulate(&packages, &both)),
            [
                format!(r"{dnf} repoquery --qf %{{name}}\t%{{evr}}\n opkg-x"),
                format!("{dnf} --best --assumeno install opkg-x")
            ]
        );
        assert_eq!(
            lines(Dnf::simulate(&packages, &target("/", &["yum"], &[]))),
            ["yum -y -d 2 -e 2 --color=never -d 3 --assumeno install opkg-x"]
        );
        assert_eq!(
            lines(Dnf::install(&packages, &target("/images/a", &["yum"], &[]))),
            ["yum -y --installroot=/images/a --releasever=9 --noplugins --setopt=logfile=/var/log/yum.log \
              --setopt=persistdir=/var/lib/yum --setopt=tsflags= -d 2 -e 2 --color=never install opkg-x"]
        );
        assert_eq!(
            lines(Dnf::reinstall(&packages, &target("/images/a", &["dnf"], &[]))),
            [format!(
                "dnf -y --installroot=/images/a --releasever=9 --setopt=plugins=0 --setopt=logdir=/var/log \
                 --setopt=cachedir=/var/cache/dnf --setopt=persistdir=/var/lib/dnf --setopt=tsflags= {DNF_COMMON} \
                 reinstall opkg-x"
            )]
        );
        assert!(Dnf::install(&packages, &target("/", &[], &[])).unwrap_err().to_string().contains("neither"));
    }

    #[test]
    fn a_version_is_asked_for_where_it_can_be_told() {
        let (there, yum) = (target("/", &["dnf"], &[]), target("/", &["yum"], &[]));
        let dnf = format!("dnf -y {DNF_COMMON}");
        let names = ["opkg-x", "opkg-y"].map(str::to_owned);
        assert_eq!(
            lines(Dnf::offers(&names, &there)),
            [format!(r"{dnf} repoquery --qf %{{name}}\t%{{evr}}\n opkg-x opkg-y")]
        );
        assert!(lines(Dnf::offers(&names, &yum)).is_empty());
        assert!(lines(Dnf::offers(&[], &there)).is_empty(), "it would list all that there is");
        let packages = [PackageRequest::exactly("opkg-x", "2:1.0-1.el9"), PackageRequest::newest("opkg-y")];
        let specs = "opkg-x-2:1.0-1.el9 opkg-y";
        assert_eq!(lines(Dnf::install(&packages, &there)), [format!("{dnf} --best install {specs}")]);
        assert_eq!(
            lines(Dnf::simulate(&packages, &there))[1..],
            [format!("{dnf} --best --assumeno install {specs}")]
        );
        assert_eq!(lines(Dnf::reinstall(&packages, &there)), [format!("{dnf} reinstall {specs}")]);
    }

    /// Whatever needs it keeps it; what a cut-off upgrade left goes alone.
    #[test]
    fn rpm_removes() {
        let packages = ["opkg-x".to_owned()];
        assert_eq!(lines(Dnf::remove(&packages, &target("/", &[], &[]))), ["rpm -e --allmatches opkg-x"]);
        assert_eq!(
            lines(Dnf::remove(&packages, &target("/images/a", &["yum"], &[]))),
            ["rpm --root /images/a -e --allmatches opkg-x"]
        );
        assert!(lines(Dnf::remove(&[], &target("/", &["dnf"], &[]))).is_empty());
        let left = query::parse("x\t1:2-1\tnoarch\t2\t0\nx\t1:1-1\tnoarch\t1\t0\n").unwrap();
        assert_eq!(lines(Dnf::repair(&left[1..], &target("/", &[], &[]))), ["rpm -e x-1-1.noarch"]);
    }

    #[test]
    fn dnf_is_given_further_sources_as_options() {
        let target = target("/", &["dnf"], &[("/srv/re po", true), ("https://example.org/x", false)]);
        let lines = lines(Dnf::refresh(&target));
        assert_eq!(lines.len(), 2);
        assert_eq!(
            lines[1],
            format!(
                "dnf -y {DNF_COMMON} --repofrompath=opkg-0,file:///srv/re%20po --setopt=opkg-0.gpgcheck=0 \
                 --setopt=opkg-0.metadata_expire=0 --setopt=opkg-0.skip_if_unavailable=0 \
                 --repofrompath=opkg-1,https://example.org/x --setopt=opkg-1.gpgcheck=1 \
                 --setopt=opkg-1.metadata_expire=0 --setopt=opkg-1.skip_if_unavailable=0 makecache"
            )
        );
        assert!(Dnf::install(&[PackageRequest::newest("x")], &target).unwrap()[0].files.is_empty());
    }

    #[test]
    fn yum_reads_further_sources_from_files() {
        let target = target("/", &["yum"], &[("/srv/re po", true)]);
        let command = Dnf::install(&[PackageRequest::newest("x")], &target).unwrap().remove(0);
        assert_eq!(command.argv, ["yum", "-y", "-d", "2", "-e", "2", "--color=never", "install", "x"]);
        assert_eq!(command.files[0].path, "/etc/yum.repos.d/opkg-0.repo");
        assert_eq!(
            command.files[0].contents,
            "[opkg-0]\nname=opkg-0\nbaseurl=file:///srv/re%20po\nenabled=1\nautorefresh=1\n\
             metadata_expire=0\ngpgcheck=0\n"
        );
    }

    #[test]
    fn an_option_is_no_package() {
        assert!(
            Dnf::install(&[PackageRequest::newest("--nogpgcheck")], &target("/", &["dnf"], &[])).is_err()
        );
    }
}
