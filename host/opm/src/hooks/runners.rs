//! Which runner a hook gets, and what comes of it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use opkg_runtime::hook::{self, Failure, Runner};
use opkg_runtime::{ExecutionError, ExecutionErrorKind, LoadError, LoadErrorKind, Origin, Registry};

use super::host::{HookHost, Interruption, Listener, to_hook_target};
use super::invocation::HookInvocation;
use crate::config::{Config, ExecPolicy};
use crate::process::{ExecutableError, Executor, StepLog, Termination};

/// How a component begins: it is its own runner.
const WASM_MAGIC: &[u8] = b"\0asm";

/// How tests are called where hooks have their names.
pub(crate) const TEST_HOOK: &str = "test";

/// Bytes of a file that runners are told by.
const SNIFF_BYTES: usize = 64;

/// All that hooks are run with.
#[derive(Clone, Copy)]
pub(crate) struct HookRunners<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) config: &'a Config,
    pub(crate) executor: &'a Executor,
}

/// What came of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HookOutcome {
    /// It did what it should, or there is none.
    Done,
    /// The run is to stop at once.
    Stopped,
    /// It failed.
    Failed {
        /// Why, in one line that names the hook.
        reason: String,
        /// How its program ended, or itself.
        termination: Termination,
    },
}

/// Why no runner serves a hook.
#[derive(Debug, thiserror::Error)]
enum SelectError {
    #[error("{} cannot be read: {error}", .file.display())]
    Unreadable { file: PathBuf, error: io::Error },
    #[error("{} {problem}{help}", .file.display())]
    Component { file: PathBuf, problem: LoadErrorKind, help: String },
    #[error("there is no hook runner {0}, which opm.toml names: see `opm plugin list`")]
    UnknownRunner(String),
    #[error(transparent)]
    NoRunner(#[from] ExecutableError),
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// A runner for a hook.
struct SelectedRunner {
    runner: Runner,
    /// Whether it is the hook itself.
    is_component: bool,
    policy: ExecPolicy,
}

impl HookRunners<'_> {
    /// Runs the first of the files that serve a hook, or all that are tests. What it tells of its parts, `listener`
    /// hears.
    pub(crate) fn run(
        &self,
        call: &HookInvocation<'_>,
        log: &mut StepLog,
        listener: &mut dyn Listener,
    ) -> HookOutcome {
        let Some(file) = call.candidates.first() else { return HookOutcome::Done };
        // Compiling a component is a part of its time.
        let begun = Instant::now();
        let selected = match self.select(call, file) {
            Ok(selected) => selected,
            Err(error) => {
                log.begin_command(&file.display().to_string());
                let termination = Termination::NotStarted(error.to_string());
                log.note(&termination.to_string());
                let reason = format!("{} {termination}", call.display_name);
                return HookOutcome::Failed { reason, termination };
            }
        };
        if selected.is_component {
            log.begin_command(&format!(
                "{} (component {})",
                file.display(),
                selected.runner.description().name_and_version()
            ));
        }
        let mut host =
            HookHost::new(self.config, self.executor, call, selected.policy.clone(), log, listener);
        let used = begun.elapsed();
        host.use_time(used);
        // A program may use up the hook's time, and the component is to hear of it.
        let limit =
            call.timeout.limit.saturating_sub(used) + call.timeout.grace + self.registry.limits().timeout;
        let answer = selected.runner.run(&to_hook_call(call), limit, &mut host);
        let interruption = host.finish();
        let outcome = match (interruption, answer) {
            (Some(Interruption::Stopped), _) => return HookOutcome::Stopped,
            (Some(Interruption::TimedOut), answer) => {
                HookOutcome::from_timeout(call, answer.ok().and_then(Result::err))
            }
            (None, Ok(Ok(_))) => return HookOutcome::Done,
            (None, Ok(Err(failure))) => HookOutcome::from_failure(call, failure),
            (None, Err(error)) => HookOutcome::from_execution_error(call, &selected, &error),
        };
        if let (HookOutcome::Failed { reason, .. }, true) = (&outcome, selected.is_component) {
            log.note(reason);
        }
        outcome
    }

    /// The runner of a file: itself, else the one that the administrator wants, else the first that takes it.
    fn select(&self, call: &HookInvocation<'_>, file: &Path) -> Result<SelectedRunner, SelectError> {
        let unreadable = |error| SelectError::Unreadable { file: file.to_owned(), error };
        let beginning = call.root.read_prefix(file, SNIFF_BYTES).map_err(unreadable)?;
        if beginning.starts_with(WASM_MAGIC) {
            let most = self.registry.limits().component_bytes;
            let bytes = call.root.read(file, most).map_err(unreadable)?;
            let runner =
                self.registry.hook(&file_name(file), bytes, call.timeout.limit).map_err(|error| {
                    let help = error.help().map_or_else(String::new, |help| format!("; {help}"));
                    SelectError::Component { file: file.to_owned(), problem: error.kind, help }
                })?;
            let grants = self.config.grants.iter().filter(|grant| grant.covers(call.package(), call.name));
            let programs = grants.flat_map(|grant| grant.programs.iter().cloned()).collect();
            return Ok(SelectedRunner {
                runner,
                is_component: true,
                policy: ExecPolicy::Component(programs),
            });
        }
        let rule = self.config.runners.iter().find(|rule| rule.covers(call.package(), call.name));
        let name = file_name(file);
        let mut runners = self.registry.runners();
        let (entry, description) = match rule {
            Some(rule) => runners
                .find(|(_, runner)| runner.id == rule.name)
                .ok_or_else(|| SelectError::UnknownRunner(rule.name.clone()))?,
            None => runners
                .find(|(_, runner)| runner.accepts(&name, &beginning))
                .ok_or_else(|| ExecutableError::NoInterpreter(file.to_owned()))?,
        };
        let runner = self.registry.runner(entry)?;
        let policy = match (rule, entry.origin()) {
            (_, Origin::Embedded) if call.name == TEST_HOOK => ExecPolicy::TestDefinitions,
            (_, Origin::Embedded) => ExecPolicy::PackageFiles,
            (Some(rule), _) => ExecPolicy::PluginRunner(rule.name.clone(), rule.programs.clone()),
            (None, _) => ExecPolicy::PluginRunner(description.id.clone(), Vec::new()),
        };
        Ok(SelectedRunner { runner, is_component: false, policy })
    }
}

impl fmt::Debug for HookRunners<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookRunners")
    }
}

impl HookOutcome {
    /// What the runner says of itself is not believed further than it can be shown.
    fn from_failure(call: &HookInvocation<'_>, failure: Failure) -> Self {
        let Failure { message, exit_code, signal, timed_out } = failure;
        let termination = match (timed_out, signal, exit_code) {
            (true, ..) => Termination::TimedOut(call.timeout.limit),
            (_, Some(signal), _) => Termination::Signaled(signal),
            (_, _, Some(code)) if code != 0 => Termination::Exited(code),
            _ => Termination::NotStarted(message.clone()),
        };
        let message = if message.is_empty() { "failed without a reason" } else { &message };
        Self::Failed { reason: format!("{} {message}", call.display_name), termination }
    }

    /// A hook whose time was over, with the failure that it reports itself, if it does.
    fn from_timeout(call: &HookInvocation<'_>, failure: Option<Failure>) -> Self {
        let termination = Termination::TimedOut(call.timeout.limit);
        let message = failure
            .map(|failure| failure.message)
            .filter(|message| !message.is_empty())
            .unwrap_or_else(|| termination.to_string());
        Self::Failed { reason: format!("{} {message}", call.display_name), termination }
    }

    fn from_execution_error(
        call: &HookInvocation<'_>,
        selected: &SelectedRunner,
        error: &ExecutionError,
    ) -> Self {
        let termination = match &error.kind {
            ExecutionErrorKind::Timeout(limit) => Termination::TimedOut(*limit),
            kind => Termination::NotStarted(kind.to_string()),
        };
        let title = &call.display_name;
        let reason = match selected.is_component {
            true => format!("{title} {error}"),
            false => format!(
                "{title} failed: its runner {} {error}",
                selected.runner.description().name_and_version()
            ),
        };
        Self::Failed { reason, termination }
    }
}

/// The hook, in the words of the interface.
fn to_hook_call(call: &HookInvocation<'_>) -> hook::Call {
    let context = call.context;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    hook::Call {
        opkg: context.package.map(|it| it.name.to_string()).unwrap_or_default(),
        version: context.package.and_then(|it| it.version.clone()).unwrap_or_default(),
        name: call.name.to_owned(),
        stage: context.stage.name().to_owned(),
        run: context.tag.run.0.to_string(),
        target: to_hook_target(context.target),
        image: context.image.map(|(name, _)| name.to_owned()),
        home: text(&call.home),
        candidates: call
            .candidates
            .iter()
            .map(|it| text(it.strip_prefix(&call.home).unwrap_or(it)))
            .collect(),
        arguments: call.arguments.iter().map(|it| it.to_string_lossy().into_owned()).collect(),
        timeout: call.timeout.limit.max(Duration::from_secs(1)).as_secs(),
        attributes: Vec::new(),
    }
}

fn file_name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
