//! The logs of steps: files that the database names, below the directory where logs are kept, and nothing else.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use rustix::fs::{Mode, OFlags, open, openat};

use crate::plain::plain;

/// Bytes of the beginning that are shown of a long one.
const HEAD: u64 = 64 << 10;
/// Bytes of the end.
const END: u64 = 192 << 10;

/// What a step printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// All of it, or its beginning.
    pub head: String,
    /// Bytes that are left out behind that.
    pub left_out: u64,
    /// What stands behind those.
    pub end: String,
}

/// Why a log is not shown.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The database names a file that is no log.
    #[error("it does not lie in the directory of logs")]
    Elsewhere,
    /// It is gone, or there is no right to read it.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Reads a log. No link below the directory is followed, whoever made it.
///
/// # Errors
/// When it is not below the directory, or cannot be read.
pub fn read(directory: &Path, log: &Path) -> Result<Excerpt, Unreadable> {
    let below = log.strip_prefix(directory).map_err(|_| Unreadable::Elsewhere)?;
    let mut file = open_below(directory, below)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Unreadable::Io(io::Error::new(ErrorKind::InvalidData, "it is no regular file")));
    }
    let length = metadata.len();
    if length <= HEAD + END {
        return Ok(Excerpt { head: part(&mut file, HEAD + END)?, left_out: 0, end: String::new() });
    }
    let head = part(&mut file, HEAD)?;
    file.seek(SeekFrom::Start(length - END))?;
    let end = part(&mut file, END)?;
    Ok(Excerpt { head, left_out: length - HEAD - END, end })
}

fn open_below(directory: &Path, below: &Path) -> Result<File, Unreadable> {
    let step = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at: OwnedFd = open(directory, step, Mode::empty()).map_err(io::Error::from)?;
    let mut names = below.components().peekable();
    while let Some(name) = names.next() {
        let Component::Normal(name) = name else { return Err(Unreadable::Elsewhere) };
        // A pipe in its place shall not be waited for.
        let last = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let flags = if names.peek().is_some() { step } else { last };
        at = openat(&at, name, flags | OFlags::NOFOLLOW, Mode::empty()).map_err(io::Error::from)?;
    }
    Ok(File::from(at))
}

fn part(file: &mut File, most: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(plain(&String::from_utf8_lossy(&bytes)))
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
        let shown = read(directory.path(), &log).unwrap();
        assert_eq!(shown, Excerpt { head: "one\ntwo\n".into(), left_out: 0, end: String::new() });

        fs::write(&log, [b"a".repeat(1 << 20), b"b".repeat(END as usize)].concat()).unwrap();
        let shown = read(directory.path(), &log).unwrap();
        assert_eq!((shown.head.len() as u64, shown.left_out), (HEAD, (1 << 20) - HEAD));
        assert_eq!(shown.end, "b".repeat(END as usize));
    }

    #[test]
    fn nothing_else_is_shown() {
        let directory = tempfile::tempdir().unwrap();
        let (logs, secret) = (directory.path().join("logs"), directory.path().join("secret"));
        fs::create_dir_all(logs.join("run")).unwrap();
        fs::write(&secret, "secret").unwrap();
        symlink(&secret, logs.join("run/link.log")).unwrap();
        symlink(directory.path(), logs.join("away")).unwrap();
        let none = |log: &Path| read(&logs, log).unwrap_err();
        assert!(matches!(none(&secret), Unreadable::Elsewhere));
        assert!(matches!(none(&logs.join("run/../../secret")), Unreadable::Elsewhere));
        assert!(matches!(none(Path::new("/etc/passwd")), Unreadable::Elsewhere));
        for link in ["run/link.log", "away/secret", "run/gone.log", "run", ""] {
            assert!(matches!(none(&logs.join(link)), Unreadable::Io(_)), "{link}");
        }
    }
}
