//! Reading a database without writing: SQLite itself needs files beside one with a write-ahead log, and makes them, with
//! the rights of whoever reads. Where that log is empty, the file is read in place, as long as nobody writes; otherwise a
//! copy of both is read.
//!
//! Not for a process that has the same database open otherwise: closing any of its files drops the locks of the process.

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opkg_oda::Error;
use tempfile::TempDir;

use crate::filesystem::{io_error, with_suffix};

/// The name of the copy in its directory.
pub(super) const FILE_NAME: &str = "oda.db";

/// How often a copy is begun again because somebody wrote meanwhile.
const MAX_ATTEMPTS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(25);
/// File systems do not tell the times of two writes apart that are this close.
const GRANULARITY_NANOSECONDS: i128 = 10_000_000;

/// What changes with every write to a file: its inode, its size, and the time of the last write, in nanoseconds.
type Fingerprint = Option<(u64, u64, i64, i64)>;

/// A database in one file, which nobody has written since.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct QuietFile([Fingerprint; 2]);

impl QuietFile {
    /// Absent where parts of the database are in its write-ahead log, or somebody has just written.
    pub(super) fn find(path: &Path) -> Option<Self> {
        let [file, log] = sources(path).map(|source| fingerprint(&source));
        let is_quiet = file.as_ref().is_some_and(|file| !is_recent(file));
        (is_quiet && log.is_none_or(|(_, size, ..)| size == 0)).then_some(Self([file, log]))
    }

    /// Whether everything that was read since is of one instant.
    pub(super) fn is_unchanged(&self, path: &Path) -> bool {
        sources(path).map(|source| fingerprint(&source)) == self.0
    }
}

/// A name under which SQLite takes no locks, and makes no files beside it.
pub(super) fn immutable_uri(path: &Path) -> io::Result<String> {
    let mut uri = String::from("file:");
    for byte in std::path::absolute(path)?.as_os_str().as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                uri.push(char::from(*byte))
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    Ok(uri + "?immutable=1")
}

/// The files that a database is in: its own, and its write-ahead log.
fn sources(path: &Path) -> [PathBuf; 2] {
    [path.to_owned(), with_suffix(path, "-wal")]
}

/// Copies a database with its write-ahead log, at one instant, into a directory of its own.
pub(super) fn copy(path: &Path) -> Result<TempDir, Error> {
    let fail = |error: io::Error| io_error(path, &error);
    let directory = tempfile::Builder::new().prefix("opm-").tempdir().map_err(fail)?;
    let sources = sources(path);
    for _ in 0..MAX_ATTEMPTS {
        let before = sources.each_ref().map(|source| fingerprint(source));
        if before.iter().flatten().any(is_recent) {
            std::thread::sleep(PAUSE);
            continue;
        }
        for (source, suffix) in sources.iter().zip(["", "-wal"]) {
            let copy = with_suffix(&directory.path().join(FILE_NAME), suffix);
            match File::open(source) {
                Ok(mut source) => {
                    let mut copy = File::create(&copy).map_err(fail)?;
                    io::copy(&mut source, &mut copy).map_err(fail)?;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound && !suffix.is_empty() => {
                    match fs::remove_file(&copy) {
                        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
                        _ => {}
                    }
                }
                Err(error) => return Err(fail(error)),
            }
        }
        if sources.each_ref().map(|source| fingerprint(source)) == before {
            return Ok(directory);
        }
        std::thread::sleep(PAUSE);
    }
    Err(Error::Busy { database: path.display().to_string(), seconds: (PAUSE * MAX_ATTEMPTS).as_secs() })
}

fn fingerprint(path: &Path) -> Fingerprint {
    let found = fs::metadata(path).ok()?;
    Some((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
}

/// Whether a file was written so short ago that the time would not tell of another write.
fn is_recent((.., seconds, nanoseconds): &(u64, u64, i64, i64)) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos().cast_signed());
    let written = i128::from(*seconds) * 1_000_000_000 + i128::from(*nanoseconds);
    (0..GRANULARITY_NANOSECONDS).contains(&(now - written))
}
