//! Commands of `opm` that a browser starts: one at a time, each a process of its own that goes on when the server ends.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use opkg::escape_hidden;

/// Only so much of the end of the output is shown.
const MAX_OUTPUT_BYTES: usize = 16 << 10;
/// Names to `opm` who asked for what it does.
pub const AUTHOR_VARIABLE: &str = "OPM_AUTHOR";
/// Between two checks whether the command has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How `opm` is started: with the database and the configuration that this server works with.
#[derive(Debug, Clone)]
pub struct Program {
    pub path: PathBuf,
    /// Global arguments, before the subcommand.
    pub arguments: Vec<OsString>,
    /// Variables besides those of this process.
    pub environment: Vec<(OsString, OsString)>,
}

/// Runs one command at a time, and remembers the last one.
#[derive(Debug, Default)]
pub struct CommandRunner {
    program: Option<Program>,
    state: Mutex<RunnerState>,
}

#[derive(Debug, Default)]
struct RunnerState {
    running: Option<RunningCommand>,
    last_status: Option<CommandStatus>,
    /// Grows when a command begins or ends.
    version: u64,
}

#[derive(Debug)]
struct RunningCommand {
    child: Child,
    output: File,
    status: CommandStatus,
}

/// A running command, or one that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandStatus {
    /// As typed in a shell: `opm run`.
    pub command: String,
    /// While it runs.
    pub pid: Option<u32>,
    /// Whether its exit status is 0; `None` while it runs.
    pub succeeded: Option<bool>,
    /// `succeeded` and the like; empty while it runs.
    pub exit_description: String,
    /// The last [`MAX_OUTPUT_BYTES`] of standard output and standard error, without control characters.
    pub output: String,
}

/// Another command is still running.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}`, started from here, has not ended yet")]
pub struct BusyError(pub String);

impl CommandRunner {
    #[must_use]
    pub fn new(program: Program) -> Self {
        Self { program: Some(program), state: Mutex::default() }
    }

    /// Starts a command that somebody asked for. It is no child of the terminal: Ctrl-C there does not reach it.
    ///
    /// # Errors
    /// The outer error when no process can be started, the inner one when another command is running.
    pub fn start(&self, arguments: &[&str], person: &str) -> io::Result<Result<(), BusyError>> {
        let mut state = self.lock();
        state.poll();
        if let Some(running) = &state.running {
            return Ok(Err(BusyError(running.status.command.clone())));
        }
        let Some(program) = &self.program else { return Err(io::ErrorKind::NotFound.into()) };
        let output = tempfile::tempfile()?;
        let mut command = Command::new(&program.path);
        command
            .envs(program.environment.iter().cloned())
            .env(AUTHOR_VARIABLE, person)
            .args(&program.arguments)
            .args(arguments)
            .process_group(0)
            .stdin(Stdio::null());
        let child = command.stdout(output.try_clone()?).stderr(output.try_clone()?).spawn()?;
        let status = CommandStatus {
            command: format!("opm {}", arguments.join(" ")),
            pid: Some(child.id()),
            succeeded: None,
            exit_description: String::new(),
            output: String::new(),
        };
        state.running = Some(RunningCommand { child, output, status });
        state.version += 1;
        Ok(Ok(()))
    }

    /// Waits until the running command has ended or the timeout has passed; then as [`Self::status`].
    pub fn wait(&self, timeout: Duration) -> Option<CommandStatus> {
        let until = Instant::now() + timeout;
        loop {
            let status = self.status();
            let has_ended = status.as_ref().is_none_or(|status| status.succeeded.is_some());
            if has_ended || Instant::now() >= until {
                return status;
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// The running command, or else the last one.
    #[must_use]
    pub fn status(&self) -> Option<CommandStatus> {
        let mut state = self.lock();
        state.poll();
        match &state.running {
            Some(running) => {
                let output = read_tail(&running.output);
                Some(CommandStatus { output, ..running.status.clone() })
            }
            None => state.last_status.clone(),
        }
    }

    /// Grows whenever a command begins or ends.
    #[must_use]
    pub fn version(&self) -> u64 {
        let mut state = self.lock();
        state.poll();
        state.version
    }

    fn lock(&self) -> MutexGuard<'_, RunnerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunnerState {
    fn poll(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        let (succeeded, exit_description) = match running.child.try_wait() {
            Ok(None) => {
                self.running = Some(running);
                return;
            }
            Ok(Some(status)) => (status.success(), describe_exit_status(status)),
            Err(error) => (false, format!("exit status unknown: {error}")),
        };
        let output = read_tail(&running.output);
        self.last_status = Some(CommandStatus {
            pid: None,
            succeeded: Some(succeeded),
            exit_description,
            output,
            ..running.status
        });
        self.version += 1;
    }
}

fn describe_exit_status(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "succeeded".into(),
        (Some(code), _) => format!("ended with exit status {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "ended".into(),
    }
}

/// The end of the output so far; empty when it cannot be read.
fn read_tail(file: &File) -> String {
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let mut bytes = vec![0; MAX_OUTPUT_BYTES];
    // The command writes at the same place of the same file: reading must not move that.
    let read = file.read_at(&mut bytes, length.saturating_sub(MAX_OUTPUT_BYTES as u64)).unwrap_or(0);
    escape_hidden(&String::from_utf8_lossy(&bytes[..read]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shell_runner() -> CommandRunner {
        CommandRunner::new(Program {
            path: "/bin/sh".into(),
            arguments: vec!["-c".into()],
            environment: vec![],
        })
    }

    #[test]
    fn one_at_a_time_with_what_it_prints() {
        let runner = shell_runner();
        assert_eq!(runner.status(), None);
        runner.start(&["echo one $OPM_AUTHOR; echo two >&2; read line; exit 3"], "ada").unwrap().unwrap();
        let status = runner.wait(Duration::from_secs(20)).unwrap();
        assert_eq!((status.succeeded, status.output.as_str()), (Some(false), "one ada\ntwo\n"));
        assert_eq!(status.exit_description, "ended with exit status 3");

        runner.start(&["echo here; exec sleep 60"], "ada").unwrap().unwrap();
        let busy = runner.start(&["true"], "ada").unwrap().unwrap_err();
        assert!(busy.0.contains("sleep 60"), "{busy}");
        let (before, process) = (runner.version(), runner.status().unwrap().pid.unwrap());
        let process = rustix::process::Pid::from_raw(process.cast_signed()).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        let status = runner.wait(Duration::from_secs(20)).unwrap();
        assert_eq!(status.exit_description, "killed by signal 15");
        assert_eq!(runner.version(), before + 1);
    }
}
