//! Paths that are looked up within bounds.

use std::os::fd::{AsFd, OwnedFd};
use std::thread;

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

/// How often a lookup is tried that others disturb.
const MAX_ATTEMPTS: usize = 200;

/// Opens a path below a directory as `openat2` does. While somebody mounts or renames directories, anywhere, the kernel
/// cannot tell whether a path leads outside, and asks to try again.
///
/// # Errors
/// Those of the system.
pub(super) fn open_within(
    directory: impl AsFd,
    path: &std::path::Path,
    flags: OFlags,
    mode: Mode,
    bounds: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    let mut attempts = 1;
    loop {
        match openat2(&directory, path, flags | OFlags::CLOEXEC, mode, bounds) {
            Err(Errno::AGAIN) if attempts < MAX_ATTEMPTS => {
                attempts += 1;
                thread::yield_now();
            }
            result => return result,
        }
    }
}
