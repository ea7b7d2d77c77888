//! The package manager of a target, driven by the plugin that knows its distribution.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use opkg_interface::DistributionDescription;
use opkg_interface::package_manager::{
    Command, Failure, Installed, Offer, PackageRequest, Place, Repository, SideEffect, SideEffectKind,
};
use opkg_oda::Target;
use opkg_runtime::{CallError, CommandsError, DistributionPlugin, LoadError, Registry};

use super::installed_set::InstalledSet;
use super::os_release::{OsRelease, OsReleaseError};
use super::package_manager_error::PackageManagerError;
use crate::config::Config;
use crate::hooks::{self, Environment, set_variable};
use crate::process::{
    DEFAULT_PATH, ExecRequest, Executor, OutputMode, ProcessTag, SharedDir, StepLog, Termination,
    find_in_path,
};
use crate::roots::{TargetRoot, TempFiles, remove_leftovers};

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

/// Whether a command reads what package sources have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SourceNeed {
    Reads,
    DoesWithout,
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
                name: repository.name.clone(),
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
        self.run_all(&commands, SourceNeed::Reads, context, log).map(drop)
    }

    /// Installs packages, in one transaction. Returns what was printed.
    pub(crate) fn install(
        &self,
        packages: &[PackageRequest],
        context: &ManagerContext<'_>,
        log: &mut StepLog,
    ) -> Result<String, PackageManagerError> {
        let commands = self.plugin.install(packages, &self.place)?;
        self.run_all(&commands, SourceNeed::Reads, context, log)
    }

    /// Installs packages once more in the version that is there. Returns what was printed.
    pub(crate) fn reinstall(
        &self,
        packages: &[PackageRequest],
        context: &ManagerContext<'_>,
        log: &mut StepLog,
    ) -> Result<String, PackageManagerError> {
        let commands = self.plugin.reinstall(packages, &self.place)?;
        self.run_all(&commands, SourceNeed::Reads, context, log)
    }

    /// Why a command did not do what it should that said that it did.
    ///
    /// # Errors
    /// The plugin fails.
    pub(crate) fn explain_omission(&self, printed: &str) -> Result<Vec<Failure>, PackageManagerError> {
        Ok(self.plugin.explain(printed, false).map_err(CommandsError::from)?)
    }

    /// Which versions of packages the package sources have, of each the newest first; nothing where the manager cannot
    /// tell.
    pub(crate) fn offers(
        &self,
        packages: &[String],
        context: &ManagerContext<'_>,
        log: &mut StepLog,
    ) -> Result<Option<Vec<Offer>>, PackageManagerError> {
        let commands = self.plugin.offers(packages, &self.place)?;
        let Some(printed) = self.run_for_answer(&commands, SourceNeed::Reads, context, log)? else {
            return Ok(None);
        };
        let mut offers = self.plugin.parse_offers(&printed)?;
        offers.retain(|offer| packages.contains(&offer.name));
        Ok(Some(offers))
    }

    /// Makes sure that an installation does nothing that nobody asked for. To downgrade a package is asked for with its
    /// version, and else not.
    pub(crate) fn simulate(
        &self,
        packages: &[PackageRequest],
        context: &ManagerContext<'_>,
        log: &mut StepLog,
    ) -> Result<(), PackageManagerError> {
        let commands = self.plugin.simulate(packages, &self.place)?;
        let Some(printed) = self.run_for_answer(&commands, SourceNeed::Reads, context, log)? else {
            return Ok(());
        };
        let mut side_effects = self.plugin.parse_simulation(&printed)?;
        side_effects.retain(|effect| !is_asked_for(effect, packages));
        side_effects.sort();
        side_effects.dedup();
        if side_effects.is_empty() { Ok(()) } else { Err(PackageManagerError::SideEffects(side_effects)) }
    }

    /// Removes packages.
    pub(crate) fn remove(
        &self,
        packages: &[String],
        context: &ManagerContext<'_>,
        log: &mut StepLog,
    ) -> Result<(), PackageManagerError> {
        let commands = self.plugin.remove(packages, &self.place)?;
        self.run_all(&commands, SourceNeed::DoesWithout, context, log).map(drop)
    }

    /// Brings packages that are incomplete to an end. What goes wrong with that is no error, but returned.
    ///
    /// # Errors
    /// Something passes by itself, or the run is to stop.
    pub(crate) fn repair(
        &self,
        packages: &[Installed],
        context: &ManagerContext<'_>,
        log: &mut StepLog,
    ) -> Result<Vec<Failure>, PackageManagerError> {
        let mut failures = Vec::new();
        for command in self.plugin.repair(packages, &self.place)? {
            // A status that is no failure for the manager may be one for a package.
            let strict = Command { success: vec![0], ..command };
            match self.run_command(&strict, OutputMode::Log, SourceNeed::DoesWithout, context, log) {
                Ok(_) => {}
                Err(error) if error.is_stop() || error.is_transient() => return Err(error),
                Err(error) => failures.extend_from_slice(error.failures()),
            }
        }
        Ok(failures)
    }

    /// The package sources that are directories, for a command to see. Those that are not there are in the way of what reads
    /// them, and of nothing else.
    fn shared_dirs(&self, needs: SourceNeed) -> Result<Vec<SharedDir>, PackageManagerError> {
        let mut shared = Vec::new();
        for path in &self.local_repositories {
            match (check_source(path), needs) {
                (Ok(()), _) => shared.push(SharedDir { path: path.clone(), writable: false }),
                (Err(error), SourceNeed::Reads) => return Err(error),
                (Err(_), SourceNeed::DoesWithout) => {}
            }
        }
        Ok(shared)
    }

    /// What is installed.
    pub(crate) fn query(
        &self,
        context: &ManagerContext<'_>,
        log: &mut StepLog,
    ) -> Result<InstalledSet, PackageManagerError> {
        let commands = self.plugin.query(&self.place)?;
        let answer = self.run_for_answer(&commands, SourceNeed::DoesWithout, context, log)?;
        let answer = answer.ok_or(PackageManagerError::NoQueryCommand)?;
        Ok(self.plugin.parse_query(&answer)?.into_iter().collect())
    }

    /// Runs commands. Returns the standard output of each, if there are any.
    fn run_for_answer(
        &self,
        commands: &[Command],
        needs: SourceNeed,
        context: &ManagerContext<'_>,
        log: &mut StepLog,
    ) -> Result<Option<Vec<String>>, PackageManagerError> {
        if commands.is_empty() {
            return Ok(None);
        }
        let answer = |command: &Command| {
            let printed = self.run_command(command, OutputMode::CaptureStdout, needs, context, log)?;
            String::from_utf8(printed).map_err(|_| PackageManagerError::NotUtf8(command.argv[0].clone()))
        };
        commands.iter().map(answer).collect::<Result<_, _>>().map(Some)
    }

    /// Runs commands. Returns what they printed.
    fn run_all(
        &self,
        commands: &[Command],
        needs: SourceNeed,
        context: &ManagerContext<'_>,
        log: &mut StepLog,
    ) -> Result<String, PackageManagerError> {
        let mut printed = String::new();
        for command in commands {
            self.run_command(command, OutputMode::Log, needs, context, log)?;
            printed.push_str(&log.command_output());
        }
        Ok(printed)
    }

    fn run_command(
        &self,
        command: &Command,
        output_mode: OutputMode,
        needs: SourceNeed,
        context: &ManagerContext<'_>,
        log: &mut StepLog,
    ) -> Result<Vec<u8>, PackageManagerError> {
        let leftovers = remove_leftovers(context.root).map_err(|error| {
            let root = context.root.path().to_owned();
            PackageManagerError::Leftovers { root, error }
        })?;
        for path in leftovers {
            let path = path.to_string_lossy();
            log.note(&format!("removed {}, which a run had left that was killed", path.escape_debug()));
        }
        let shared_dirs = self.shared_dirs(needs)?;
        let mut files = TempFiles::recorded(context.root);
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
            shared_dirs,
            timeout: context.config.limits.package_manager_timeout(),
            output: output_mode,
            account: None,
        };
        let output = context.executor.run(context.root, &request, log);
        let succeeded =
            matches!(output.termination, Termination::Exited(code) if command.success.contains(&code));
        let failures = match output.termination {
            Termination::NotStarted(_) | Termination::Stopped => Vec::new(),
            _ => {
                let printed = format!("{}{}", log.command_output(), String::from_utf8_lossy(&output.stdout));
                self.plugin.explain(&printed, succeeded).map_err(CommandsError::from)?
            }
        };
        if succeeded && failures.is_empty() {
            return Ok(output.stdout);
        }
        Err(PackageManagerError::Command {
            program: command.argv[0].clone(),
            termination: output.termination,
            failures,
            last_line: log.last_line(),
        })
    }
}

/// Whether there is a directory that a package source could be.
fn check_source(path: &Path) -> Result<(), PackageManagerError> {
    match path.metadata() {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => {
            let error = io::ErrorKind::NotADirectory.into();
            Err(PackageManagerError::UnusableSource { path: path.to_owned(), error })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(PackageManagerError::MissingSource(path.to_owned()))
        }
        Err(error) => Err(PackageManagerError::UnusableSource { path: path.to_owned(), error }),
    }
}

fn is_asked_for(effect: &SideEffect, packages: &[PackageRequest]) -> bool {
    packages.iter().any(|package| {
        package.name == effect.name && (effect.kind != SideEffectKind::Downgrade || package.version.is_some())
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_was_named_with_a_version_is_downgraded() {
        let request = |name: &str, version: Option<&str>| PackageRequest {
            name: name.into(),
            version: version.map(str::to_owned),
        };
        let packages = [request("chosen", Some("1-1")), request("newest", None)];
        let is_asked = |name: &str, kind: SideEffectKind| {
            is_asked_for(&SideEffect { name: name.into(), kind }, &packages)
        };
        assert!(is_asked("chosen", SideEffectKind::Downgrade));
        assert!(is_asked("newest", SideEffectKind::Replace));
        for (name, kind) in [
            ("newest", SideEffectKind::Downgrade),
            ("other", SideEffectKind::Downgrade),
            ("other", SideEffectKind::Remove),
            ("other", SideEffectKind::Replace),
        ] {
            assert!(!is_asked(name, kind), "{kind:?} {name}");
        }
    }
}
