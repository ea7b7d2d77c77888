//! Temporary directories that go away with whoever uses them, also when the program is told to stop.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

static LIVE_DIRS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A directory that is removed when this is dropped.
#[derive(Debug)]
pub struct ScratchDir(TempDir);

impl ScratchDir {
    /// A new one whose name starts with `prefix`, in `parent` or else where the system keeps such things.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn new(prefix: &str, parent: Option<&Path>) -> io::Result<Self> {
        // Held while creating: nobody may slip between the directory and its being known.
        let mut live = lock_live_dirs();
        let mut builder = tempfile::Builder::new();
        builder.prefix(prefix);
        let directory = match parent {
            Some(parent) => builder.tempdir_in(parent)?,
            None => builder.tempdir()?,
        };
        live.insert(directory.path().to_owned());
        Ok(Self(directory))
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        let mut live = lock_live_dirs();
        // Still known while it goes, in case the program is told to stop in the middle of that.
        let _ = std::fs::remove_dir_all(self.0.path());
        live.remove(self.0.path());
    }
}

/// Removes what unfinished work has in hand. For programs that are about to end: whoever still works in another
/// thread will fail.
pub fn remove_all_on_exit() {
    // The lock is kept for good, so that nothing new begins.
    let live = lock_live_dirs();
    for directory in live.iter() {
        // Nothing more can be done about one that cannot be removed.
        let _ = std::fs::remove_dir_all(directory);
    }
    std::mem::forget(live);
}

/// While this lives, [`remove_all_on_exit`] waits: for what must be done as a whole.
#[derive(Debug)]
pub struct CleanupGuard(
    #[expect(dead_code, reason = "it is there to be dropped")] MutexGuard<'static, BTreeSet<PathBuf>>,
);

/// Makes [`remove_all_on_exit`] wait.
#[must_use]
pub fn block_cleanup() -> CleanupGuard {
    CleanupGuard(lock_live_dirs())
}

fn lock_live_dirs() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    // A set of paths is sound even if a thread died while holding it.
    LIVE_DIRS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_directory_goes_with_its_user() {
        let scratch = ScratchDir::new("opkg-test-", None).unwrap();
        let path = scratch.path().to_owned();
        assert!(path.is_dir() && lock_live_dirs().contains(&path));
        drop(scratch);
        assert!(!path.exists() && !lock_live_dirs().contains(&path));
    }
}
