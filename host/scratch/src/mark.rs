//! The mark of a directory in use: a file with a text that nobody else writes, locked by the process that uses it. The
//! kernel releases the lock when that ends, however it ends.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::durable::sync_directory;

pub(crate) const FILE_NAME: &str = ".opkg-scratch";
const TEXT: &str = "This directory is removed by the program of OPKG that uses it, or by the next one.\n";

#[derive(Debug)]
pub(crate) struct Mark {
    file: File,
}

impl Mark {
    /// Marks a new directory; nothing if another process has just taken it for a leftover.
    pub(crate) fn create(directory: &Path) -> io::Result<Option<Self>> {
        let path = directory.join(FILE_NAME);
        let mut file = match File::options().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            // A file system without locks: then nothing is ever taken for a leftover there.
            Err(TryLockError::Error(_)) => {}
        }
        // The text comes after the lock: whoever reads it finds the lock taken. It is on the disk before anything else
        // is in the directory.
        file.write_all(TEXT.as_bytes())?;
        file.sync_all()?;
        sync_directory(directory)?;
        let still_there = fs::symlink_metadata(&path).ok().map(|found| found.ino());
        Ok((still_there == Some(file.metadata()?.ino())).then_some(Self { file }))
    }

    /// The mark of a directory that nobody uses any more, locked; nothing if it is in use, or no mark of this kind.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read.
    pub(crate) fn take_over(directory: &Path) -> io::Result<Option<Self>> {
        let path = directory.join(FILE_NAME);
        if !fs::symlink_metadata(&path)?.is_file() {
            return Ok(None);
        }
        let mut file = File::options().read(true).open(path)?;
        if file.try_lock().is_err() {
            return Ok(None);
        }
        let mut text = Vec::new();
        (&mut file).take(TEXT.len() as u64 + 1).read_to_end(&mut text)?;
        // After a kill it may be incomplete, after a loss of power empty blocks.
        let is_ours = TEXT.as_bytes().starts_with(&text)
            || text.len() <= TEXT.len() && text.iter().all(|byte| *byte == 0);
        Ok(is_ours.then_some(Self { file }))
    }

    #[cfg(test)]
    pub(crate) fn unlock(&self) {
        #![allow(clippy::unwrap_used)]
        self.file.unlock().unwrap();
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        // Closing releases the lock as well, unless a child process has inherited the file.
        let _ = self.file.unlock();
    }
}
