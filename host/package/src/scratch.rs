//! Temporary directories that go away with whoever uses them, also when the program is told to stop.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

use crate::Error;

/// Those in use by any thread.
static LIVE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A directory that is removed when this is dropped.
pub(crate) struct Scratch(TempDir);

impl Scratch {
    /// A new one whose name starts with `prefix`, in `parent` or else where the system keeps such things.
    pub(crate) fn new(prefix: &str, parent: Option<&Path>) -> Result<Self, Error> {
        // Held while creating: nobody may slip between the directory and its being known.
        let mut live = hold();
        let mut builder = tempfile::Builder::new();
        builder.prefix(prefix);
        let directory = match parent {
            Some(parent) => builder.tempdir_in(parent)?,
            None => builder.tempdir()?,
        };
        live.insert(directory.path().to_owned());
        Ok(Self(directory))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        hold().remove(self.0.path());
    }
}

/// Removes what unfinished builds have in hand. For programs that are about to end: whoever still builds
/// in another thread will fail.
pub fn discard_unfinished() {
    // The lock is kept for good, so that nothing new begins.
    let live = hold();
    for directory in live.iter() {
        // Nothing more can be done about one that cannot be removed.
        let _ = fs_err::remove_dir_all(directory);
    }
    std::mem::forget(live);
}

/// While this is held, [`discard_unfinished`] waits.
pub(crate) fn hold() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    // A set of paths is sound even if a thread died while holding it.
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}
