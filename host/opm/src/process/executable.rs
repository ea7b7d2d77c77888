//! Finding programs, and why one cannot be started.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// The first bytes of a program that the kernel runs by itself.
const ELF_MAGIC: &[u8] = b"\x7fELF";
/// The least that any program in ELF begins with, that of 32 bits.
const ELF_HEADER_BYTES: usize = 52;

/// Bytes of a file that the kernel looks for its interpreter in.
const SHEBANG_BYTES: usize = 256;

/// The program that a name stands for: itself if it has a `/`, else the first of that name in the directories of
/// `path`, which has the form of `$PATH`.
pub(crate) fn find_in_path(name: &OsStr, path: &OsStr) -> Option<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Some(name.into());
    }
    std::env::split_paths(path)
        .filter(|it| it.is_absolute())
        .map(|it| it.join(name))
        .find(|it| is_executable(it))
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

/// Why the kernel would not run a file as what it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecutableError {
    #[error("{} does not exist", .0.display())]
    NotFound(PathBuf),
    #[error("{}: {error}", .path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{} is no file", .0.display())]
    NotAFile(PathBuf),
    #[error("{} is not executable: `chmod +x` it", .0.display())]
    NotExecutable(PathBuf),
    #[error("{} is no program that this machine could run", .0.display())]
    WrongFormat(PathBuf),
    #[error("{} asks for the interpreter {}, which is not there", .path.display(), .interpreter.display())]
    MissingInterpreter { path: PathBuf, interpreter: PathBuf },
    #[error("{} is no program, and has no `#!` line that names its interpreter", .0.display())]
    NoInterpreter(PathBuf),
}

/// Whether the kernel would run a file as what it is: without a line for its interpreter, the C library would hand it
/// to a shell.
///
/// # Errors
/// When it would not.
pub(crate) fn check_executable(program: &Path) -> Result<(), ExecutableError> {
    let path = || program.to_owned();
    let unreadable = |error| ExecutableError::Unreadable { path: path(), error };
    let metadata = program.metadata().map_err(|error| match error.kind() {
        ErrorKind::NotFound => ExecutableError::NotFound(path()),
        _ => unreadable(error),
    })?;
    if !metadata.is_file() {
        return Err(ExecutableError::NotAFile(path()));
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return Err(ExecutableError::NotExecutable(path()));
    }
    let mut first = Vec::new();
    // What may be run need not be readable.
    let opened = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(program);
    let Ok(file) = opened else { return Ok(()) };
    file.take(SHEBANG_BYTES as u64).read_to_end(&mut first).map_err(unreadable)?;
    match parse_shebang(&first).map(PathBuf::from) {
        Some(interpreter) if is_executable(&interpreter) => Ok(()),
        Some(interpreter) => Err(ExecutableError::MissingInterpreter { path: path(), interpreter }),
        None if first.starts_with(ELF_MAGIC) && first.len() < ELF_HEADER_BYTES => {
            Err(ExecutableError::WrongFormat(path()))
        }
        None if first.starts_with(ELF_MAGIC) => Ok(()),
        None => Err(ExecutableError::NoInterpreter(path())),
    }
}

/// What follows `#!`, without its argument.
fn parse_shebang(first: &[u8]) -> Option<OsString> {
    let line = first.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let word = line.split(|byte| matches!(byte, b' ' | b'\t')).find(|word| !word.is_empty())?;
    Some(OsStr::from_bytes(word).to_owned())
}

/// Why the kernel did not start a program.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpawnError {
    #[error("{} cannot be started: something still writes to it", .0.display())]
    Busy(PathBuf),
    #[error("{} is no program that this machine could run", .0.display())]
    WrongFormat(PathBuf),
    #[error("{} cannot be started: permission denied", .0.display())]
    PermissionDenied(PathBuf),
    #[error("{} cannot be started: its directory {} does not exist", .program.display(), .directory.display())]
    MissingDirectory { program: PathBuf, directory: PathBuf },
    #[error("{} cannot be started: a file that it needs does not exist", .0.display())]
    MissingFile(PathBuf),
    #[error("{} cannot be started: its arguments and environment are too long", .0.display())]
    ArgumentsTooLong(PathBuf),
    #[error("{} cannot be started: {error}", .program.display())]
    Other { program: PathBuf, error: io::Error },
}

impl SpawnError {
    /// What the kernel's answer means for a program that was to start in a directory.
    pub(crate) fn new(program: &Path, directory: &Path, error: io::Error) -> Self {
        let program = program.to_owned();
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::TXTBSY) => Self::Busy(program),
            Some(Errno::NOEXEC) => Self::WrongFormat(program),
            Some(Errno::ACCESS) => Self::PermissionDenied(program),
            Some(Errno::NOENT) if !directory.is_dir() => {
                Self::MissingDirectory { program, directory: directory.to_owned() }
            }
            Some(Errno::NOENT) => Self::MissingFile(program),
            Some(Errno::TOOBIG) => Self::ArgumentsTooLong(program),
            _ => Self::Other { program, error },
        }
    }
}
