//! The package manager of a target, driven by the plugin that knows its distribution.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use opkg_interface::DistributionDescription;
use opkg_interface::package_manager::{Command, Installed, Place, Repository};
use opkg_oda::Target;
use opkg_runtime::{CallError, CommandsError, DistributionPlugin, LoadError, Registry};

use super::os_release::{OsRelease, OsReleaseError};
use crate::config::Config;
use crate::hooks::{self, Environment, set_variable};
use crate::process::{
    DEFAULT_PATH, ExecRequest, Executor, OutputMode, ProcessTag, StepLog, Termination, describe_failure,
    find_in_path,
};
use crate::roots::{TargetRoot, TempFiles};

/// Why a package manager did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageManagerError {
    #[error(transparent)]
    Plugin(#[from] CommandsError),
    #[error("the plugin has no command that tells what is installed")]
    NoQueryCommand,
    #[error("{0} printed something that is not UTF-8")]
    NotUtf8(String),
    #[error("{path} cannot be written in the root {}: {error}", .root.display())]
    File { path: String, root: PathBuf, error: io::Error },
    #[error("{description}")]
    Command { description: String, termination: Termination },
}

impl PackageManagerError {
    /// How the program ended, where it was one that failed.
    pub(crate) fn termination(&self) -> Option<&Termination> {
        match self {
            Self::Command { termination, .. } => Some(termination),
            _ => None,
        }
    }
}

/// Why no package manager serves a root.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FindManagerError {
    #[error(transparent)]
    Distribution(#[from] OsReleaseError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Plugin(#[from] CallError),
    #[error("the path of the root is not UTF-8, which package managers require")]
    RootNotUtf8,
}

/// A package manager.
#[derive(Debug)]
pub(crate) struct PackageManager {
    plugin: DistributionPlugin,
    /// What the plugin is told of the root.
    place: Place,
    /// Those of its package sources that are directories of this machine.
    local_repositories: Vec<PathBuf>,
}

/// What the programs of a package manager run with.
#[derive(Debug)]
pub(crate) struct ManagerContext<'a> {
    /// Runs its programs.
    pub(crate) executor: &'a Executor,
    /// Limits, package sources and variables.
    pub(crate) config: &'a Config,
    /// The root that packages are installed in.
    pub(crate) root: &'a TargetRoot,
    /// For the environment of its programs.
    pub(crate) tag: &'a ProcessTag,
}

impl PackageManager {
    /// The one that serves a root.
    ///
    /// # Errors
    /// When no plugin knows the distribution there.
    pub(crate) fn find(
        registry: &Registry,
        root: &TargetRoot,
        target: &Target,
        config: &Config,
    ) -> Result<Self, FindManagerError> {
        let distribution = OsRelease::read(root)?.find_target(registry)?;
        let plugin = registry.load(&distribution)?;
        let programs = plugin.programs()?;
        let found = |name: &String| find_in_path(OsStr::new(name), OsStr::new(DEFAULT_PATH)).is_some();
        let path = root.path().to_str().ok_or(FindManagerError::RootNotUtf8)?;
        let repositories = config.repositories_for(target);
        let repositories: Vec<Repository> = repositories
            .map(|repository| Repository {
                location: repository.location.clone(),
                unauthenticated: repository.unauthenticated,
            })
            .collect();
        let directories = repositories
            .iter()
            .map(|repository| &repository.location)
            .filter(|location| location.starts_with('/'))
            .map(PathBuf::from)
            .collect();
        let place = Place {
            root: if root.is_system() { "/".to_owned() } else { path.to_owned() },
            repositories,
            version: distribution.version,
            arch: distribution.arch.unwrap_or(distribution.default_arch),
            available: programs.into_iter().filter(found).collect(),
        };
        Ok(Self { plugin, place, local_repositories: directories })
    }

    /// The distribution that it belongs to.
    pub(crate) fn distribution(&self) -> &DistributionDescription {
        self.plugin.description()
    }

    /// Reads anew what the package sources have.
    pub(crate) fn refresh(
        &self,
        context: &ManagerContext<'_>,
        log: &mut StepLog,
    ) -> Result<(), PackageManagerError> {
        let commands = self.plugin.refresh(&self.place)?;
        self.run_all(&commands, context, log)
    }

    /// Installs packages, in one transaction.
    pub(crate) fn install(
        &self,
        packages: &[String],
        context: &ManagerContext<'_>,
        log: &mut StepLog,
    ) -> Result<(), PackageManagerError> {
        let commands = self.plugin.install(packages, &self.place)?;
        self.run_all(&commands, context, log)
    }

    /// Removes packages.
    pub(crate) fn remove(
        &self,
        packages: &[String],
        context: &ManagerContext<'_>,
        log: &mut StepLog,
    ) -> Result<(), PackageManagerError> {
        let commands = self.plugin.remove(packages, &self.place)?;
        self.run_all(&commands, context, log)
    }

    /// What of these packages, or of all if none is named, is installed, by name.
    pub(crate) fn query(
        &self,
        packages: &[String],
        context: &ManagerContext<'_>,
        log: &mut StepLog,
    ) -> Result<BTreeMap<String, Installed>, PackageManagerError> {
        let commands = self.plugin.query(packages, &self.place)?;
        let (last, before) = commands.split_last().ok_or(PackageManagerError::NoQueryCommand)?;
        self.run_all(before, context, log)?;
        let answer = self.run_command(last, OutputMode::CaptureStdout, context, log)?;
        let answer =
            String::from_utf8(answer).map_err(|_| PackageManagerError::NotUtf8(last.argv[0].clone()))?;
        let installed = self.plugin.parse_query(&answer)?;
        Ok(installed.into_iter().map(|package| (package.name.clone(), package)).collect())
    }

    fn run_all(
        &self,
        commands: &[Command],
        context: &ManagerContext<'_>,
        log: &mut StepLog,
    ) -> Result<(), PackageManagerError> {
        commands
            .iter()
            .try_for_each(|command| self.run_command(command, OutputMode::Log, context, log).map(drop))
    }

    fn run_command(
        &self,
        command: &Command,
        output_mode: OutputMode,
        context: &ManagerContext<'_>,
        log: &mut StepLog,
    ) -> Result<Vec<u8>, PackageManagerError> {
        let mut files = TempFiles::new(context.root);
        for file in &command.files {
            let written = files.write_file(Path::new(&file.path), file.contents.as_bytes(), file.executable);
            written.map_err(|error| PackageManagerError::File {
                path: file.path.clone(),
                root: context.root.path().to_owned(),
                error,
            })?;
        }
        let request = ExecRequest {
            argv: command.argv.iter().map(Into::into).collect(),
            environment: command_environment(context, &command.env),
            working_directory: "/".into(),
            in_root: command.in_root,
            shared_dirs: self.local_repositories.clone(),
            timeout: context.config.limits.package_manager_timeout(),
            output: output_mode,
            account: None,
        };
        let output = context.executor.run(context.root, &request, log);
        let succeeded =
            matches!(output.termination, Termination::Exited(code) if command.success.contains(&code));
        if succeeded {
            return Ok(output.stdout);
        }
        let description = describe_failure(&command.argv[0], &output.termination, log);
        Err(PackageManagerError::Command { description, termination: output.termination })
    }
}

fn command_environment(context: &ManagerContext<'_>, further: &[(String, String)]) -> Environment {
    let mut variables = hooks::base_environment(context.config);
    for (name, value) in context.tag.to_env() {
        set_variable(&mut variables, name, value);
    }
    for (name, value) in further {
        set_variable(&mut variables, name, value);
    }
    variables
}
