//! The logs of steps: files that the database names, only below the log directory.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use fs_err as fs;
use opkg::escape_hidden;
use rustix::fs::{AtFlags, Mode, OFlags, open, openat, unlinkat};
use rustix::io::Errno;

/// Where audits, which are no runs, have their logs.
const AUDIT_DIRECTORY: &str = "run-000000";

/// Of a longer log, this much of its beginning and [`TAIL_BYTES`] of its end are shown.
const HEAD_BYTES: u64 = 64 << 10;
const TAIL_BYTES: u64 = 192 << 10;

/// A log, perhaps without its middle; control characters are stripped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The whole log, or its beginning.
    pub head: String,
    /// Bytes that are left out between `head` and `tail`.
    pub omitted_bytes: u64,
    /// Empty when nothing is left out.
    pub tail: String,
}

/// Why a log is not shown.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The path is not below the log directory.
    #[error("it does not lie in the directory of logs")]
    OutsideLogDirectory,
    /// Also for a link or anything else that is no regular file.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Opens a log. No symbolic link below the directory is followed, whoever made it.
///
/// # Errors
/// When it is not below the directory, or cannot be opened.
pub fn open_log(directory: &Path, log: &Path) -> Result<File, LogError> {
    let below = log.strip_prefix(directory).map_err(|_| LogError::OutsideLogDirectory)?;
    let file = open_beneath(directory, below)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(LogError::Io(io::Error::new(ErrorKind::InvalidData, "it is no regular file"))),
    }
}

/// Removes a log, and the directory of its run when that is empty then. The answer is whether it was there.
///
/// # Errors
/// When it cannot be removed. One that is not below the directory is left alone, and is not there.
pub fn remove_log(directory: &Path, log: &Path) -> io::Result<bool> {
    let Ok(below) = log.strip_prefix(directory) else { return Ok(false) };
    let (Some(parent), Some(name)) = (below.parent(), below.file_name()) else { return Ok(false) };
    let parent_file = match open_beneath(directory, parent) {
        Ok(parent) => parent,
        Err(LogError::Io(error)) if error.kind() != ErrorKind::NotFound => return Err(error),
        Err(_) => return Ok(false),
    };
    match unlinkat(&parent_file, name, AtFlags::empty()) {
        Ok(()) => {}
        Err(Errno::NOENT) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    if let (Some(above), Some(name)) = (parent.parent(), parent.file_name())
        && let Ok(above) = open_beneath(directory, above)
    {
        // Others may have logs in it.
        let _ = unlinkat(&above, name, AtFlags::REMOVEDIR);
    }
    Ok(true)
}

/// The logs of audits that were last written before a time, in milliseconds since 1970: no journal names them.
///
/// # Errors
/// When they cannot be listed.
pub fn audit_logs(directory: &Path, before: i64) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory.join(AUDIT_DIRECTORY)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut old = Vec::new();
    for entry in entries {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() && metadata.mtime().saturating_mul(1000) < before {
            old.push(entry.path());
        }
    }
    old.sort();
    Ok(old)
}

/// Reads a log. No symbolic link below the directory is followed, whoever made it.
///
/// # Errors
/// When it is not below the directory, or cannot be read.
pub fn read_excerpt(directory: &Path, log: &Path) -> Result<Excerpt, LogError> {
    let mut file = open_log(directory, log)?;
    let length = file.metadata()?.len();
    if length <= HEAD_BYTES + TAIL_BYTES {
        return Ok(Excerpt {
            head: read_at_most(&mut file, HEAD_BYTES + TAIL_BYTES)?,
            omitted_bytes: 0,
            tail: String::new(),
        });
    }
    let head = read_at_most(&mut file, HEAD_BYTES)?;
    file.seek(SeekFrom::Start(length - TAIL_BYTES))?;
    let tail = read_at_most(&mut file, TAIL_BYTES)?;
    Ok(Excerpt { head, omitted_bytes: length - HEAD_BYTES - TAIL_BYTES, tail })
}

fn open_beneath(directory: &Path, below: &Path) -> Result<File, LogError> {
    let directory_flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut parent: OwnedFd = open(directory, directory_flags, Mode::empty()).map_err(io::Error::from)?;
    let mut names = below.components().peekable();
    while let Some(name) = names.next() {
        let Component::Normal(name) = name else { return Err(LogError::OutsideLogDirectory) };
        // NONBLOCK: opening a pipe in its place must not wait for a writer.
        let file_flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let flags = if names.peek().is_some() { directory_flags } else { file_flags };
        parent = openat(&parent, name, flags | OFlags::NOFOLLOW, Mode::empty()).map_err(io::Error::from)?;
    }
    Ok(File::from(parent))
}

fn read_at_most(file: &mut File, most: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(escape_hidden(&String::from_utf8_lossy(&bytes)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_log_is_shown_and_of_a_long_one_both_ends() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("run-1/0001-x.log");
        fs::create_dir(log.parent().unwrap()).unwrap();
        fs::write(&log, "one\n\u{1b}[31mtwo\n").unwrap();
        let shown = read_excerpt(directory.path(), &log).unwrap();
        assert_eq!(shown, Excerpt { head: "one\ntwo\n".into(), omitted_bytes: 0, tail: String::new() });

        fs::write(&log, [b"a".repeat(1 << 20), b"b".repeat(TAIL_BYTES as usize)].concat()).unwrap();
        let shown = read_excerpt(directory.path(), &log).unwrap();
        assert_eq!((shown.head.len() as u64, shown.omitted_bytes), (HEAD_BYTES, (1 << 20) - HEAD_BYTES));
        assert_eq!(shown.tail, "b".repeat(TAIL_BYTES as usize));
    }

    #[test]
    fn nothing_else_is_shown() {
        let directory = tempfile::tempdir().unwrap();
        let (logs, secret) = (directory.path().join("logs"), directory.path().join("secret"));
        fs::create_dir_all(logs.join("run")).unwrap();
        fs::write(&secret, "secret").unwrap();
        symlink(&secret, logs.join("run/link.log")).unwrap();
        symlink(directory.path(), logs.join("away")).unwrap();
        let none = |log: &Path| read_excerpt(&logs, log).unwrap_err();
        assert!(matches!(none(&secret), LogError::OutsideLogDirectory));
        assert!(matches!(none(&logs.join("run/../../secret")), LogError::OutsideLogDirectory));
        assert!(matches!(none(Path::new("/etc/passwd")), LogError::OutsideLogDirectory));
        for link in ["run/link.log", "away/secret", "run/gone.log", "run", ""] {
            assert!(matches!(none(&logs.join(link)), LogError::Io(_)), "{link}");
        }
    }
}
