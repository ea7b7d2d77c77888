//! From one state of a directory to the next: all at once, or not at all.
//!
//! The next state is made beside the directory, of links to what stays, of what is new, and of an index over both. When
//! all of it has reached the disk, the two directories are exchanged in one step.

mod fallback;
mod mirror;

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use fs_err as fs;
use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};
use rustix::io::Errno;

use crate::error::Error;
use crate::index_request::IndexRequest;
use crate::ownership;
use crate::repository::{self, IndexChange};

/// Publishes the `paths` of `staged`, files and directories with everything in them, into `place`, which lies in `parent`;
/// `work` is an empty directory of the same file system. The caller holds the lock of `parent`, and lets nobody else
/// publish into this `place`.
pub(crate) fn publish(
    parent: &Path,
    place: &Path,
    work: &Path,
    staged: &Path,
    paths: &[&str],
    index: Option<IndexRequest<'_>>,
) -> Result<IndexChange, Error> {
    let exists = ownership::check_place(place)?;
    for path in paths.iter().copied().chain(index.iter().flat_map(|_| repository::INDEX_DIRS)) {
        ownership::check_path(place, path)?;
    }

    let next = work.join("next");
    let is_mirror = exists && is_mirrored(place, &next)?;
    if !exists && staged.exists() {
        fs::rename(staged, &next)?;
    } else {
        if !is_mirror {
            fs::create_dir(&next)?;
            if exists && index.is_some() {
                mirror::copy_indexed_files(place, &next)?;
            }
        }
        for path in paths {
            mirror::replace(&staged.join(path), &next, path)?;
        }
    }
    let change = match index {
        Some(request) => {
            repository::write_into(&next, request).map_err(|error| name_place(error, &next, place))?
        }
        None => IndexChange::default(),
    };
    opkg_scratch::sync_tree(&next)?;

    // Not in the middle of the program's being told to stop.
    let _hold = opkg_scratch::block_cleanup();
    if !exists {
        fs::rename(&next, place)?;
    } else if is_mirror && exchange(&next, place) {
        let replaced: BTreeSet<&str> = paths.iter().copied().chain(change.paths()).collect();
        mirror::bring_back(&next, place, &replaced)?;
    } else {
        let new = paths.iter().copied().chain(change.written.iter().map(String::as_str));
        let obsolete = change.obsolete.iter().map(String::as_str);
        fallback::move_in_order(&next, place, &work.join("old"), new, obsolete)?;
    }
    opkg_scratch::sync_directory(parent)?;
    Ok(change)
}

/// Makes `next` of links to everything in `place`. False, and nothing is there, where the file system or the rights
/// of this user do not allow that.
fn is_mirrored(place: &Path, next: &Path) -> Result<bool, Error> {
    match mirror::link_tree(place, next) {
        Ok(()) => Ok(true),
        Err(error) => {
            tracing::debug!(directory = %place.display(), %error, "cannot be made anew of links");
            match fs::remove_dir_all(next) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
                _ => Ok(false),
            }
        }
    }
}

/// Exchanges two directories in one step, if the file system can.
fn exchange(next: &Path, place: &Path) -> bool {
    match renameat_with(CWD, next, CWD, place, RenameFlags::EXCHANGE) {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(directory = %place.display(), %error, "cannot be exchanged");
            false
        }
    }
}

/// Keeps other processes from publishing into a directory, as long as it is there.
pub(crate) struct DirectoryLock(#[expect(dead_code, reason = "it is there to be closed")] fs::File);

impl DirectoryLock {
    /// Calls `wait` before waiting for whoever holds it.
    pub(crate) fn acquire(directory: &Path, wait: &dyn Fn()) -> Result<Self, Error> {
        let file = fs::File::open(directory)?;
        // Any other error: a file system without locks, where each run has to have a directory of its own.
        if flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
            wait();
            flock(&file, FlockOperation::LockExclusive).map_err(io::Error::from)?;
        }
        Ok(Self(file))
    }
}

/// An error about a file in `next` is one about the directory that it is going to be.
fn name_place(error: Error, next: &Path, place: &Path) -> Error {
    let rename = |path: &Path| path.strip_prefix(next).map_or_else(|_| path.to_owned(), |it| place.join(it));
    match error {
        Error::CannotIndex { file, reason } => Error::CannotIndex { file: rename(&file), reason },
        Error::ForeignIndex { file, reason } => Error::ForeignIndex { file: rename(&file), reason },
        Error::NotWrittenByUs { path, what } => Error::NotWrittenByUs { path: rename(&path), what },
        Error::SignatureLost(file) => Error::SignatureLost(rename(&file)),
        Error::NoIndex { reason, .. } => Error::NoIndex { directory: place.to_owned(), reason },
        Error::NothingToIndex(_) => Error::NothingToIndex(place.to_owned()),
        other => other,
    }
}
