//! A directory that did not exist before, written whole or not at all.

use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg_scratch::ScratchDir;
use opkg_shell::UsageError;

use crate::errors::CliError;

/// A file below the directory.
pub struct NewFile {
    /// Relative.
    pub path: PathBuf,
    /// What is in it.
    pub contents: Vec<u8>,
}

impl NewFile {
    /// One with this text.
    pub fn new(path: impl Into<PathBuf>, contents: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), contents: contents.into() }
    }
}

/// Writes the files below `target`, which must not be there.
///
/// # Errors
/// It is there, or cannot be written.
pub fn write_new_tree(target: &Path, files: &[NewFile]) -> Result<(), CliError> {
    let refuse_existing = || match fs::symlink_metadata(target) {
        Ok(_) => {
            let message = format!("{} is there already", target.display());
            Err(CliError::from(UsageError::new(message, "name another directory")))
        }
        Err(_) => Ok(()),
    };
    refuse_existing()?;
    let parent = target.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let staging = ScratchDir::new(".new-", Some(parent))?;
    let made = staging.path().join("tree");
    fs::create_dir_all(&made)?;
    for file in files {
        let path = made.join(&file.path);
        fs::create_dir_all(path.parent().unwrap_or(&made))?;
        fs::write(path, &file.contents)?;
    }
    refuse_existing()?;
    opkg_scratch::sync_tree(&made)?;
    fs::rename(&made, target)?;
    opkg_scratch::sync_directory(parent)?;
    Ok(())
}
