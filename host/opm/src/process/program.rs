//! The program itself, at the end of all preparations: it takes the launcher's place, or is waited for.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::process::{WaitOptions, wait};

use super::executable::{self, ExecutableError, SpawnError};
use super::spec::Account;
use super::tag::{ENV_SESSION, OWN_SESSION};

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself, with this exit status.
    Exited(i32),
    /// By a signal.
    Signaled(i32),
}

/// Why a program was not started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    #[error("an empty command")]
    EmptyCommand,
    #[error("the directory {} cannot be entered: {error}", .path.display())]
    Directory { path: PathBuf, error: io::Error },
    #[error("there is no program {0}")]
    NotFound(String),
    #[error(transparent)]
    NotExecutable(#[from] ExecutableError),
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    #[error("its end cannot be waited for: {0}")]
    Wait(io::Error),
}

/// Goes where the program is to start.
pub(super) fn enter_directory(path: &Path) -> Result<(), ProgramError> {
    std::env::set_current_dir(path).map_err(|error| ProgramError::Directory { path: path.to_owned(), error })
}

/// Turns into the program. Returns why it did not.
pub(super) fn exec(argv: &[OsString]) -> ProgramError {
    match prepare(argv, None) {
        Ok((mut command, program)) => spawn_error(&program, command.exec()),
        Err(error) => error,
    }
}

/// Runs the program to its end, and reaps on the way whoever has lost its parent.
pub(super) fn run(argv: &[OsString], account: Option<Account>) -> Result<Ended, ProgramError> {
    let (mut command, program) = prepare(argv, account)?;
    let child = command.spawn().map_err(|error| spawn_error(&program, error))?;
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((process, status))) if u32::try_from(process.as_raw_pid()) == Ok(child.id()) => {
                match (status.exit_status(), status.terminating_signal()) {
                    (Some(status), _) => return Ok(Ended::Exited(status)),
                    (None, Some(signal)) => return Ok(Ended::Signaled(signal)),
                    (None, None) => {}
                }
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(ProgramError::Wait(error.into())),
        }
    }
}

/// Tells a program its session, if it is to know it and does not yet.
pub(super) fn set_session(command: &mut Command) {
    if std::env::var_os(ENV_SESSION).is_some_and(|session| session == OWN_SESSION) {
        command.env(ENV_SESSION, std::process::id().to_string());
    }
}

fn prepare(argv: &[OsString], account: Option<Account>) -> Result<(Command, PathBuf), ProgramError> {
    let name = argv.first().ok_or(ProgramError::EmptyCommand)?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = executable::find_in_path(name, &path)
        .ok_or_else(|| ProgramError::NotFound(name.display().to_string()))?;
    executable::check_executable(&program)?;
    let mut command = Command::new(&program);
    command.arg0(name).args(&argv[1..]).stdin(Stdio::null());
    set_session(&mut command);
    if let Some(account) = account {
        account.apply(&mut command);
    }
    Ok((command, program))
}

fn spawn_error(program: &Path, error: io::Error) -> ProgramError {
    SpawnError::new(program, Path::new("."), error).into()
}
