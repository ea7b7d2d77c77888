//! The package manager of a target, driven by the plugin that knows its distribution.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use opkg_oda::Target;
use opkg_runtime::package_manager::{Command, Installed, Place, Repository};
use opkg_runtime::{Description, ManagerError, Plugin, Registry};

use super::config::Config;
use super::executor::{Executor, Job, PATH, explain};
use super::hooks;
use super::log::Log;
use super::marks::Marks;
use super::process::{How, Output};
use super::release::Release;
use super::root::{Additions, Root};
use super::start;

/// Why a package manager did not do what it was to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// One line.
    pub(super) reason: String,
    /// How the program ended, where it was one that failed.
    pub(super) how: Option<How>,
}

impl Failure {
    fn refused(error: &ManagerError) -> Self {
        Self { reason: error.to_string(), how: None }
    }
}

/// A package manager.
#[derive(Debug)]
pub(super) struct Manager {
    plugin: Plugin,
    place: Place,
    /// Those of its package sources that are directories of this machine.
    directories: Vec<PathBuf>,
}

/// What its programs run with.
#[derive(Debug)]
pub(super) struct Tools<'a> {
    /// Runs them.
    pub(super) executor: &'a Executor,
    /// The administrator's wishes.
    pub(super) config: &'a Config,
    /// The root that they are about.
    pub(super) root: &'a Root,
    /// For which run.
    pub(super) marks: &'a Marks,
}

impl Manager {
    /// The one that serves a root.
    ///
    /// # Errors
    /// One line: nobody knows the distribution there.
    pub(super) fn find(
        registry: &Registry,
        root: &Root,
        target: &Target,
        config: &Config,
    ) -> Result<Self, String> {
        let distribution = Release::read(root)?.target(registry)?;
        let plugin = registry.load(&distribution).map_err(|error| error.to_string())?;
        let programs = plugin.programs().map_err(|error| error.to_string())?;
        let found = |name: &String| start::find(OsStr::new(name), OsStr::new(PATH)).is_some();
        let path = root
            .path()
            .to_str()
            .ok_or("the path of the root is not UTF-8, which no package manager could be told")?;
        let repositories = config.repositories_of(target);
        let repositories: Vec<Repository> = repositories
            .map(|it| Repository { location: it.location.clone(), unauthenticated: it.unauthenticated })
            .collect();
        let directories = repositories
            .iter()
            .map(|it| &it.location)
            .filter(|it| it.starts_with('/'))
            .map(PathBuf::from)
            .collect();
        let place = Place {
            root: if root.is_system() { "/".to_owned() } else { path.to_owned() },
            repositories,
            version: distribution.version,
            arch: distribution.arch.unwrap_or(distribution.machine),
            available: programs.into_iter().filter(found).collect(),
        };
        Ok(Self { plugin, place, directories })
    }

    /// The distribution that it belongs to.
    pub(super) fn distribution(&self) -> &Description {
        self.plugin.description()
    }

    /// Reads anew what the package sources have.
    pub(super) fn refresh(&self, tools: &Tools<'_>, log: &mut Log) -> Result<(), Failure> {
        let commands = self.plugin.refresh(&self.place).map_err(|error| Failure::refused(&error))?;
        self.all(&commands, tools, log)
    }

    /// Installs packages, in one transaction.
    pub(super) fn install(
        &self,
        packages: &[String],
        tools: &Tools<'_>,
        log: &mut Log,
    ) -> Result<(), Failure> {
        let commands =
            self.plugin.install(packages, &self.place).map_err(|error| Failure::refused(&error))?;
        self.all(&commands, tools, log)
    }

    /// Removes packages.
    pub(super) fn remove(
        &self,
        packages: &[String],
        tools: &Tools<'_>,
        log: &mut Log,
    ) -> Result<(), Failure> {
        let commands = self.plugin.remove(packages, &self.place).map_err(|error| Failure::refused(&error))?;
        self.all(&commands, tools, log)
    }

    /// What of these packages, or of all if none is named, is installed, by name.
    pub(super) fn query(
        &self,
        packages: &[String],
        tools: &Tools<'_>,
        log: &mut Log,
    ) -> Result<BTreeMap<String, Installed>, Failure> {
        let commands = self.plugin.query(packages, &self.place).map_err(|error| Failure::refused(&error))?;
        let nothing =
            || Failure { reason: "the plugin has no command that tells what is installed".into(), how: None };
        let (last, before) = commands.split_last().ok_or_else(nothing)?;
        self.all(before, tools, log)?;
        let answer = self.one(last, Output::Answer, tools, log)?;
        let installed = String::from_utf8(answer)
            .map_err(|_| Failure {
                reason: format!("{} printed something that is not UTF-8", last.argv[0]),
                how: None,
            })
            .and_then(|answer| self.plugin.parse_query(&answer).map_err(|error| Failure::refused(&error)))?;
        Ok(installed.into_iter().map(|it| (it.name.clone(), it)).collect())
    }

    fn all(&self, commands: &[Command], tools: &Tools<'_>, log: &mut Log) -> Result<(), Failure> {
        commands.iter().try_for_each(|command| self.one(command, Output::Logged, tools, log).map(drop))
    }

    fn one(
        &self,
        command: &Command,
        output: Output,
        tools: &Tools<'_>,
        log: &mut Log,
    ) -> Result<Vec<u8>, Failure> {
        let mut files = Additions::new(tools.root);
        for file in &command.files {
            let written = files.file(Path::new(&file.path), file.contents.as_bytes(), file.executable);
            written.map_err(|error| Failure {
                reason: format!(
                    "{} cannot be written in the root {}: {error}",
                    file.path,
                    tools.root.path().display()
                ),
                how: None,
            })?;
        }
        let job = Job {
            argv: command.argv.iter().map(Into::into).collect(),
            environment: environment(tools, &command.env),
            directory: "/".into(),
            inside: command.in_root,
            shared: self.directories.clone(),
            patience: tools.config.limits.of_package_managers(),
            output,
            account: None,
        };
        let ended = tools.executor.run(tools.root, &job, log);
        let succeeded = matches!(ended.how, How::Exited(code) if command.success.contains(&code));
        if succeeded {
            return Ok(ended.answer);
        }
        Err(Failure { reason: explain(&command.argv[0], &ended.how, log), how: Some(ended.how) })
    }
}

fn environment(tools: &Tools<'_>, further: &[(String, String)]) -> Vec<(OsString, OsString)> {
    let mut variables = hooks::basis(tools.config);
    let marks = tools.marks.variables();
    let marks = marks.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in marks.chain(further.iter().map(|(name, value)| (name.as_str(), value.as_str()))) {
        variables.retain(|(known, _)| known != name);
        variables.push((name.into(), value.into()));
    }
    variables
}
