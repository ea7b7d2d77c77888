//! Which files of a root are there for a while only, on its disk before they are made: a process that is killed removes
//! nothing, and a package source, say, would stay and ship with the image.
//!
//! A record is locked by the process whose files it names; the kernel releases the lock when that ends, however it ends.
//! Where a file system knows no locks, nothing is taken for a leftover.

use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use opkg_oda::crash::crash_point;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, fsync, openat, statat, unlinkat};
use rustix::io::Errno;

use super::root::{TargetRoot, device_and_inode};

/// Where records are, inside the root: in the directory of what `opm` keeps.
pub(super) const RECORDS_DIR: &str = "/var/lib/opm";

/// How the names of records begin.
const RECORD_PREFIX: &str = "temporary-";

/// How the names of all files begin that are recorded: nothing of the system's own, whatever a record says.
const OWN_PREFIX: &str = "opkg-";

/// More than a record ever has.
const MAX_BYTES: u64 = 1 << 20;

/// How often a new record is tried: one that another process took for a leftover, while it had no lock yet.
const ATTEMPTS: usize = 16;

/// Numbers the records of this process.
static COUNTER: AtomicU32 = AtomicU32::new(0);

/// What is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    File(PathBuf),
    Directory(PathBuf),
}

/// A record that this process writes, and has locked.
#[derive(Debug)]
pub(super) struct TempRecord {
    directory: OwnedFd,
    name: OsString,
    file: File,
}

impl TempRecord {
    /// A new one, in a directory that is there.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn create(root: &TargetRoot) -> io::Result<Self> {
        let directory = open_records_dir(root)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        for _ in 0..ATTEMPTS {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let name = OsString::from(format!("{RECORD_PREFIX}{}-{number}", std::process::id()));
            let file = match openat(&directory, &name, flags, Mode::from_raw_mode(0o600)) {
                Ok(file) => file,
                // That of an earlier process of this number.
                Err(Errno::EXIST) => continue,
                Err(error) => return Err(error.into()),
            };
            let identity = device_and_inode(&file)?;
            let file = File::from(file);
            if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
                continue;
            }
            let found = statat(&directory, &name, AtFlags::SYMLINK_NOFOLLOW);
            if found.is_ok_and(|found| (found.st_dev, found.st_ino) == identity) {
                return Ok(Self { directory, name, file });
            }
        }
        Err(io::Error::other(format!("no record in {RECORDS_DIR} stays: something removes them")))
    }

    /// Adds what is about to be made, on the disk.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn add(&mut self, entry: &Entry) -> io::Result<()> {
        let (kind, path) = match entry {
            Entry::File(path) => (b'f', path),
            Entry::Directory(path) => (b'd', path),
        };
        let line = [&[kind], path.as_os_str().as_bytes(), b"\0"].concat();
        self.file.write_all(&line)?;
        // Without files there is nothing that matters.
        if matches!(entry, Entry::File(_)) {
            self.file.sync_all()?;
            sync_directory(&self.directory)?;
            crash_point("addition.recorded");
        }
        Ok(())
    }

    /// Nothing of it is there any more.
    pub(super) fn remove(self) {
        // One that stays names what is not there.
        let _ = unlinkat(&self.directory, &self.name, AtFlags::empty());
    }

    #[cfg(test)]
    pub(super) fn unlock(&self) {
        #![allow(clippy::unwrap_used)]
        self.file.unlock().unwrap();
    }
}

/// Removes what processes have left in a root that ended before they could. Returns the files.
///
/// # Errors
/// Some are there and cannot be removed.
pub(crate) fn remove_leftovers(root: &TargetRoot) -> io::Result<Vec<PathBuf>> {
    let directory = match open_records_dir(root) {
        Ok(directory) => directory,
        // Whoever may not look there has left nothing there.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied
            ) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut removed = Vec::new();
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if !name.as_bytes().starts_with(RECORD_PREFIX.as_bytes()) {
            continue;
        }
        let Some((_locked, entries)) = read_leftover(&directory, name)? else { continue };
        let mut directories = Vec::new();
        for entry in entries {
            match entry {
                Entry::File(path) => removed.extend(remove_file(root, &path)?.then_some(path)),
                Entry::Directory(path) => directories.push(path),
            }
        }
        unlinkat(&directory, name, AtFlags::empty())?;
        for path in directories.iter().rev() {
            // Somebody else may have put something there.
            let _ = root.unlink(path, AtFlags::REMOVEDIR);
        }
    }
    Ok(removed)
}

/// What a record says whose process is gone, with the file, which is locked; nothing, where that process lives, or where it
/// is no record.
fn read_leftover(directory: &OwnedFd, name: &OsStr) -> io::Result<Option<(File, Vec<Entry>)>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut file = match openat(directory, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        // It has just gone, is a link, or somebody else's.
        Err(Errno::NOENT | Errno::LOOP | Errno::ACCESS) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if !file.metadata()?.is_file() || file.try_lock().is_err() {
        return Ok(None);
    }
    let mut text = Vec::new();
    (&mut file).take(MAX_BYTES).read_to_end(&mut text)?;
    Ok(Some((file, parse(&text))))
}

/// What was added as a whole: before the rest was made, the process ended.
fn parse(text: &[u8]) -> Vec<Entry> {
    let whole = text.iter().rposition(|byte| *byte == 0).map_or(&[][..], |end| &text[..end]);
    let entry = |line: &[u8]| {
        let (kind, path) = line.split_first()?;
        let path = PathBuf::from(OsStr::from_bytes(path));
        match kind {
            b'f' if is_own(&path) => Some(Entry::File(path)),
            b'd' => Some(Entry::Directory(path)),
            _ => None,
        }
    };
    whole.split(|byte| *byte == 0).filter_map(entry).collect()
}

fn is_own(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_bytes().starts_with(OWN_PREFIX.as_bytes()))
}

/// Whether there was one to remove.
fn remove_file(root: &TargetRoot, path: &Path) -> io::Result<bool> {
    match root.unlink(path, AtFlags::empty()) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    }
}

fn open_records_dir(root: &TargetRoot) -> io::Result<OwnedFd> {
    root.open_at(Path::new(RECORDS_DIR), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
}

fn sync_directory(directory: &OwnedFd) -> io::Result<()> {
    match fsync(directory) {
        // A file system that knows no such thing for directories.
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
