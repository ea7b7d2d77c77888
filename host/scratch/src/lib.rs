//! Temporary directories that go away with whoever uses them: at the end, when the program is told to stop, and with the
//! next program of the kind when this one was killed. And what it takes to move something out of them for good.

mod durable;
mod mark;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

pub use durable::{sync_directory, sync_tree};
use mark::Mark;

static LIVE_DIRS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// How often a new directory is tried: one that another process took for a leftover, while it had no mark yet.
const ATTEMPTS: usize = 16;

/// A directory that is removed when this is dropped. It holds a file of its own, [`ScratchDir::MARK`].
#[derive(Debug)]
pub struct ScratchDir {
    directory: TempDir,
    /// Holds the lock that says that the directory is in use.
    _mark: Mark,
}

impl ScratchDir {
    /// The name of the file that marks a directory as one of these.
    pub const MARK: &str = mark::FILE_NAME;

    /// A new one whose name starts with `prefix`, in `parent` or else where the system keeps such things. Those of the
    /// same prefix that killed processes of the same user left there are removed.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn new(prefix: &str, parent: Option<&Path>) -> io::Result<Self> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        let scratch = Self::create(prefix, &parent)?;
        scratch.remove_leftovers(prefix, &parent);
        Ok(scratch)
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    fn create(prefix: &str, parent: &Path) -> io::Result<Self> {
        // Held while creating: nobody may slip between the directory and its being known.
        let mut live = lock_live_dirs();
        for _ in 0..ATTEMPTS {
            let directory = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
            if let Some(mark) = Mark::create(directory.path())? {
                live.insert(directory.path().to_owned());
                return Ok(Self { directory, _mark: mark });
            }
        }
        Err(io::Error::other(format!(
            "no directory in {} stays: something removes them as soon as they are created",
            parent.display()
        )))
    }

    /// Removes what nobody uses any more. One that cannot be removed stays; the next one tries again.
    fn remove_leftovers(&self, prefix: &str, parent: &Path) {
        let Ok(own) = fs::metadata(self.path()) else { return };
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let (name, path) = (entry.file_name(), entry.path());
            if !name.as_encoded_bytes().starts_with(prefix.as_bytes()) || path == self.path() {
                continue;
            }
            let of_this_user = |found: fs::Metadata| found.is_dir() && found.uid() == own.uid();
            if !fs::symlink_metadata(&path).is_ok_and(of_this_user) {
                continue;
            }
            match Mark::take_over(&path) {
                Ok(Some(_locked)) => {
                    let _ = remove(&path);
                }
                // Killed before it was marked: then it is empty. Anything else is not ours.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let _ = fs::remove_dir(&path);
                }
                Ok(None) | Err(_) => {}
            }
        }
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        let mut live = lock_live_dirs();
        // Still known while it goes, in case the program is told to stop in the middle of that.
        let _ = remove(self.path());
        live.remove(self.path());
    }
}

/// Removes what unfinished work has in hand. For programs that are about to end: whoever still works in another
/// thread will fail.
pub fn remove_all_on_exit() {
    // The lock is kept for good, so that nothing new begins.
    let live = lock_live_dirs();
    for directory in live.iter() {
        // Nothing more can be done about one that cannot be removed.
        let _ = remove(directory);
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

/// Removes a directory, the mark last: what is left after a kill or a loss of power can be told from what others own.
fn remove(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else if entry.file_name() != ScratchDir::MARK {
            fs::remove_file(entry.path())?;
        }
    }
    sync_directory(directory)?;
    fs::remove_dir_all(directory)
}

fn lock_live_dirs() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    // A set of paths is sound even if a thread died while holding it.
    LIVE_DIRS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_directory_goes_with_its_user() {
        let scratch = ScratchDir::new("opkg-test-", None).unwrap();
        let path = scratch.path().to_owned();
        assert!(path.is_dir() && lock_live_dirs().contains(&path));
        drop(scratch);
        assert!(!path.exists() && !lock_live_dirs().contains(&path));
    }

    /// A directory as a killed process leaves it.
    fn leave_behind(parent: &Path) -> PathBuf {
        let scratch = ScratchDir::create("a-", parent).unwrap();
        let path = scratch.path().to_owned();
        fs::create_dir(path.join("tree")).unwrap();
        fs::write(path.join("tree/file"), "half").unwrap();
        scratch._mark.unlock();
        std::mem::forget(scratch);
        path
    }

    #[test]
    fn what_a_killed_process_left_goes_with_the_next_one() {
        let parent = tempfile::tempdir().unwrap();
        let left = leave_behind(parent.path());
        let unmarked = parent.path().join("a-unmarked");
        fs::create_dir(&unmarked).unwrap();
        let next = ScratchDir::new("a-", Some(parent.path())).unwrap();
        assert!(!left.exists() && !unmarked.exists());
        assert!(next.path().exists());
    }

    #[test]
    fn what_is_in_use_or_of_others_stays() {
        let parent = tempfile::tempdir().unwrap();
        let at = |name: &str| parent.path().join(name);
        let in_use = ScratchDir::new("a-", Some(parent.path())).unwrap();
        fs::create_dir(at("a-foreign")).unwrap();
        fs::write(at("a-foreign/file"), "").unwrap();
        fs::create_dir(at("a-other-mark")).unwrap();
        fs::write(at("a-other-mark").join(ScratchDir::MARK), "something else").unwrap();
        fs::create_dir(at("a-linked-mark")).unwrap();
        symlink(in_use.path().join(ScratchDir::MARK), at("a-linked-mark").join(ScratchDir::MARK)).unwrap();
        fs::write(at("a-file"), "").unwrap();
        let elsewhere = leave_behind(tempfile::tempdir().unwrap().keep().as_path());
        symlink(&elsewhere, at("a-link")).unwrap();
        let other_prefix = {
            let path = leave_behind(parent.path());
            fs::rename(&path, at("b-left")).unwrap();
            at("b-left")
        };
        let _next = ScratchDir::new("a-", Some(parent.path())).unwrap();
        for kept in [
            in_use.path().to_owned(),
            at("a-foreign/file"),
            at("a-other-mark"),
            at("a-linked-mark"),
            at("a-file"),
            at("a-link"),
            elsewhere.join("tree/file"),
            other_prefix,
        ] {
            assert!(kept.symlink_metadata().is_ok(), "{}", kept.display());
        }
        fs::remove_dir_all(elsewhere.parent().unwrap()).unwrap();
    }

    #[test]
    fn many_at_a_time_do_not_take_each_other_for_leftovers() {
        let parent = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let scratch = ScratchDir::new("a-", Some(parent.path())).unwrap();
                        fs::write(scratch.path().join("file"), "").unwrap();
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
