//! How programs end.

use std::fmt;
use std::time::Duration;

use nix::sys::signal::Signal;

/// Bytes of standard output that are kept for the caller where they are the answer.
pub(crate) const MAX_STDOUT_BYTES: usize = 64 << 20;

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Termination {
    /// By itself, with this exit status.
    Exited(i32),
    /// By a signal that was not ours.
    Signaled(i32),
    /// Its time was over.
    TimedOut(Duration),
    /// The run was to stop at once.
    Stopped,
    /// It answered at greater length than anything sensible does.
    OutputTooLarge,
    /// It never began; why, in one line.
    NotStarted(String),
}

/// Reads as the end of a sentence that begins with the program's name.
impl fmt::Display for Termination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "ended with exit status {code}"),
            Self::Signaled(signal) => match Signal::try_from(*signal) {
                Ok(name) => write!(f, "was killed by signal {signal} ({name})"),
                Err(_) => write!(f, "was killed by signal {signal}"),
            },
            Self::TimedOut(limit) => write!(f, "timed out after {}", HumanDuration(*limit)),
            Self::Stopped => f.write_str("was stopped"),
            Self::OutputTooLarge => write!(f, "printed more than {} MiB", MAX_STDOUT_BYTES >> 20),
            Self::NotStarted(reason) => write!(f, "did not start: {reason}"),
        }
    }
}

/// A duration as people say it.
pub(crate) struct HumanDuration(pub(crate) Duration);

impl fmt::Display for HumanDuration {
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
pub(crate) struct ProcessOutput {
    /// How it ended.
    pub(crate) termination: Termination,
    /// Its standard output, if the caller gets that.
    pub(crate) stdout: Vec<u8>,
    /// What else it printed, if that was captured.
    pub(crate) stderr: Vec<u8>,
    /// Whether more came than was captured.
    pub(crate) truncated: bool,
}

impl ProcessOutput {
    /// One that never began.
    pub(crate) fn not_run(termination: Termination) -> Self {
        Self { termination, stdout: Vec::new(), stderr: Vec::new(), truncated: false }
    }
}
