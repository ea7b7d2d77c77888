//! Starting engines on nodes that do not look for work themselves, with a command of the site.

use std::io;
use std::path::{Path, PathBuf};

use opkg_oda::RunId;

use crate::config::{Config, LauncherSettings};
use crate::hooks::base_environment;
use crate::process::{ExecRequest, Executor, OutputMode, StepLog, StopToken, Termination, Timeout};
use crate::roots::TargetRoot;
use crate::step_log_paths::StepLogPaths;
use crate::system::SystemOptions;

/// What is no work of a run has its logs here, as audits have.
const NO_RUN: RunId = RunId(0);

/// Starts engines on nodes.
#[derive(Debug, Clone)]
pub struct Launcher {
    settings: LauncherSettings,
    config: Config,
    executor: Executor,
}

/// What came of a launcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchReport {
    /// What went wrong with the command, as the end of a sentence about it, and the last line that it printed.
    pub failure: Option<String>,
    /// What it printed; absent where there is no log.
    pub log: Option<PathBuf>,
}

impl Launcher {
    /// The one that the administrator has configured, if there is one.
    #[must_use]
    pub fn new(config: &Config, options: &SystemOptions) -> Option<Self> {
        let executor =
            Executor { launch_command: options.launch_command.clone(), stop: options.stop.clone() };
        let settings = config.launcher.clone()?;
        Some(Self { settings, config: config.clone(), executor })
    }

    /// When it is started, and for which nodes.
    #[must_use]
    pub fn settings(&self) -> &LauncherSettings {
        &self.settings
    }

    /// The same, stopped by another token.
    #[must_use]
    pub fn stopped_by(mut self, stop: StopToken) -> Self {
        self.executor.stop = stop;
        self
    }

    /// Starts engines on nodes, as [`opkg_engine::hostlist::fold`] writes them, and waits until the command has ended.
    #[must_use]
    pub fn start_engines(&self, nodes: &str) -> LaunchReport {
        match self.run(nodes) {
            Ok(report) => report,
            Err(error) => LaunchReport { failure: Some(format!("was not started: {error}")), log: None },
        }
    }

    fn run(&self, nodes: &str) -> io::Result<LaunchReport> {
        let root = TargetRoot::open(Path::new("/"))?;
        let path = StepLogPaths::new(self.config.log_directory.clone()).free_path(NO_RUN, "launcher");
        let mut log = StepLog::create(&path)?;
        let request = ExecRequest {
            argv: self.settings.command_for(nodes).into_iter().map(Into::into).collect(),
            environment: base_environment(&self.config),
            working_directory: "/".into(),
            in_root: false,
            shared_dirs: Vec::new(),
            timeout: Timeout { limit: self.settings.time_limit, grace: self.config.limits.grace },
            output: OutputMode::Log,
            account: None,
        };
        let output = self.executor.run(&root, &request, &mut log);
        let said =
            log.last_line().map_or_else(String::new, |line| format!(": {}", opkg::escape_hidden(&line)));
        let failure = match output.termination {
            Termination::Exited(0) => None,
            termination => Some(format!("{termination}{said}")),
        };
        log.finish();
        Ok(LaunchReport { failure, log: Some(path) })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A launcher whose command is started by a shell instead of by this program.
    fn launcher(directory: &Path, words: &[&str]) -> Launcher {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let text = format!("log_directory = {:?}\nlauncher = {words:?}", directory.join("log"));
        let config: Config = toml::from_str(&text).unwrap();
        let options = SystemOptions {
            launch_command: [
                "/bin/sh",
                "-c",
                "while [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\"",
                "sh",
            ]
            .map(Into::into)
            .into(),
            ..SystemOptions::new("x".into())
        };
        Launcher::new(&config, &options).unwrap()
    }

    #[test]
    fn nodes_are_one_word_and_what_it_printed_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let launcher = launcher(directory.path(), &["printf", "<%s>", "-w", "{nodes}", "opm"]);
        let report = launcher.start_engines("n[1-2],a b");
        assert_eq!(report.failure, None);
        let printed = fs_err::read_to_string(report.log.unwrap()).unwrap();
        assert!(printed.ends_with("<-w><n[1-2],a b><opm>"), "{printed}");
    }

    #[test]
    fn a_failure_is_named_with_what_was_said_last() {
        let directory = tempfile::tempdir().unwrap();
        let launcher = launcher(directory.path(), &["ls", "/nowhere/{nodes}"]);
        let report = launcher.start_engines("n1");
        let failure = report.failure.unwrap();
        assert!(
            failure.starts_with("ended with exit status") && failure.contains("/nowhere/n1"),
            "{failure}"
        );
        assert!(report.log.unwrap().starts_with(directory.path()));
    }
}
