//! Which runner a hook gets, and what comes of it.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use opkg_runtime::hook::{self, Failure, Runner};
use opkg_runtime::{Fault, Origin, Registry};

use super::config::Config;
use super::executor::Executor;
use super::grants::Trust;
use super::hooks::Call;
use super::log::Log;
use super::process::How;
use super::service::{Interruption, Listener, Service, target};

/// How a component begins: it is its own runner.
const COMPONENT: &[u8] = b"\0asm";

/// How tests are called where hooks have their names.
pub(super) const TESTS: &str = "test";

/// Bytes of a file that runners are told by.
const BEGINNING: usize = 64;

/// All that hooks are run with.
#[derive(Clone, Copy)]
pub(super) struct Runners<'a> {
    pub(super) registry: &'a Registry,
    pub(super) config: &'a Config,
    pub(super) executor: &'a Executor,
}

/// What came of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ran {
    /// It did what it should.
    Done,
    /// The run is to stop at once.
    Stopped,
    /// It failed.
    Failed {
        /// Why, in one line that names the hook.
        reason: String,
        /// How its program ended, or itself.
        how: How,
    },
}

/// A runner for a hook.
struct Chosen {
    runner: Runner,
    /// Whether it is the hook itself.
    own: bool,
    trust: Trust,
}

impl Runners<'_> {
    /// Runs the first of the files that serve a hook, or all that are tests. What it tells of its parts, `listener`
    /// hears.
    pub(super) fn run(&self, call: &Call<'_>, log: &mut Log, listener: &mut dyn Listener) -> Ran {
        let Some(file) = call.candidates.first() else { return Ran::Done };
        let chosen = match self.choose(call, file) {
            Ok(chosen) => chosen,
            Err(reason) => {
                log.begin(&file.display().to_string());
                let how = How::NotStarted(reason);
                log.note(&how.to_string());
                return Ran::Failed { reason: format!("{} {how}", call.title), how };
            }
        };
        if chosen.own {
            log.begin(&format!("{} (component {})", file.display(), chosen.runner.description().title()));
        }
        let mut service = Service::new(self.config, self.executor, call, chosen.trust.clone(), log, listener);
        // A program may use up the hook's time, and the component is to hear of it.
        let patience = call.patience;
        let whole = patience.limit + patience.grace + self.registry.limits().time;
        let answer = chosen.runner.run(&question(call), whole, &mut service);
        let interruption = service.finish();
        let ran = match (interruption, answer) {
            (Some(Interruption::Stopped), _) => return Ran::Stopped,
            (Some(Interruption::TimedOut), answer) => Ran::timed_out(call, answer.ok().and_then(Result::err)),
            (None, Ok(Ok(_))) => return Ran::Done,
            (None, Ok(Err(failure))) => Ran::failed(call, failure),
            (None, Err(fault)) => Ran::broken(call, &chosen, &fault),
        };
        if let (Ran::Failed { reason, .. }, true) = (&ran, chosen.own) {
            log.note(reason);
        }
        ran
    }

    /// The runner of a file: itself, else the one that the administrator wants, else the first that takes it.
    fn choose(&self, call: &Call<'_>, file: &Path) -> Result<Chosen, String> {
        let shown = file.display();
        let beginning = call
            .root
            .beginning(file, BEGINNING)
            .map_err(|error| format!("{shown} cannot be read: {error}"))?;
        if beginning.starts_with(COMPONENT) {
            let most = self.registry.limits().component;
            let bytes =
                call.root.read(file, most).map_err(|error| format!("{shown} cannot be read: {error}"))?;
            let runner = self.registry.hook(&file_name(file), bytes).map_err(|error| match error.help() {
                Some(help) => format!("{shown} {}; {help}", error.problem),
                None => format!("{shown} {}", error.problem),
            })?;
            let grants = self.config.grants.iter().filter(|it| it.covers(call.package(), call.name));
            let programs = grants.flat_map(|it| it.programs.iter().cloned()).collect();
            return Ok(Chosen { runner, own: true, trust: Trust::Granted(programs) });
        }
        let choice = self.config.runners.iter().find(|it| it.covers(call.package(), call.name));
        let name = file_name(file);
        let mut runners = self.registry.runners();
        let found = match choice {
            Some(choice) => runners.find(|(_, it)| it.id == choice.name).ok_or_else(|| {
                format!(
                    "there is no hook runner {}, which opm.toml wants for it: see `opm plugin list`",
                    choice.name
                )
            })?,
            None => runners.find(|(_, it)| it.takes(&name, &beginning)).ok_or_else(|| {
                format!("{shown} is no program, and has no `#!` line that names its interpreter")
            })?,
        };
        let entry = found.0;
        let runner = self.registry.runner(entry).map_err(|error| error.to_string())?;
        let trust = match (choice, entry.origin()) {
            (_, Origin::Embedded) if call.name == TESTS => Trust::Definitions,
            (_, Origin::Embedded) => Trust::OwnFiles,
            (Some(choice), _) => Trust::Named(choice.name.clone(), choice.programs.clone()),
            (None, _) => Trust::Named(found.1.id.clone(), Vec::new()),
        };
        Ok(Chosen { runner, own: false, trust })
    }
}

impl fmt::Debug for Runners<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Runners")
    }
}

impl Ran {
    /// What the runner says of itself is not believed further than it can be shown.
    fn failed(call: &Call<'_>, failure: Failure) -> Self {
        let Failure { message, exit_code, signal, timed_out } = failure;
        let how = match (timed_out, signal, exit_code) {
            (true, ..) => How::TimedOut(call.patience.limit),
            (_, Some(signal), _) => How::Killed(signal),
            (_, _, Some(code)) if code != 0 => How::Exited(code),
            _ => How::NotStarted(message.clone()),
        };
        let message = if message.is_empty() { "failed, and does not say why" } else { &message };
        Self::Failed { reason: format!("{} {message}", call.title), how }
    }

    /// A hook whose time was over, with the failure that it reports itself, if it does.
    fn timed_out(call: &Call<'_>, failure: Option<Failure>) -> Self {
        let how = How::TimedOut(call.patience.limit);
        let message = failure.map(|it| it.message).filter(|it| !it.is_empty()).unwrap_or_else(|| how.to_string());
        Self::Failed { reason: format!("{} {message}", call.title), how }
    }

    fn broken(call: &Call<'_>, chosen: &Chosen, fault: &Fault) -> Self {
        let how = match fault {
            Fault::TooLong(limit) => How::TimedOut(*limit),
            fault => How::NotStarted(fault.to_string()),
        };
        let title = &call.title;
        let reason = match chosen.own {
            true => format!("{title} {fault}"),
            false => format!("{title} failed: its runner {} {fault}", chosen.runner.description().title()),
        };
        Self::Failed { reason, how }
    }
}

/// The hook, in the words of the interface.
fn question(call: &Call<'_>) -> hook::Call {
    let about = call.about;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    hook::Call {
        opkg: about.package.map(|it| it.name.to_string()).unwrap_or_default(),
        version: about.package.and_then(|it| it.version.clone()).unwrap_or_default(),
        name: call.name.to_owned(),
        stage: about.stage.name().to_owned(),
        run: about.marks.run.0.to_string(),
        target: target(about.target),
        image: about.image.map(|(name, _)| name.to_owned()),
        home: text(&call.home),
        candidates: call
            .candidates
            .iter()
            .map(|it| text(it.strip_prefix(&call.home).unwrap_or(it)))
            .collect(),
        arguments: call.arguments.iter().map(|it| it.to_string_lossy().into_owned()).collect(),
        time_limit: call.patience.limit.max(Duration::from_secs(1)).as_secs(),
    }
}

fn file_name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
