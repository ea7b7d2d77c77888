//! The directory that a run writes to: what it makes is staged there, and published when all of it is complete.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use fs_err as fs;
use opkg_interface::artefacts::Output;
use opkg_scratch::ScratchDir;

use crate::build_options::BuildOptions;
use crate::error::Error;
use crate::index_request::IndexRequest;
use crate::output_tree::OutputTree;
use crate::publish;
use crate::source::OpkgSource;
use crate::staged::StagedPackages;
use crate::write;
use crate::written::{OutputKind, WrittenFile, WrittenIndex};

/// Where a run writes. Everything is made in a hidden directory in there first, so that putting it into its place is a
/// rename.
pub struct OutputDir {
    path: PathBuf,
    /// As soon as there is something to write.
    scratch: Mutex<Option<ScratchDir>>,
    /// How many publications were begun.
    publications: AtomicUsize,
    /// Keeps other processes from publishing, as long as there is a publication.
    lock: Mutex<Weak<publish::DirectoryLock>>,
}

impl OutputDir {
    /// It is created, if need be, when something is written; what runs that were killed left in it goes then.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            scratch: Mutex::default(),
            publications: AtomicUsize::new(0),
            lock: Mutex::default(),
        }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path within the hidden directory.
    fn scratch_path(&self, path: &str) -> Result<PathBuf, Error> {
        // Whoever died while holding it left it as it was.
        let mut scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        let scratch = match &mut *scratch {
            Some(scratch) => scratch,
            none => {
                fs::create_dir_all(&self.path)?;
                let named = |error: io::Error| {
                    io::Error::new(error.kind(), format!("{}: {error}", self.path.display()))
                };
                none.insert(ScratchDir::new(".opkgc-", Some(&self.path)).map_err(named)?)
            }
        };
        Ok(scratch.path().join(path))
    }

    /// Where everything is staged that is going to be in the directory `name`.
    fn staging_directory(&self, name: &str) -> Result<PathBuf, Error> {
        self.scratch_path(&format!("staged-{name}"))
    }

    /// Makes meta-files and source packages, and with a builder the binary packages, for the directory `name`.
    ///
    /// # Errors
    /// When something else was staged under one of the names. On any error nothing is left of them.
    pub fn stage(
        &self,
        name: &str,
        output: &Output,
        source: OpkgSource<'_>,
        options: BuildOptions<'_>,
    ) -> Result<StagedPackages, Error> {
        self.stage_with(name, source, |tree| write::write_into(tree, output, source, options))
    }

    /// The same of the one binary package of this name, without anything that it is made of.
    ///
    /// # Errors
    /// As of [`Self::stage`]; also where there is no such package.
    pub fn stage_binary_package(
        &self,
        name: &str,
        output: &Output,
        package: &str,
        source: OpkgSource<'_>,
        options: BuildOptions<'_>,
    ) -> Result<StagedPackages, Error> {
        self.stage_with(name, source, |tree| {
            write::write_binary_package_into(tree, output, package, source, options)
        })
    }

    fn stage_with(
        &self,
        name: &str,
        source: OpkgSource<'_>,
        write: impl FnOnce(&OutputTree<'_>) -> Result<Vec<(String, OutputKind)>, Error>,
    ) -> Result<StagedPackages, Error> {
        let directory = self.staging_directory(name)?;
        match fs::create_dir(&directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
        let tree = OutputTree::new(&directory, source.timestamp());
        match write(&tree) {
            Ok(files) => Ok(StagedPackages::new(&files)),
            Err(error) => {
                tree.remove();
                Err(error)
            }
        }
    }

    /// Puts the packages that were staged for the directory `name`, all `sets` of them, into that directory, which is
    /// created if need be, and writes the index of everything that is in it then. What stood there under the same names
    /// is replaced. Whoever looks into the directory, and whatever becomes of this process, finds it as it was or as it
    /// becomes; only where the file system cannot exchange directories, the files come one after the other, each as a
    /// whole and the index last.
    ///
    /// Directories of different names may be published by several threads at a time. `wait` is called before waiting
    /// for another process that publishes into one of them.
    ///
    /// # Errors
    /// When something else stands where a file belongs, or must not get into the index. On any error the directory is
    /// as it was.
    pub fn publish(
        &self,
        name: &str,
        sets: &[&StagedPackages],
        index: Option<IndexRequest<'_>>,
        wait: &dyn Fn(),
    ) -> Result<WrittenIndex, Error> {
        let place = self.path.join(name);
        let paths: Vec<&str> = sets.iter().flat_map(|set| set.paths()).collect();
        let staged = self.staging_directory(name)?;
        let number = self.publications.fetch_add(1, Ordering::Relaxed);
        let work = self.scratch_path(&number.to_string())?;
        fs::create_dir(&work)?;
        let _lock = self.lock(wait)?;
        let change = publish::publish(&self.path, &place, &work, &staged, &paths, index)?;
        let file = |path: &String| WrittenFile { path: place.join(path), kind: OutputKind::Index };
        Ok(WrittenIndex { files: change.written.iter().map(file).collect(), unsigned: change.unsigned })
    }

    /// The lock of this process, which all of its publications share.
    fn lock(&self, wait: &dyn Fn()) -> Result<Arc<publish::DirectoryLock>, Error> {
        let mut shared = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = shared.upgrade() {
            return Ok(lock);
        }
        let lock = Arc::new(publish::DirectoryLock::acquire(&self.path, wait)?);
        *shared = Arc::downgrade(&lock);
        Ok(lock)
    }

    /// The directory that a directory lies in, and its name there.
    fn in_parent(directory: &Path) -> Result<(Self, String), Error> {
        let absolute = std::path::absolute(directory)?;
        let name = absolute.file_name().and_then(|name| name.to_str());
        let (Some(parent), Some(name)) = (absolute.parent(), name) else {
            return Err(Error::Io(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{} has no name that can be written to", directory.display()),
            )));
        };
        Ok((Self::new(parent), name.to_owned()))
    }
}

/// Writes one set of packages into `directory`, as [`OutputDir::stage`] and [`OutputDir::publish`] do.
///
/// # Errors
/// On any error `directory` is as it was.
pub fn write_packages(
    output: &Output,
    source: OpkgSource<'_>,
    directory: &Path,
    options: BuildOptions<'_>,
) -> Result<Vec<WrittenFile>, Error> {
    let (parent, name) = OutputDir::in_parent(directory)?;
    let staged = parent.stage(&name, output, source, options)?;
    parent.publish(&name, &[&staged], None, &|| ())?;
    Ok(staged.files_in(directory).collect())
}

/// Writes the index of all packages in `directory`. With a signer it is signed, and the public key is beside it.
///
/// # Errors
/// When there is nothing to index, or something that must not get into an index: a damaged package, two that
/// claim to be the same. On any error the earlier index is left as it was.
pub fn write_index(directory: &Path, request: IndexRequest<'_>) -> Result<WrittenIndex, Error> {
    let (parent, file_name) = OutputDir::in_parent(directory)?;
    let index = parent.publish(&file_name, &[], Some(request), &|| ())?;
    let place = parent.path.join(&file_name);
    let files = index.files.into_iter().map(|file| file.in_directory(&place, directory)).collect();
    Ok(WrittenIndex { files, ..index })
}
