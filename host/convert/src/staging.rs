//! A directory that appears whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use opkg_scratch::ScratchDir;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::Error;

/// A directory in the making, beside the place where it is going to be. It goes away when this is dropped,
/// and when the program is told to stop.
pub(crate) struct StagingDir {
    scratch: ScratchDir,
    target: PathBuf,
}

impl StagingDir {
    /// For a target that must not exist yet. Its parents are created if need be.
    pub fn new(target: &Path) -> Result<Self, Error> {
        if target.symlink_metadata().is_ok() {
            return Err(Error::AlreadyExists(target.to_owned()));
        }
        let parent = parent_of(target);
        fs::create_dir_all(parent).map_err(Error::io(parent))?;
        let scratch = ScratchDir::new(".opkg-", Some(parent)).map_err(Error::io(parent))?;
        let staging = Self { scratch, target: target.to_owned() };
        // Made in the ordinary way, so that it gets ordinary permissions.
        fs::create_dir(staging.path()).map_err(Error::io(target))?;
        Ok(staging)
    }

    /// Where to put what the directory is going to hold.
    pub fn path(&self) -> PathBuf {
        self.scratch.path().join("opkg")
    }

    /// Puts the directory into its place, unless something has come there in the meantime.
    pub fn publish(self) -> Result<(), Error> {
        opkg_scratch::sync_tree(&self.path()).map_err(Error::io(&self.target))?;
        // Not in the middle of the program's being told to stop.
        let _hold = opkg_scratch::block_cleanup();
        let target = self.target.as_path();
        let moved = match renameat_with(CWD, self.path(), CWD, target, RenameFlags::NOREPLACE) {
            // Some file systems cannot promise that nothing is replaced; only an empty directory could be.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if target.symlink_metadata().is_err() => {
                fs::rename(self.path(), target)
            }
            other => other.map_err(io::Error::from),
        };
        match moved {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::AlreadyExists(self.target))
            }
            Err(error) => Err(Error::io(target)(error)),
            Ok(()) => opkg_scratch::sync_directory(parent_of(target)).map_err(Error::io(target)),
        }
    }
}

fn parent_of(target: &Path) -> &Path {
    target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
