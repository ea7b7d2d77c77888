//! Files that may be anybody's, opened without waiting for whom they belong to.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a regular file for reading; a link is followed. Never waits: opening a pipe would, until somebody writes
/// into it.
///
/// # Errors
/// Those of the system, without the path; [`io::ErrorKind::InvalidInput`] for anything but a regular file.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(path, OFlags::empty())
}

/// The same of a file that must be in its place itself: a link is an error.
///
/// # Errors
/// As of [`open`].
pub fn open_no_follow(path: &Path) -> io::Result<File> {
    open_with(path, OFlags::NOFOLLOW)
}

/// The text of a file of at most `limit` bytes.
///
/// # Errors
/// Those of the system, without the path; [`io::ErrorKind::FileTooLarge`], and [`io::ErrorKind::InvalidData`] where it is not in
/// UTF-8.
pub fn read_text(file: File, limit: u64) -> io::Result<String> {
    let mut text = String::new();
    file.take(limit.saturating_add(1)).read_to_string(&mut text)?;
    match text.len() as u64 > limit {
        true => {
            let message = format!("it is larger than {} KiB", limit >> 10);
            Err(io::Error::new(io::ErrorKind::FileTooLarge, message))
        }
        false => Ok(text),
    }
}

fn open_with(path: &Path, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    // Asked of what was opened, since a path may lead elsewhere by now.
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_limits() {
        let directory = tempfile::tempdir().unwrap();
        let read = |contents: &[u8]| {
            let path = directory.path().join("file");
            std::fs::write(&path, contents).unwrap();
            read_text(open(&path).unwrap(), 1024).map_err(|error| (error.kind(), error.to_string()))
        };
        assert_eq!(read(&[b'a'; 1024]).unwrap().len(), 1024);
        let large = read(&[b'a'; 1025]).unwrap_err();
        assert_eq!(large, (io::ErrorKind::FileTooLarge, "it is larger than 1 KiB".to_owned()));
        assert_eq!(read(b"\xff").unwrap_err().0, io::ErrorKind::InvalidData);
    }

    #[test]
    fn only_regular_files_are_opened_and_nothing_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("file"), "x").unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        assert!(
            open(&at("file")).is_ok() && open(&at("link")).is_ok() && open_no_follow(&at("file")).is_ok()
        );
        assert!(open_no_follow(&at("link")).is_err());
        assert_eq!(open(&at("pipe")).unwrap_err().to_string(), "it is no regular file");
        for other in [at("pipe"), at("socket"), at(""), "/dev/null".into(), at("none")] {
            assert!(open(&other).is_err(), "{}", other.display());
        }
    }
}
