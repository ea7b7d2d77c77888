//! Files laid out in a directory, with fixed modes and times whatever the umask says.

use std::fs::Permissions;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use fs_err as fs;
use fs_err::os::unix::fs::symlink;
use opkg_interface::artefacts::TextFile;

use crate::error::Error;
use crate::permissions::file_mode;
use crate::source::{OpkgSource, into_error};

/// A directory that files are laid into, beside what others lay there. Paths are relative to it and were checked before.
pub(crate) struct OutputTree<'a> {
    root: &'a Path,
    mtime: SystemTime,
    /// Directories and what is in them, in the order in which they came.
    created: Mutex<Vec<PathBuf>>,
}

impl<'a> OutputTree<'a> {
    pub(crate) fn new(root: &'a Path, time: u64) -> Self {
        let mtime = SystemTime::UNIX_EPOCH + Duration::from_secs(time);
        Self { root, mtime, created: Mutex::default() }
    }

    /// The OPKG's own files below `directory`.
    pub(crate) fn write_sources(&self, source: OpkgSource<'_>, directory: &str) -> Result<(), Error> {
        for file in &source.opkg.files {
            let path = format!("{directory}/{}", file.path);
            if let Some(link) = &file.link {
                let place = self.create_parents(&path)?;
                symlink(link, &place)?;
                self.note(place);
            } else {
                let mut to = self.create(&path)?;
                io::copy(&mut source.open(file)?, &mut to).map_err(into_error)?;
                self.set_metadata(&to, file.mode)?;
            }
        }
        Ok(())
    }

    pub(crate) fn write_texts(&self, files: &[TextFile]) -> Result<(), Error> {
        for file in files {
            self.write(&file.path, file.contents.as_bytes(), file_mode(file.executable))?;
        }
        Ok(())
    }

    pub(crate) fn write(&self, path: &str, contents: &[u8], mode: u32) -> Result<(), Error> {
        let mut file = self.create(path)?;
        file.write_all(contents)?;
        self.set_metadata(&file, mode)
    }

    /// A file of what a stream has.
    pub(crate) fn write_from(&self, path: &str, contents: &mut dyn Read, mode: u32) -> Result<(), Error> {
        let mut file = self.create(path)?;
        io::copy(contents, &mut file)?;
        self.set_metadata(&file, mode)
    }

    /// Where something is that was laid in.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The directory itself.
    pub(crate) fn root(&self) -> &Path {
        self.root
    }

    /// A new file.
    ///
    /// # Errors
    /// If something of that name was laid in before, of this OPKG or of another.
    pub(crate) fn create(&self, path: &str) -> Result<fs::File, Error> {
        let place = self.create_parents(path)?;
        let file = fs::File::create_new(&place).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Error::InvalidOutput(format!("two files are called {path}")),
            _ => error.into(),
        })?;
        self.note(place);
        Ok(file)
    }

    /// Removes everything that was laid in, and no directory that something else is in.
    pub(crate) fn remove(self) {
        let created = self.created.into_inner().unwrap_or_else(PoisonError::into_inner);
        for path in created.into_iter().rev() {
            // What stays goes with the whole; the error that led to this is the one that counts.
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir(&path));
        }
    }

    fn note(&self, path: PathBuf) {
        self.created.lock().unwrap_or_else(PoisonError::into_inner).push(path);
    }

    /// Gives a finished file its mode and time.
    pub(crate) fn set_metadata(&self, file: &fs::File, mode: u32) -> Result<(), Error> {
        file.set_permissions(Permissions::from_mode(mode))?;
        file.set_modified(self.mtime)?;
        Ok(())
    }

    fn create_parents(&self, path: &str) -> Result<PathBuf, Error> {
        for (end, _) in path.match_indices('/') {
            let directory = self.root.join(&path[..end]);
            match fs::create_dir(&directory) {
                Ok(()) => {
                    fs::set_permissions(&directory, Permissions::from_mode(0o755))?;
                    self.note(directory);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.root.join(path))
    }
}
