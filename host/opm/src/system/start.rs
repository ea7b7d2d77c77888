//! Why a program cannot be started.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// The first bytes of a program that the kernel runs by itself.
const ELF: &[u8] = b"\x7fELF";

/// Bytes of a file that the kernel looks for its interpreter in.
const FIRST_LINE: usize = 256;

/// The program that a name stands for: itself if it has a `/`, else the first of that name in the directories of
/// `path`, which has the form of `$PATH`.
pub(super) fn find(name: &OsStr, path: &OsStr) -> Option<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Some(name.into());
    }
    std::env::split_paths(path)
        .filter(|it| it.is_absolute())
        .map(|it| it.join(name))
        .find(|it| is_program(it))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

/// Says why the kernel would not run a file, or not as what it is: without a line for its interpreter, the C library
/// would hand it to a shell.
///
/// # Errors
/// One line.
pub(super) fn check(program: &Path) -> Result<(), String> {
    let shown = program.display();
    let metadata = program.metadata().map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("{shown} does not exist"),
        _ => format!("{shown}: {error}"),
    })?;
    if !metadata.is_file() {
        return Err(format!("{shown} is no file"));
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return Err(format!("{shown} is not executable: `chmod +x` it"));
    }
    let mut first = Vec::new();
    // What may be run need not be readable.
    let opened = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(program);
    let Ok(file) = opened else { return Ok(()) };
    file.take(FIRST_LINE as u64).read_to_end(&mut first).map_err(|error| format!("{shown}: {error}"))?;
    match interpreter(&first) {
        Some(interpreter) if is_program(Path::new(&interpreter)) => Ok(()),
        Some(interpreter) => Err(format!(
            "{shown} asks for the interpreter {}, which is not there",
            Path::new(&interpreter).display()
        )),
        None if first.starts_with(ELF) => Ok(()),
        None => Err(format!("{shown} is no program, and has no `#!` line that names its interpreter")),
    }
}

/// What follows `#!`, without its argument.
fn interpreter(first: &[u8]) -> Option<OsString> {
    let line = first.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let word = line.split(|byte| matches!(byte, b' ' | b'\t')).find(|word| !word.is_empty())?;
    Some(OsStr::from_bytes(word).to_owned())
}

/// What the kernel's answer means.
pub(super) fn explain(program: &Path, directory: &Path, error: &io::Error) -> String {
    let shown = program.display();
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    match errno {
        Some(Errno::TXTBSY) => format!("{shown} cannot be started: something still writes to it"),
        Some(Errno::NOEXEC) => format!("{shown} is no program that this machine could run"),
        Some(Errno::ACCESS) => format!("{shown} cannot be started: permission denied"),
        Some(Errno::NOENT) if !directory.is_dir() => {
            format!("{shown} cannot be started: its directory {} does not exist", directory.display())
        }
        Some(Errno::NOENT) => format!("{shown} cannot be started: a file that it needs does not exist"),
        Some(Errno::TOOBIG) => {
            format!("{shown} cannot be started: its arguments and environment are too long")
        }
        _ => format!("{shown} cannot be started: {error}"),
    }
}
