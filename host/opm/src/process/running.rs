//! One program, run to its end.
//!
//! It gets no input, and only the environment that it is given; its other attributes are those that a launcher gives it.
//! The end of the program itself ends the step: what it leaves running may keep its output open for as long as it likes.

use std::ffi::OsStr;
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use opkg_oda::crash::crash_point;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitOptions, WaitStatus, kill_process_group, pidfd_open,
    waitid, waitpid,
};

use super::launch::EXIT_NOT_STARTED;
use super::spawn::{Files, SpawnError, spawn};
use super::spec::{OutputMode, ProcessSpec, Timeout};
use super::step_log::StepLog;
use super::stop::StopToken;
use super::termination::{MAX_STDOUT_BYTES, ProcessOutput, Termination};

/// How long to wait for anything at a time, so that being asked to stop is noticed.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Bytes of a launcher's reason for not having started a program.
const MAX_REPORT_BYTES: u64 = 8 << 10;

/// The same on a kernel that does not tell when a process ends.
const POLL_INTERVAL_WITHOUT_PIDFD: Duration = Duration::from_millis(10);

/// Bytes that are read at a time.
const READ_SIZE: usize = 64 << 10;

/// Reads of what a program left in a pipe when it ended. A pipe holds one [`READ_SIZE`] unless it was made larger; whatever
/// still fills it does not belong to the step any more.
const FINAL_READS: usize = 16;

/// Bytes of each stream that are kept for the caller where they are in the log as well.
const MAX_CAPTURED_BYTES: usize = 1 << 20;

/// Runs a program to its end, its time limit, or until everything is to stop at once.
pub(crate) fn run(
    program: &ProcessSpec,
    timeout: Timeout,
    stop: &StopToken,
    log: &mut StepLog,
) -> ProcessOutput {
    let words: Vec<String> = program.argv.iter().map(|it| quote_argument(it)).collect();
    log.begin_command(&words.join(" "));
    let started = if stop.kill_requested() {
        Err(Termination::Stopped)
    } else {
        RunningProcess::start(program).map_err(|error| Termination::NotStarted(error.to_string()))
    };
    let termination = match started {
        Ok(mut running) => {
            crash_point("process.started");
            let output = running.supervise(timeout, stop, log);
            // Not its arguments, which may hold what a log must not.
            let name = program.argv.first().map(|word| word.display());
            tracing::debug!(program = name.map(tracing::field::display), termination = %output.termination, "ended");
            crash_point("process.ended");
            return output;
        }
        Err(termination) => termination,
    };
    log.note(&termination.to_string());
    ProcessOutput::not_run(termination)
}

/// A word of a command as a person reads it.
fn quote_argument(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "/-_.,:=+@%^~".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.into_owned() } else { format!("{text:?}") }
}

/// Why a program was not started.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("no files for its input and output: {0}")]
    Pipe(io::Error),
    #[error("{program} cannot be started: {error}")]
    Spawn { program: String, error: SpawnError },
}

/// A program that was started.
struct RunningProcess {
    /// Its launcher, whose number is that of its group as well.
    process: Pid,
    /// Says why the program was not started.
    report: PipeReader,
    /// Readable once the program has ended.
    pidfd: Option<OwnedFd>,
    output_mode: OutputMode,
    log_pipe: OutputPipe,
    stdout_pipe: Option<OutputPipe>,
    captured_stdout: Vec<u8>,
    captured_stderr: Vec<u8>,
    /// More came than was captured.
    truncated: bool,
}

/// One end of a pipe that the program writes into.
struct OutputPipe {
    pipe: PipeReader,
    open: bool,
}

/// What was done to end a program.
enum Shutdown {
    NotRequested,
    /// It was asked to end, and will be killed at this time.
    TermSent(Termination, Instant),
    KillSent(Termination),
}

impl RunningProcess {
    fn start(program: &ProcessSpec) -> Result<Self, StartError> {
        let pipes = || -> io::Result<_> {
            let (log_reader, log_writer) = io::pipe()?;
            let (stdout_pipe, stdout_writer) = if program.output != OutputMode::Log {
                let (reader, writer) = io::pipe()?;
                (Some(OutputPipe::new(reader)?), writer)
            } else {
                (None, log_writer.try_clone()?)
            };
            Ok((OutputPipe::new(log_reader)?, stdout_pipe, log_writer, stdout_writer, io::pipe()?))
        };
        let (log_pipe, stdout_pipe, stderr_writer, stdout_writer, (report, report_writer)) =
            pipes().map_err(StartError::Pipe)?;
        let nothing = std::fs::File::open("/dev/null").map_err(StartError::Pipe)?;
        let files = Files {
            stdin: nothing.as_fd(),
            stdout: stdout_writer.as_fd(),
            stderr: stderr_writer.as_fd(),
            report: report_writer.as_fd(),
        };
        let process = spawn(program, &files).map_err(|error| StartError::Spawn {
            program: program.argv.first().map(|word| word.display().to_string()).unwrap_or_default(),
            error,
        })?;
        Ok(Self {
            process,
            report,
            pidfd: pidfd_open(process, PidfdFlags::empty()).ok(),
            output_mode: program.output,
            log_pipe,
            stdout_pipe,
            captured_stdout: Vec::new(),
            captured_stderr: Vec::new(),
            truncated: false,
        })
    }

    fn supervise(&mut self, timeout: Timeout, stop: &StopToken, log: &mut StepLog) -> ProcessOutput {
        let deadline = Instant::now() + timeout.limit;
        let mut shutdown = Shutdown::NotRequested;
        let status = loop {
            let until = match &shutdown {
                Shutdown::NotRequested => deadline,
                Shutdown::TermSent(_, until) => *until,
                Shutdown::KillSent(_) => Instant::now() + POLL_INTERVAL,
            };
            self.wait_for_activity(until);
            let flooded = self.drain_pipes(1, log);
            match self.has_exited() {
                Ok(true) => break self.reap(&shutdown, log),
                Ok(false) => {}
                Err(error) => break Err(error),
            }
            let now = Instant::now();
            shutdown = match shutdown {
                Shutdown::NotRequested if flooded => {
                    self.terminate(Termination::OutputTooLarge, now + timeout.grace)
                }
                Shutdown::NotRequested if stop.kill_requested() => {
                    self.terminate(Termination::Stopped, now + timeout.grace)
                }
                Shutdown::NotRequested if now >= deadline => {
                    self.terminate(Termination::TimedOut(timeout.limit), now + timeout.grace)
                }
                Shutdown::TermSent(why, until) if now >= until => {
                    self.signal_group(Signal::KILL);
                    Shutdown::KillSent(why)
                }
                other => other,
            };
        };
        let termination = match (shutdown, status) {
            (Shutdown::TermSent(why, _) | Shutdown::KillSent(why), _) => why,
            (Shutdown::NotRequested, Ok(status)) => match (status.exit_status(), self.refusal(status)) {
                (_, Some(reason)) => Termination::NotStarted(reason),
                (Some(code), None) => Termination::Exited(code),
                (None, None) => Termination::Signaled(status.terminating_signal().unwrap_or_default()),
            },
            (Shutdown::NotRequested, Err(error)) => {
                Termination::NotStarted(format!("its end cannot be waited for: {error}"))
            }
        };
        if termination != Termination::Exited(0) {
            log.note(&termination.to_string());
        }
        ProcessOutput {
            termination,
            stdout: std::mem::take(&mut self.captured_stdout),
            stderr: std::mem::take(&mut self.captured_stderr),
            truncated: self.truncated,
        }
    }

    /// Waits until something happens, though not for long.
    fn wait_for_activity(&self, until: Instant) {
        let tick = if self.pidfd.is_some() { POLL_INTERVAL } else { POLL_INTERVAL_WITHOUT_PIDFD };
        let left = until.saturating_duration_since(Instant::now()).min(tick);
        let streams = [Some(&self.log_pipe), self.stdout_pipe.as_ref()];
        let open = streams.into_iter().flatten().filter(|pipe| pipe.open).map(|pipe| pipe.pipe.as_fd());
        let mut sources: Vec<PollFd<'_>> = open
            .chain(self.pidfd.as_ref().map(AsFd::as_fd))
            .map(|it| PollFd::from_borrowed_fd(it, PollFlags::IN))
            .collect();
        let left = Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().into() };
        // Whatever it says, what there is to read is read next, and whether the program has ended is asked.
        let _ = poll(&mut sources, Some(&left));
    }

    /// Whether the program has ended. It is not reaped yet, so that its number still stands for its group.
    fn has_exited(&mut self) -> io::Result<bool> {
        match &self.pidfd {
            Some(end) => {
                let mut source = [PollFd::new(end, PollFlags::IN)];
                match poll(&mut source, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
                    Ok(ready) => Ok(ready > 0),
                    Err(Errno::INTR) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            }
            None => {
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
                Ok(waitid(WaitId::Pid(self.process), options)?.is_some())
            }
        }
    }

    fn reap(&mut self, shutdown: &Shutdown, log: &mut StepLog) -> io::Result<WaitStatus> {
        if !matches!(shutdown, Shutdown::NotRequested) {
            // What the program started and did not take with it.
            self.signal_group(Signal::KILL);
        }
        self.drain_pipes(FINAL_READS, log);
        loop {
            match waitpid(Some(self.process), WaitOptions::empty()) {
                Ok(Some((_, status))) => return Ok(status),
                Ok(None) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Why the program was not started, if it was not. Its launcher alone can say so.
    fn refusal(&mut self, status: WaitStatus) -> Option<String> {
        if status.exit_status() != Some(EXIT_NOT_STARTED.into()) {
            return None;
        }
        let mut reason = Vec::new();
        // Nobody has the other end any more: a program that was started never had it.
        Read::take(&mut self.report, MAX_REPORT_BYTES).read_to_end(&mut reason).ok()?;
        Some(String::from_utf8_lossy(&reason).into_owned()).filter(|reason| !reason.is_empty())
    }

    /// Reads what is there, at most so many times. Says whether the answer is too long.
    fn drain_pipes(&mut self, times: usize, log: &mut StepLog) -> bool {
        let captured = self.output_mode == OutputMode::LogAndCapture;
        let most = if captured { MAX_CAPTURED_BYTES } else { MAX_STDOUT_BYTES };
        let Self { log_pipe, stdout_pipe, captured_stdout, captured_stderr, truncated, .. } = self;
        let mut keep = |kept: &mut Vec<u8>, bytes: &[u8]| {
            let room = most.saturating_sub(kept.len()).min(bytes.len());
            kept.extend_from_slice(&bytes[..room]);
            *truncated |= room < bytes.len();
        };
        for _ in 0..times {
            log_pipe.read(|bytes| {
                log.write(bytes);
                if captured {
                    keep(captured_stderr, bytes);
                }
            });
            if let Some(pipe) = stdout_pipe {
                pipe.read(|bytes| {
                    keep(captured_stdout, bytes);
                    if captured {
                        log.write(bytes);
                    }
                });
            }
        }
        *truncated && !captured
    }

    fn terminate(&self, why: Termination, until: Instant) -> Shutdown {
        self.signal_group(Signal::TERM);
        Shutdown::TermSent(why, until)
    }

    /// To the whole group; where nobody is left, there is nobody to tell.
    fn signal_group(&self, signal: Signal) {
        let _ = kill_process_group(self.process, signal);
    }
}

impl OutputPipe {
    fn new(pipe: PipeReader) -> io::Result<Self> {
        ioctl_fionbio(&pipe, true)?;
        Ok(Self { pipe, open: true })
    }

    fn read(&mut self, mut take: impl FnMut(&[u8])) {
        let mut buffer = [0; READ_SIZE];
        if self.open {
            match self.pipe.read(&mut buffer) {
                Ok(0) => self.open = false,
                Ok(count) => take(&buffer[..count]),
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(_) => self.open = false,
            }
        }
    }
}

#[cfg(test)]
#[path = "running_tests.rs"]
mod tests;
