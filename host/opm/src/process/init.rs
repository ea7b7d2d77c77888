//! The first process of a sandbox: makes the surroundings that the program is to see, starts it, and ends with it;
//! the kernel then ends whatever is left in there.
//!
//! Its standard input is the line to the launcher, for one message: what became of the program.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use rustix::process::{Signal, set_parent_process_death_signal};

use super::launch_spec::{LaunchSpec, UsageError};
use super::program::{self, Ended, ProgramError};
use super::sandbox::{self, SandboxError};

/// Why the program was not started.
#[derive(Debug, thiserror::Error)]
enum InitError {
    #[error(transparent)]
    Usage(#[from] UsageError),
    #[error("it cannot be tied to its launcher: {0}")]
    Launcher(io::Error),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error(transparent)]
    Program(#[from] ProgramError),
}

/// What the program does as the first process of a sandbox.
pub(super) fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let message = match try_run(arguments) {
        Ok(Ended::Exited(status)) => format!("exited {status}"),
        Ok(Ended::Signaled(signal)) => format!("signaled {signal}"),
        Err(error) => format!("refused {error}"),
    };
    let sent = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .and_then(|line| UnixStream::from(line).write_all(message.as_bytes()));
    ExitCode::from(u8::from(sent.is_err()))
}

fn try_run(arguments: impl Iterator<Item = OsString>) -> Result<Ended, InitError> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| InitError::Launcher(error.into()))?;
    let (spec, argv) = LaunchSpec::parse(arguments)?;
    if let Some(confinement) = &spec.confinement {
        sandbox::enter(confinement, &spec.shared_dirs)?;
    }
    program::enter_directory(&spec.working_directory)?;
    Ok(program::run(&argv, spec.account)?)
}

/// What a message means: how the program ended, or why it did not start. Nothing, where it is not whole.
pub(super) fn parse_message(message: &str) -> Option<Result<Ended, String>> {
    let (kind, rest) = message.split_once(' ')?;
    match kind {
        "exited" => Some(Ok(Ended::Exited(rest.parse().ok()?))),
        "signaled" => Some(Ok(Ended::Signaled(rest.parse().ok()?))),
        "refused" => Some(Err(rest.to_owned())),
        _ => None,
    }
}
