//! Starts a launcher: in a session of its own, with every signal as it is by default, with three files and one to report
//! on.

use std::ffi::{CString, NulError, OsStr};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Once};

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::SigSet;
use rustix::process::Pid;

use super::launch::REPORT_FD;
use super::spec::ProcessSpec;

/// `POSIX_SPAWN_SETSID` of glibc and musl, which the wrapper does not name.
const SET_SESSION: i32 = 0x80;

/// What a program reads from and writes to.
pub(crate) struct Files<'a> {
    pub(crate) stdin: BorrowedFd<'a>,
    pub(crate) stdout: BorrowedFd<'a>,
    pub(crate) stderr: BorrowedFd<'a>,
    /// Where the launcher says why the program was not started.
    pub(crate) report: BorrowedFd<'a>,
}

/// Why no launcher was started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpawnError {
    #[error("its arguments and environment are too long")]
    TooLong,
    #[error("its arguments or environment hold a null byte")]
    NullByte(#[from] NulError),
    #[error("no launcher is configured")]
    NoLauncher,
    #[error("it cannot be launched: {0}")]
    System(nix::errno::Errno),
}

/// Has the kernel keep what became of children for us, whatever our caller thought of that.
fn wait_for_children() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Caught instead of ignored; where that fails, waiting for a child says so.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGCHLD, Arc::default());
    });
}

/// Starts the launcher of a program. Its number is that of its session and group as well.
///
/// # Errors
/// When the kernel does not start it.
pub(crate) fn spawn(program: &ProcessSpec, files: &Files<'_>) -> Result<Pid, SpawnError> {
    wait_for_children();
    let words = program.launcher.iter().chain(&program.argv);
    let words: Vec<CString> = words.map(|word| to_c_string(word)).collect::<Result<_, _>>()?;
    let environment = program
        .environment
        .iter()
        .map(|(name, value)| CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()));
    let environment: Vec<CString> = environment.collect::<Result<_, _>>()?;
    let launcher = words.first().ok_or(SpawnError::NoLauncher)?;
    let start = || {
        let mut attributes = PosixSpawnAttr::init()?;
        attributes.set_flags(
            PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF
                | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK
                | PosixSpawnFlags::from_bits_retain(SET_SESSION),
        )?;
        attributes.set_sigdefault(&SigSet::all())?;
        attributes.set_sigmask(&SigSet::empty())?;
        let mut actions = PosixSpawnFileActions::init()?;
        let given = [(files.stdin, 0), (files.stdout, 1), (files.stderr, 2), (files.report, REPORT_FD)];
        for (file, number) in given {
            actions.add_dup2(file.as_raw_fd(), number)?;
        }
        posix_spawn(launcher.as_c_str(), &actions, &attributes, &words, &environment)
    };
    match start() {
        Ok(process) => Pid::from_raw(process.as_raw()).ok_or(SpawnError::NoLauncher),
        Err(nix::errno::Errno::E2BIG) => Err(SpawnError::TooLong),
        Err(error) => Err(SpawnError::System(error)),
    }
}

fn to_c_string(word: &OsStr) -> Result<CString, NulError> {
    CString::new(word.as_bytes())
}
