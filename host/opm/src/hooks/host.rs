//! What the host does for a hook while it runs. Each use is in the log; what was not granted is refused, with what
//! would have to be done for it.

use std::time::{Duration, Instant};

use opkg_oda::TargetKind;
use opkg_runtime::LogLevel;
use opkg_runtime::hook::{
    FileError, HostFunctions, PartOutcome, ProgramResult, Request, Root as HookRoot, SpawnError, Target,
    TargetKind as HookTargetKind,
};
use rustix::fs::{Mode, OFlags};

use super::invocation::HookInvocation;
use super::programs::{self, PreparedExec};
use super::values;
use crate::config::{Config, ExecPolicy};
use crate::process::{ExecRequest, Executor, HumanDuration, StepLog, Termination, Timeout};
use crate::roots::{ScopedDir, TargetRoot};

/// Characters of what a hook made up, in a line of the log.
const MAX_SHOWN_CHARS: usize = 200;

/// One hook that runs.
pub(crate) struct HookHost<'a> {
    config: &'a Config,
    executor: &'a Executor,
    call: &'a HookInvocation<'a>,
    policy: ExecPolicy,
    log: &'a mut StepLog,
    listener: &'a mut dyn Listener,
    home: Option<ScopedDir>,
    image: Option<ScopedDir>,
    /// What its programs, and getting it ready, have used of its time.
    time_used: Duration,
    interruption: Option<Interruption>,
    usage: UsageCounts,
}

/// What ended a hook from outside. It decides the outcome, whatever the hook then says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// The run is to stop at once.
    Stopped,
    /// Its programs used up its time, and one of them was ended for that or not begun.
    TimedOut,
}

/// Is told of the parts of a hook that consists of many.
pub(crate) trait Listener {
    /// A part begins, inside of the one begun last.
    fn begin(&mut self, name: &str, description: &str);
    /// The part begun last ends.
    fn end(&mut self, verdict: &PartOutcome);
}

/// Ignores the parts of a hook: they are in the log.
pub(crate) struct NullListener;

impl Listener for NullListener {
    fn begin(&mut self, _: &str, _: &str) {}
    fn end(&mut self, _: &PartOutcome) {}
}

/// How often a hook used what.
#[derive(Debug, Default)]
struct UsageCounts {
    read: u32,
    written: u32,
    removed: u32,
    listed: u32,
    executed: u32,
    refused: u32,
}

impl<'a> HookHost<'a> {
    pub(crate) fn new(
        config: &'a Config,
        executor: &'a Executor,
        call: &'a HookInvocation<'a>,
        policy: ExecPolicy,
        log: &'a mut StepLog,
        listener: &'a mut dyn Listener,
    ) -> Self {
        Self {
            config,
            executor,
            call,
            policy,
            log,
            listener,
            home: None,
            image: None,
            time_used: Duration::ZERO,
            interruption: None,
            usage: UsageCounts::default(),
        }
    }

    /// Counts what was done before it began in its time.
    pub(crate) fn use_time(&mut self, time: Duration) {
        self.time_used += time;
    }

    /// Says in one line what the hook did. Returns what interrupted it.
    pub(crate) fn finish(self) -> Option<Interruption> {
        if self.logs_operations() {
            let UsageCounts { read, written, removed, listed, executed, refused } = self.usage;
            let counts = [
                (read, "files read"),
                (written, "files written"),
                (removed, "files removed"),
                (listed, "directories listed"),
                (executed, "programs run"),
                (refused, "refused"),
            ];
            let used: Vec<String> = counts
                .iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, what)| format!("{count} {what}"))
                .collect();
            if !used.is_empty() {
                self.log.write(format!("[{}]\n", used.join(", ")).as_bytes());
            }
        }
        self.interruption
    }

    /// Whether each use is logged: what a built-in runner runs logs itself.
    fn logs_operations(&self) -> bool {
        !matches!(self.policy, ExecPolicy::PackageFiles | ExecPolicy::TestDefinitions)
    }

    /// The directory that is meant, opened once.
    fn scoped_dir(&mut self, root: HookRoot) -> Result<&mut ScopedDir, FileError> {
        let open = |root: &TargetRoot, path: &std::path::Path, programs| {
            let directory = root.open_at(path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty());
            directory
                .map(|it| ScopedDir::new(it, programs))
                .map_err(|error| FileError::Other(error.to_string()))
        };
        let (slot, opened) = match root {
            HookRoot::Home => {
                let opened = self.home.is_none().then(|| open(self.call.root, &self.call.home, false));
                (&mut self.home, opened)
            }
            HookRoot::Image => {
                let Some((_, root)) = self.call.context.image else { return Err(FileError::NotGranted) };
                let opened = self.image.is_none().then(|| open(root, std::path::Path::new("/"), true));
                (&mut self.image, opened)
            }
        };
        if let Some(opened) = opened {
            *slot = Some(opened?);
        }
        slot.as_mut().ok_or(FileError::NotGranted)
    }

    /// Does something with a file, and notes it.
    fn file_operation<R>(
        &mut self,
        what: &str,
        (root, path): (HookRoot, &str),
        count: fn(&mut UsageCounts) -> &mut u32,
        task: impl FnOnce(&mut ScopedDir) -> Result<R, FileError>,
    ) -> Result<R, FileError> {
        let result = self.scoped_dir(root).and_then(task);
        match &result {
            Ok(_) => *count(&mut self.usage) += 1,
            Err(FileError::NotFound) => {}
            Err(_) => self.usage.refused += 1,
        }
        let outcome = match &result {
            Ok(_) => String::new(),
            Err(problem) => format!(": {}", describe_file_error(problem)),
        };
        // That tests read their definitions says nothing.
        if self.policy != ExecPolicy::TestDefinitions {
            let root = if root == HookRoot::Home { "home" } else { "image" };
            self.log.note(&format!("{what} {root}: {}{outcome}", sanitize_text(path)));
        }
        result
    }

    fn record_refusal(&mut self, what: &str, refusal: SpawnError) -> SpawnError {
        self.usage.refused += 1;
        let (SpawnError::NotGranted(why) | SpawnError::NotStarted(why)) = &refusal;
        self.log.note(&format!("run {}: {}", sanitize_text(what), sanitize_text(why)));
        refusal
    }
}

impl HostFunctions for HookHost<'_> {
    fn write_log(&mut self, level: LogLevel, text: &str) {
        let prefix = match level {
            LogLevel::Error => "error: ",
            LogLevel::Warn => "warning: ",
            LogLevel::Info => "",
            LogLevel::Debug | LogLevel::Trace if self.config.verbose => "",
            LogLevel::Debug | LogLevel::Trace => return,
        };
        self.log.write(format!("{prefix}{text}\n").as_bytes());
    }

    fn form_values(&mut self) -> Vec<values::FieldValues> {
        let image = self.call.context.image.map(|(name, _)| name);
        match values::read_values(self.call.root, &self.call.home, image) {
            Ok(values) => {
                self.log.note(&format!("read configuration: {} fields", values.len()));
                values
            }
            Err(error) => {
                self.log.note(&format!("read configuration: {}", sanitize_text(&error.to_string())));
                Vec::new()
            }
        }
    }

    fn client_names(&mut self) -> Vec<String> {
        target_names(self.call, TargetKind::Client)
    }

    fn image_names(&mut self) -> Vec<String> {
        target_names(self.call, TargetKind::Image)
    }

    fn target(&mut self) -> Target {
        to_hook_target(self.call.context.target)
    }

    fn read_file(&mut self, root: HookRoot, path: &str) -> Result<Vec<u8>, FileError> {
        self.file_operation("read", (root, path), |usage| &mut usage.read, |directory| directory.read(path))
    }

    fn write_file(
        &mut self,
        root: HookRoot,
        path: &str,
        contents: &[u8],
        mode: u32,
    ) -> Result<(), FileError> {
        let what = format!("write {} bytes to", contents.len());
        self.file_operation(
            &what,
            (root, path),
            |usage| &mut usage.written,
            |directory| directory.write(path, contents, mode),
        )
    }

    fn remove_file(&mut self, root: HookRoot, path: &str) -> Result<(), FileError> {
        self.file_operation(
            "remove from",
            (root, path),
            |usage| &mut usage.removed,
            |directory| directory.remove(path),
        )
    }

    fn list_directory(&mut self, root: HookRoot, path: &str) -> Result<Vec<String>, FileError> {
        self.file_operation(
            "list",
            (root, path),
            |usage| &mut usage.listed,
            |directory| directory.entries(path),
        )
    }

    fn run_program(&mut self, request: &Request) -> Result<ProgramResult, SpawnError> {
        let PreparedExec { root, request: exec, _text_dir: _text } =
            match programs::prepare_exec(self.call, &self.policy, request) {
                Ok(prepared) => prepared,
                Err(refusal) => return Err(self.record_refusal(&programs::program_name(request), refusal)),
            };
        let timeout = self.call.timeout;
        let left = timeout.limit.saturating_sub(self.time_used);
        let name = programs::program_name(request);
        if left.is_zero() {
            self.interruption.get_or_insert(Interruption::TimedOut);
            let refusal = SpawnError::NotStarted(format!(
                "the hook's time of {} is over",
                HumanDuration(timeout.limit)
            ));
            return Err(self.record_refusal(&name, refusal));
        }
        let started = Instant::now();
        let exec = ExecRequest { timeout: Timeout { limit: left, ..timeout }, ..exec };
        let output = self.executor.run(root, &exec, self.log);
        self.time_used += started.elapsed();
        self.usage.executed += 1;
        let termination = match output.termination {
            Termination::NotStarted(reason) => return Err(SpawnError::NotStarted(reason)),
            // Of all programs of the hook together.
            Termination::TimedOut(_) => Termination::TimedOut(timeout.limit),
            termination => termination,
        };
        match termination {
            Termination::Stopped => self.interruption = Some(Interruption::Stopped),
            Termination::TimedOut(_) => {
                // However little is left by another clock: no program is begun any more.
                self.time_used = self.time_used.max(timeout.limit);
                self.interruption.get_or_insert(Interruption::TimedOut);
            }
            _ => {}
        }
        let last_lines = self.log.last_line().map(|_| self.log.last_lines()).unwrap_or_default();
        Ok(ProgramResult {
            how: termination.to_string(),
            exit_code: if let Termination::Exited(code) = termination { Some(code) } else { None },
            signal: if let Termination::Signaled(signal) = termination { Some(signal) } else { None },
            timed_out: matches!(termination, Termination::TimedOut(_)),
            last_lines: last_lines.lines().map(str::to_owned).collect(),
            stdout: output.stdout,
            stderr: output.stderr,
            cut: output.truncated,
        })
    }

    fn begin_part(&mut self, name: &str, description: &str) {
        self.log.note(&format!("begin {}: {}", sanitize_text(name), sanitize_text(description)));
        self.listener.begin(name, description);
    }

    fn end_part(&mut self, verdict: &PartOutcome) {
        let text = match verdict {
            PartOutcome::Passed => "passed".to_owned(),
            PartOutcome::Failed(why) => format!("failed: {}", sanitize_text(why)),
            PartOutcome::Tolerated(why) => format!("failed (allowed to fail): {}", sanitize_text(why)),
            PartOutcome::Skipped(why) => format!("skipped: {}", sanitize_text(why)),
            PartOutcome::Broken(why) => format!("could not be run: {}", sanitize_text(why)),
        };
        self.log.note(&text);
        self.listener.end(verdict);
    }
}

/// A target, in the words of the interface.
pub(crate) fn to_hook_target(address: &opkg_oda::TargetAddress) -> Target {
    let kind = match address.kind {
        TargetKind::Server => HookTargetKind::Server,
        TargetKind::Image => HookTargetKind::Image,
        TargetKind::Client => HookTargetKind::Client,
    };
    Target { kind, name: address.name.to_string() }
}

fn target_names(call: &HookInvocation<'_>, kind: TargetKind) -> Vec<String> {
    let mut names: Vec<String> =
        call.context.cluster.targets_of_kind(kind).map(|it| it.address.name.to_string()).collect();
    names.sort();
    names
}

/// Why a hook does not get at a file.
pub(crate) fn describe_file_error(problem: &FileError) -> String {
    match problem {
        FileError::NotGranted => "not granted: this hook is about no image".to_owned(),
        FileError::NotFound => "not found".to_owned(),
        FileError::Escapes => "refused: the path leads outside the directory".to_owned(),
        FileError::TooLarge => "refused: it is too large".to_owned(),
        FileError::Denied(why) => format!("refused: {why}"),
        FileError::Other(why) => why.clone(),
    }
}

/// What a hook made up, in one short line.
fn sanitize_text(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(MAX_SHOWN_CHARS)
        .map(|c| if opkg::is_unsafe_control(c) { ' ' } else { c })
        .collect();
    if text.chars().nth(MAX_SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}
