//! The configuration of `opm` on a machine: `opm.toml` and `env.d/*.conf` of its configuration directory, `/etc/opm`
//! unless told otherwise.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg_engine::engine::Concurrency;
use opkg_oda::{PackageName, Target};
use serde::Deserialize;

use super::environment::{EnvironmentError, read_environment};
use super::grants::{Grant, RunnerRule};
use super::groups::{GroupDefinitions, GroupFiles, GroupSettings};
use super::job_count::JobCount;
use super::journal::JournalSettings;
use super::launcher::LauncherSettings;
use super::limits::Limits;
use super::repository::{self, Repository};
use super::trust::{self, UntrustedError};
use super::web::WebSettings;

/// The configuration; without any file, what is usual.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The database, as `--database` takes it; without it the usual file.
    pub database: Option<String>,
    /// Where the output of programs is kept.
    pub log_directory: PathBuf,
    /// Where engines keep what they did while the database of a server is away.
    pub results_directory: PathBuf,
    /// Whether hooks shall tell more.
    pub verbose: bool,
    /// How many steps of a run are done at a time, each on a target of its own.
    pub jobs: JobCount,
    /// How long programs may take, and how many use something at a time.
    pub limits: Limits,
    /// Package sources beside those that targets are configured for.
    #[serde(rename = "repository")]
    pub repositories: Vec<Repository>,
    /// Which runners serve which hooks, beside what they say themselves.
    #[serde(rename = "runner")]
    pub runners: Vec<RunnerRule>,
    /// What hooks that are components may run.
    #[serde(rename = "grant")]
    pub grants: Vec<Grant>,
    /// What starts engines on nodes that do not look for work themselves.
    pub launcher: Option<LauncherSettings>,
    /// Groups of targets.
    pub groups: GroupDefinitions,
    /// Where further groups come from.
    pub group_sources: GroupFiles,
    /// How long the journal keeps what was done.
    pub journal: JournalSettings,
    /// Which rights people have in the browser.
    pub web: WebSettings,
    /// The directory of the files that answer the configurators of packages, `PACKAGE.toml`.
    #[serde(skip)]
    pub answer_directory: PathBuf,
    /// Further variables for the environment of hooks and package managers, from `env.d`.
    #[serde(skip)]
    pub environment: Vec<(String, String)>,
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// `opm.toml` cannot be read.
    #[error("the configuration {}: {error}", .path.display())]
    Unreadable {
        /// The path of `opm.toml`.
        path: PathBuf,
        /// What the system says.
        error: ErrorKind,
    },
    /// `opm.toml` cannot be understood.
    #[error("the configuration {} is invalid:\n{error}", .path.display())]
    Invalid {
        /// The path of `opm.toml`.
        path: PathBuf,
        /// Where and why, on several lines.
        error: SettingsError,
    },
    /// Somebody else could have written it.
    #[error(transparent)]
    Untrusted(#[from] UntrustedError),
    /// Something in `env.d`.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
}

/// What is wrong with the contents of `opm.toml`.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It is no TOML of the form that it should have.
    #[error("{0}")]
    Toml(toml::de::Error),
    /// A directory would depend on where `opm` is started.
    #[error("{setting}: `{}` is no absolute path", .path.display())]
    RelativeDirectory {
        /// The setting.
        setting: &'static str,
        /// What it says.
        path: PathBuf,
    },
    /// A package source is neither a directory nor an address.
    #[error("repository: the location `{}` is neither an absolute path nor an address", .0.escape_debug())]
    RepositoryLocation(String),
    /// An index has no such name.
    #[error(
        "repository: the name `{}` is not made of letters, digits, `.`, `_`, `+` and `-` alone", .0.escape_debug()
    )]
    RepositoryName(String),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database: None,
            log_directory: "/var/log/opm".into(),
            results_directory: "/var/lib/opm/results".into(),
            verbose: false,
            jobs: JobCount::ONE,
            limits: Limits::default(),
            repositories: Vec::new(),
            runners: Vec::new(),
            grants: Vec::new(),
            launcher: None,
            groups: GroupDefinitions::default(),
            group_sources: GroupFiles::default(),
            journal: JournalSettings::default(),
            web: WebSettings::default(),
            answer_directory: "/etc/opm/answers.d".into(),
            environment: Vec::new(),
        }
    }
}

impl Config {
    /// Reads the configuration directory. What is not there is as usual.
    ///
    /// # Errors
    /// Something there cannot be read or understood.
    pub fn load(directory: &Path) -> Result<Self, ConfigError> {
        let path = directory.join("opm.toml");
        trust::check(directory)?;
        trust::check(&path)?;
        trust::check_directory(&directory.join("env.d"))?;
        trust::check_directory(&directory.join("answers.d"))?;
        let mut config = match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).map_err(|error| ConfigError::Invalid { path, error })?,
            Err(error) if error.kind() == ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(ConfigError::Unreadable { path, error: error.kind() }),
        };
        config.answer_directory = directory.join("answers.d");
        config.environment = read_environment(&directory.join("env.d"))?;
        Ok(config)
    }

    fn parse(text: &str) -> Result<Self, SettingsError> {
        let config: Self = toml::from_str(text).map_err(SettingsError::Toml)?;
        let directories =
            [("log_directory", &config.log_directory), ("results_directory", &config.results_directory)];
        for (setting, path) in directories {
            if !path.is_absolute() {
                return Err(SettingsError::RelativeDirectory { setting, path: path.clone() });
            }
        }
        for repository in &config.repositories {
            if !repository.location.starts_with('/') && !repository.location.contains("://") {
                return Err(SettingsError::RepositoryLocation(repository.location.clone()));
            }
            if let Some(name) = repository.name.as_ref().filter(|name| !repository::is_index_name(name)) {
                return Err(SettingsError::RepositoryName(name.clone()));
            }
        }
        Ok(config)
    }

    /// Where groups come from. The directory is the one that this was loaded from.
    #[must_use]
    pub fn group_settings(&self, directory: &Path) -> GroupSettings {
        let path = directory.join("opm.toml");
        GroupSettings { path, definitions: self.groups.clone(), files: self.group_sources.clone() }
    }

    /// How many steps of a run may be in flight, as it stands here; `jobs` instead where somebody says so.
    #[must_use]
    pub fn concurrency(&self, jobs: Option<JobCount>) -> Concurrency {
        Concurrency {
            jobs: jobs.unwrap_or(self.jobs).get(),
            package_source: self.limits.package_source.map(JobCount::get),
        }
    }

    /// Whether a package source that is a directory has the package of an OPKG. Of sources elsewhere nobody knows here.
    #[must_use]
    pub fn offers(&self, name: &PackageName) -> bool {
        repository::offer(&self.repositories, name)
    }

    /// The package sources for a target.
    pub(crate) fn repositories_for<'a>(&'a self, target: &'a Target) -> impl Iterator<Item = &'a Repository> {
        self.repositories.iter().filter(|repository| repository.is_for(target))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::num::NonZeroUsize;
    use std::time::Duration;

    use super::*;
    use crate::process::Timeout;

    #[test]
    fn what_is_not_there_is_as_usual() {
        let directory = tempfile::tempdir().unwrap();
        let usual = Config { answer_directory: directory.path().join("answers.d"), ..Config::default() };
        assert_eq!(Config::load(directory.path()).unwrap(), usual);
        assert_eq!(Config::parse("").unwrap(), Config::default());
    }

    #[test]
    fn all_of_it() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(
            directory.path().join("opm.toml"),
            r#"
            log_directory = "/srv/log"
            results_directory = "/srv/results"
            verbose = true
            jobs = 8
            [limits]
            hook = "90s"
            package_source = 4
            package_manager = "1h"
            [[repository]]
            location = "/srv/packages"
            unauthenticated = true
            targets = ["server", "image:compute"]
            [[repository]]
            location = "https://example.org/packages"
            [[runner]]
            name = "hook-python"
            hooks = ["api-post-deploy"]
            programs = ["home", "/usr/bin/python3"]
            [[grant]]
            package = "ganglia"
            programs = ["/usr/bin/systemctl", "image:/usr/sbin/chkconfig"]
            [journal]
            keep = "1 year"
            keep_failed = "2y"
            "#,
        )
        .unwrap();
        let variables = directory.path().join("env.d");
        fs::create_dir(&variables).unwrap();
        fs::write(variables.join("20-b.conf"), "SGE_ROOT=/opt/sge\nA=2\n").unwrap();
        fs::write(variables.join("10-a.conf"), "# comment\n\n A=1\nB=\"x y\"\nC='$HOME'\r\nD=a=b\n").unwrap();
        fs::write(variables.join("README"), "no variables").unwrap();
        let config = Config::load(directory.path()).unwrap();
        assert_eq!(config.limits.hook_timeout().limit, Duration::from_secs(90));
        assert_eq!(
            config.limits.package_manager_timeout(),
            Timeout { limit: Duration::from_secs(3600), grace: Duration::from_secs(10) }
        );
        let (told, default) = (config.concurrency(None), Config::default().concurrency(None));
        assert_eq!((told.jobs.get(), told.package_source.map(NonZeroUsize::get)), (8, Some(4)));
        assert_eq!((default.jobs.get(), default.package_source), (1, None));
        assert_eq!(config.concurrency("2".parse().ok()).jobs.get(), 2, "the command line comes first");
        let JournalSettings { keep, keep_failed } = config.journal;
        assert_eq!(
            (keep.unwrap() * 2, keep_failed),
            (Duration::from_secs(730 * 86_400), keep.map(|it| it * 2))
        );
        assert_eq!(config.runners[0].programs[0].to_string(), "home");
        assert_eq!(config.grants[0].programs[1].to_string(), "image:/usr/sbin/chkconfig");
        let target = |address: &str| Target {
            id: opkg_oda::TargetId(1),
            address: address.parse().unwrap(),
            root: None,
            image: None,
        };
        let sources = |address| {
            config.repositories_for(&target(address)).map(|it| it.location.clone()).collect::<Vec<_>>()
        };
        assert_eq!(sources("server:head"), ["/srv/packages", "https://example.org/packages"]);
        assert_eq!(sources("image:compute"), ["/srv/packages", "https://example.org/packages"]);
        assert_eq!(sources("image:login"), ["https://example.org/packages"]);
        let variables: Vec<_> =
            config.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(variables, ["B=x y", "C=$HOME", "D=a=b", "SGE_ROOT=/opt/sge", "A=2"]);
    }

    #[test]
    fn what_others_can_write_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let set_mode =
            |path: &Path, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        for writable in ["", "opm.toml", "env.d", "env.d/10-a.conf", "answers.d", "answers.d/demo.toml"] {
            let directory = tempfile::tempdir().unwrap();
            for (name, text) in [("opm.toml", ""), ("env.d/10-a.conf", "A=1\n"), ("answers.d/demo.toml", "")]
            {
                let path = directory.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                set_mode(path.parent().unwrap(), 0o755);
                fs::write(&path, text).unwrap();
                set_mode(&path, 0o644);
            }
            Config::load(directory.path()).unwrap();
            let path = directory.path().join(writable);
            set_mode(&path, path.metadata().unwrap().permissions().mode() | 0o002);
            let error = Config::load(directory.path()).unwrap_err();
            assert!(matches!(error, ConfigError::Untrusted(_)), "{writable}: {error}");
            assert!(error.to_string().contains("everybody can write it"), "{error}");
        }
    }

    #[test]
    fn mistakes_are_shown() {
        let flaws: Vec<String> = [
            "log_dir = \"/x\"",
            "log_directory = \"x\"",
            "results_directory = \"x\"",
            "[limits]\nhook = \"30\"",
            "[limits]\nhook = \"0s\"",
            "[limits]\nhook = 30",
            "jobs = 0",
            "jobs = 513",
            "jobs = \"4\"",
            "[limits]\npackage_source = -1",
            "[[repository]]\nlocation = \"packages\"",
            "[[repository]]\nlocation = \"/x\"\ntargets = [\"node\"]",
            "[[repository]]\nlocation = \"/x\"\ntargets = [\"node:x\"]",
            "[[repository]]\nunauthenticated = true",
            "[[grant]]\npackage = \"a b\"\nprograms = []",
            "[[grant]]\npackage = \"a\"\nprograms = [\"../x\"]",
            "[[runner]]\nhooks = []",
            "[groups]\nrack3 = 3",
            "[groups]\nrack3 = \"node[1-\"",
            "[groups]\nrack3 = [\"node1\", \"rack:1\"]",
            "[groups]\n\"a,b\" = \"node1\"",
            "[group_sources]\nslurm = \"slurm.conf\"",
            "[group_sources]\ngenders = 1",
            "[group_sources]\nnis = false",
            "[journal]\nkeep = \"a year\"",
            "[journal]\nkeep-failed = \"1 year\"",
            "[web.people]\nada = \"root\"",
            "[web]\ndefault = true",
            "verbose",
        ]
        .into_iter()
        .map(|text| Config::parse(text).unwrap_err().to_string())
        .collect();
        insta::assert_snapshot!(flaws.join("\n\n"));
    }
}
