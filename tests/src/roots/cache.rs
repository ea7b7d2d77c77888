//! Systems that take long to make, kept below the build directory for the next run.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::scratch;

/// The system of that name; made with `make` in an empty directory where there is none yet, or where the last
/// attempt did not come to its end. Another process that wants the same waits.
///
/// # Errors
///
/// Those of `make`.
pub(super) fn cached_system(name: &str, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<PathBuf> {
    let all = scratch::target_directory().join("roots");
    fs_err::create_dir_all(&all).unwrap();
    let lock = fs_err::File::create(all.join(format!("{name}.lock"))).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let finished = all.join(name);
    if !finished.is_dir() {
        let unfinished = all.join(format!("{name}.unfinished"));
        if unfinished.exists() {
            fs_err::remove_dir_all(&unfinished).unwrap();
        }
        fs_err::create_dir(&unfinished).unwrap();
        make(&unfinished)?;
        fs_err::rename(&unfinished, &finished).unwrap();
    }
    Ok(finished)
}
