//! One program, run to its end.
//!
//! It gets a process group of its own, no input, and only the environment that it is given. The end of the program
//! itself ends the step: what it leaves running may keep its output open for as long as it likes.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal as Named;
use opkg_oda::crash::point;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::log::Log;
use super::start;
use super::stop::Stop;

/// How long to wait for anything at a time, so that being asked to stop is noticed.
const TICK: Duration = Duration::from_millis(200);

/// The same on a kernel that does not tell when a process ends.
const SHORT_TICK: Duration = Duration::from_millis(10);

/// Bytes that are read at a time.
const CHUNK: usize = 64 << 10;

/// Reads of what a program left in a pipe when it ended. A pipe holds one [`CHUNK`] unless it was made larger; whatever
/// still fills it does not belong to the step any more.
const LAST_READS: usize = 16;

/// Bytes of standard output that are kept for the caller where they are the answer.
const MOST_ANSWER: usize = 64 << 20;

/// Bytes of each stream that are kept for the caller where they are in the log as well.
const MOST_CAPTURED: usize = 1 << 20;

/// What is to be run.
#[derive(Debug, Clone)]
pub(super) struct Program {
    /// The first is a name that is looked up in `$PATH` of `environment`, or a path.
    pub(super) argv: Vec<OsString>,
    /// All of it.
    pub(super) environment: Vec<(OsString, OsString)>,
    /// Where it starts.
    pub(super) directory: PathBuf,
    /// Who gets what it prints.
    pub(super) output: Output,
    /// Who it runs as, unless as we do.
    pub(super) account: Option<Account>,
}

/// Who gets what a program prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    /// The log.
    Logged,
    /// Standard output is an answer for the caller; the log gets the rest.
    Answer,
    /// The log, and the caller the beginning of each stream.
    Captured,
}

/// A user, by numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) user: u32,
    pub(super) group: u32,
}

impl Account {
    /// Has a command run as this user, without any further groups.
    pub(super) fn apply(self, command: &mut Command) {
        command.gid(self.group).uid(self.user);
    }
}

/// How long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    /// Until it is asked to end.
    pub(super) limit: Duration,
    /// From then until it is killed.
    pub(super) grace: Duration,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum How {
    /// By itself, with this exit status.
    Exited(i32),
    /// By a signal that was not ours.
    Killed(i32),
    /// Its time was over.
    TimedOut(Duration),
    /// The run was to stop at once.
    Stopped,
    /// It answered at greater length than anything sensible does.
    TooMuch,
    /// It never began; why, in one line.
    NotStarted(String),
}

/// Reads as the end of a sentence that begins with the program's name.
impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "ended with exit status {code}"),
            Self::Killed(signal) => match Named::try_from(*signal) {
                Ok(name) => write!(f, "was killed by signal {signal} ({name})"),
                Err(_) => write!(f, "was killed by signal {signal}"),
            },
            Self::TimedOut(limit) => write!(f, "was stopped after {}", Seconds(*limit)),
            Self::Stopped => f.write_str("was stopped"),
            Self::TooMuch => write!(f, "answered with more than {} MiB", MOST_ANSWER >> 20),
            Self::NotStarted(reason) => write!(f, "did not start: {reason}"),
        }
    }
}

/// A duration as people say it.
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0 => write!(f, "{} ms", self.0.as_millis()),
            _ if seconds.is_multiple_of(3600) => write!(f, "{} h", seconds / 3600),
            _ if seconds.is_multiple_of(60) => write!(f, "{} min", seconds / 60),
            _ => write!(f, "{seconds} s"),
        }
    }
}

/// What came of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    /// How it ended.
    pub(super) how: How,
    /// Its standard output, if the caller gets that.
    pub(super) answer: Vec<u8>,
    /// What else it printed, if that was captured.
    pub(super) errors: Vec<u8>,
    /// Whether more came than was captured.
    pub(super) cut: bool,
}

impl Ended {
    /// One that never began.
    pub(super) fn without(how: How) -> Self {
        Self { how, answer: Vec::new(), errors: Vec::new(), cut: false }
    }
}

/// Runs a program to its end, its time limit, or until everything is to stop at once.
pub(super) fn run(program: &Program, patience: Patience, stop: &Stop, log: &mut Log) -> Ended {
    let words: Vec<String> = program.argv.iter().map(|it| word(it)).collect();
    log.begin(&words.join(" "));
    let started =
        if stop.at_once() { Err(How::Stopped) } else { Running::start(program).map_err(How::NotStarted) };
    let how = match started {
        Ok(mut running) => {
            point("process.started");
            let ended = running.attend(patience, stop, log);
            point("process.ended");
            return ended;
        }
        Err(how) => how,
    };
    log.note(&how.to_string());
    Ended::without(how)
}

/// A word of a command as a person reads it.
fn word(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "/-_.,:=+@%^~".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.into_owned() } else { format!("{text:?}") }
}

/// A program that was started.
struct Running {
    child: Child,
    group: Option<Pid>,
    /// Readable once the program has ended.
    end: Option<OwnedFd>,
    what: Output,
    output: Stream,
    answer: Option<Stream>,
    kept: Vec<u8>,
    errors: Vec<u8>,
    /// More came than was captured.
    cut: bool,
}

/// One end of a pipe that the program writes into.
struct Stream {
    pipe: PipeReader,
    open: bool,
}

/// What is being done about a program that shall end.
enum Pressure {
    None,
    /// It was asked to end, and will be killed at this time.
    Asked(How, Instant),
    Killed(How),
}

impl Running {
    fn start(program: &Program) -> Result<Self, String> {
        let path =
            program.environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
        let name = program.argv.first().ok_or("an empty command")?;
        let file = start::find(name, path.unwrap_or_default())
            .ok_or_else(|| format!("there is no program {}", Path::new(name).display()))?;
        let file = program.directory.join(file);
        start::check(&file)?;
        let pipes = || -> io::Result<_> {
            let (output, writer) = io::pipe()?;
            let (answer, answers) = if program.output != Output::Logged {
                let (reader, writer) = io::pipe()?;
                (Some(Stream::new(reader)?), writer)
            } else {
                (None, writer.try_clone()?)
            };
            Ok((Stream::new(output)?, answer, writer, answers))
        };
        let (output, answer, errors, standard) = pipes().map_err(|error| format!("no pipe: {error}"))?;
        let mut command = Command::new(&file);
        command
            .arg0(name)
            .args(program.argv.iter().skip(1))
            .env_clear()
            .envs(program.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&program.directory)
            .stdin(Stdio::null())
            .stdout(standard)
            .stderr(errors)
            .process_group(0);
        if let Some(account) = program.account {
            account.apply(&mut command);
        }
        let child = command.spawn().map_err(|error| start::explain(&file, &program.directory, &error))?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let end = group.and_then(|it| pidfd_open(it, PidfdFlags::empty()).ok());
        let what = program.output;
        Ok(Self { child, group, end, what, output, answer, kept: Vec::new(), errors: Vec::new(), cut: false })
    }

    fn attend(&mut self, patience: Patience, stop: &Stop, log: &mut Log) -> Ended {
        let deadline = Instant::now() + patience.limit;
        let mut pressure = Pressure::None;
        let status = loop {
            let until = match &pressure {
                Pressure::None => deadline,
                Pressure::Asked(_, until) => *until,
                Pressure::Killed(_) => Instant::now() + TICK,
            };
            self.wait(until);
            let flooded = self.read(1, log);
            match self.ended() {
                Ok(true) => break self.reap(&pressure, log),
                Ok(false) => {}
                Err(error) => break Err(error),
            }
            let now = Instant::now();
            pressure = match pressure {
                Pressure::None if flooded => self.ask(How::TooMuch, now + patience.grace),
                Pressure::None if stop.at_once() => self.ask(How::Stopped, now + patience.grace),
                Pressure::None if now >= deadline => {
                    self.ask(How::TimedOut(patience.limit), now + patience.grace)
                }
                Pressure::Asked(why, until) if now >= until => {
                    self.signal(Signal::KILL);
                    Pressure::Killed(why)
                }
                other => other,
            };
        };
        let how = match (pressure, status) {
            (Pressure::Asked(why, _) | Pressure::Killed(why), _) => why,
            (Pressure::None, Ok(status)) => match (status.code(), status.signal()) {
                (Some(code), _) => How::Exited(code),
                (None, signal) => How::Killed(signal.unwrap_or_default()),
            },
            (Pressure::None, Err(error)) => How::NotStarted(format!("its end cannot be waited for: {error}")),
        };
        if how != How::Exited(0) {
            log.note(&how.to_string());
        }
        let (answer, errors) = (std::mem::take(&mut self.kept), std::mem::take(&mut self.errors));
        Ended { how, answer, errors, cut: self.cut }
    }

    /// Waits until something happens, though not for long.
    fn wait(&self, until: Instant) {
        let tick = if self.end.is_some() { TICK } else { SHORT_TICK };
        let left = until.saturating_duration_since(Instant::now()).min(tick);
        let streams = [Some(&self.output), self.answer.as_ref()];
        let open = streams.into_iter().flatten().filter(|it| it.open).map(|it| it.pipe.as_fd());
        let mut sources: Vec<PollFd<'_>> = open
            .chain(self.end.as_ref().map(AsFd::as_fd))
            .map(|it| PollFd::from_borrowed_fd(it, PollFlags::IN))
            .collect();
        let left = Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().into() };
        // Whatever it says, what there is to read is read next, and whether the program has ended is asked.
        let _ = poll(&mut sources, Some(&left));
    }

    /// Whether the program has ended. It is not reaped yet, so that its number still stands for its group.
    fn ended(&mut self) -> io::Result<bool> {
        match &self.end {
            Some(end) => {
                let mut source = [PollFd::new(end, PollFlags::IN)];
                match poll(&mut source, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
                    Ok(ready) => Ok(ready > 0),
                    Err(Errno::INTR) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            }
            None => Ok(self.child.try_wait()?.is_some()),
        }
    }

    fn reap(&mut self, pressure: &Pressure, log: &mut Log) -> io::Result<ExitStatus> {
        if !matches!(pressure, Pressure::None) {
            // What the program started and did not take with it.
            self.signal(Signal::KILL);
        }
        self.read(LAST_READS, log);
        self.child.wait()
    }

    /// Reads what is there, at most so many times. Says whether the answer is too long.
    fn read(&mut self, times: usize, log: &mut Log) -> bool {
        let captured = self.what == Output::Captured;
        let most = if captured { MOST_CAPTURED } else { MOST_ANSWER };
        let Self { output, answer, kept, errors, cut, .. } = self;
        let mut keep = |place: &mut Vec<u8>, bytes: &[u8]| {
            let room = most.saturating_sub(place.len()).min(bytes.len());
            place.extend_from_slice(&bytes[..room]);
            *cut |= room < bytes.len();
        };
        for _ in 0..times {
            output.read(|bytes| {
                log.write(bytes);
                if captured {
                    keep(errors, bytes);
                }
            });
            if let Some(answer) = answer {
                answer.read(|bytes| {
                    keep(kept, bytes);
                    if captured {
                        log.write(bytes);
                    }
                });
            }
        }
        *cut && !captured
    }

    fn ask(&self, why: How, until: Instant) -> Pressure {
        self.signal(Signal::TERM);
        Pressure::Asked(why, until)
    }

    /// To the whole group; where nobody is left, there is nobody to tell.
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Stream {
    fn new(pipe: PipeReader) -> io::Result<Self> {
        ioctl_fionbio(&pipe, true)?;
        Ok(Self { pipe, open: true })
    }

    fn read(&mut self, mut take: impl FnMut(&[u8])) {
        let mut buffer = [0; CHUNK];
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
#[path = "process_tests.rs"]
mod tests;
