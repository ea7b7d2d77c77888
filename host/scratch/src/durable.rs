//! What is renamed into its place has to be on the disk before: otherwise a machine that loses power may come up with the
//! new name and nothing in it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;

/// How many files are waited for at a time: a disk writes many in the time of one.
const THREADS: usize = 8;

/// Waits until everything in a directory is on the disk. What has another name elsewhere was there before.
///
/// # Errors
/// When something cannot be read or written; the message names it.
pub fn sync_tree(directory: &Path) -> io::Result<()> {
    let mut paths = Vec::new();
    collect_new(directory, &mut paths)?;
    let share = paths.len().div_ceil(THREADS).max(1);
    thread::scope(|scope| {
        let shares: Vec<_> = paths
            .chunks(share)
            .map(|paths| scope.spawn(move || paths.iter().try_for_each(|path| sync(path))))
            .collect();
        shares.into_iter().try_for_each(|share| {
            share
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("a thread that writes files to the disk failed")))
        })
    })
}

/// Waits until the names in a directory are on the disk.
///
/// # Errors
/// When it cannot be opened or written; the message names it.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    sync(directory)
}

fn collect_new(directory: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory).map_err(|error| name_path(error, directory))? {
        let entry = entry?;
        let found = entry.metadata()?;
        if found.is_dir() {
            collect_new(&entry.path(), paths)?;
        } else if found.is_file() && found.nlink() == 1 {
            paths.push(entry.path());
        }
    }
    paths.push(directory.to_owned());
    Ok(())
}

fn sync(path: &Path) -> io::Result<()> {
    match File::open(path).and_then(|file| file.sync_all()) {
        // A file system that knows no such thing, for directories mostly.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other.map_err(|error| name_path(error, path)),
    }
}

fn name_path(error: io::Error, path: &Path) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
