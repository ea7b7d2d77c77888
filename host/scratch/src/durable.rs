//! What is renamed into its place has to be on the disk before: otherwise a machine that loses power may come up with the
//! new name and nothing in it.

use std::fs::{self, File};
use std::io;
use std::mem;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;

/// How many files are waited for at a time: a disk writes many in the time of one.
const THREADS: usize = 8;

/// Bytes of stack of a thread that waits.
const STACK_BYTES: usize = 128 << 10;

/// From how many files on a whole file system is brought to the disk instead of one file after the other. For some
/// thousand files that is a hundred times as fast, for a few it would wait for what other programs write.
const MANY_FILES: usize = 500;

/// File systems of which it is known that `syncfs` brings everything to the disk: `statfs(2)` has the numbers of ext4,
/// XFS and Btrfs. Of others it need not be true, such as of those in user space.
const KNOWN_FILE_SYSTEMS: [u64; 3] = [0xef53, 0x5846_5342, 0x9123_683e];

/// Since this version of Linux `syncfs` says when something could not be written.
const RELIABLE_SYNCFS: (u32, u32) = (5, 8);

/// Waits until everything in a directory is on the disk. What has another name elsewhere was there before.
///
/// # Errors
/// When something cannot be read or written; the message names it.
pub fn sync_tree(directory: &Path) -> io::Result<()> {
    let mut batch = Vec::new();
    let mut has_tried_whole = false;
    let visited = visit_new(directory, &mut |path| {
        batch.push(path);
        if batch.len() < MANY_FILES {
            return Ok(ControlFlow::Continue(()));
        }
        if !has_tried_whole && sync_file_system(directory)? {
            return Ok(ControlFlow::Break(()));
        }
        has_tried_whole = true;
        sync_all(&mem::take(&mut batch))?;
        Ok(ControlFlow::Continue(()))
    })?;
    if visited.is_break() {
        return Ok(());
    }
    sync_all(&batch)
}

/// Waits for some files and directories.
fn sync_all(paths: &[PathBuf]) -> io::Result<()> {
    let share = paths.len().div_ceil(THREADS).max(1);
    let sync_share = |paths: &[PathBuf]| paths.iter().try_for_each(|path| sync(path));
    thread::scope(|scope| {
        let shares: Vec<_> = paths
            .chunks(share)
            .map(|paths| {
                let thread = thread::Builder::new().stack_size(STACK_BYTES);
                // Where no more threads can be started, as with little address space, this one does it.
                thread.spawn_scoped(scope, move || sync_share(paths)).map_err(|_| sync_share(paths))
            })
            .collect();
        shares.into_iter().try_for_each(|share| match share {
            Ok(thread) => thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("a thread that writes files to the disk failed"))),
            Err(done) => done,
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

/// Waits until everything in a file system is on the disk; or not, and says so, where that cannot be relied on.
fn sync_file_system(directory: &Path) -> io::Result<bool> {
    let directory = File::open(directory)?;
    let kind = u64::try_from(rustix::fs::fstatfs(&directory)?.f_type).unwrap_or_default();
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    if !KNOWN_FILE_SYSTEMS.contains(&kind) || kernel_version(&release) < Some(RELIABLE_SYNCFS) {
        return Ok(false);
    }
    rustix::fs::syncfs(&directory)?;
    Ok(true)
}

/// The first two numbers of `5.14.0-427.el9`.
fn kernel_version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Calls `visit` for each file that has no other name, and for each directory after everything in it, until that breaks
/// off.
fn visit_new(
    directory: &Path,
    visit: &mut impl FnMut(PathBuf) -> io::Result<ControlFlow<()>>,
) -> io::Result<ControlFlow<()>> {
    for entry in fs::read_dir(directory).map_err(|error| name_path(error, directory))? {
        let entry = entry?;
        let found = entry.metadata()?;
        let visited = if found.is_dir() {
            visit_new(&entry.path(), visit)?
        } else if found.is_file() && found.nlink() == 1 {
            visit(entry.path())?
        } else {
            ControlFlow::Continue(())
        };
        if visited.is_break() {
            return Ok(visited);
        }
    }
    visit(directory.to_owned())
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn versions_of_kernels() {
        let cases = [
            ("5.14.0-427.el9", Some((5, 14))),
            ("4.18.0", Some((4, 18))),
            ("6.1-rc1", Some((6, 1))),
            ("10.0", Some((10, 0))),
            ("next", None),
            ("6", None),
        ];
        for (release, version) in cases {
            assert_eq!(kernel_version(release), version, "{release}");
        }
        assert!(kernel_version("4.18.0") < Some(RELIABLE_SYNCFS));
        assert!(kernel_version("next") < Some(RELIABLE_SYNCFS));
    }

    #[test]
    fn few_files_and_many() {
        for count in [1, MANY_FILES] {
            let directory = tempfile::tempdir().unwrap();
            for number in 0..count {
                fs::write(directory.path().join(number.to_string()), "text").unwrap();
            }
            sync_tree(directory.path()).unwrap();
        }
        let directory = tempfile::tempdir().unwrap();
        assert!(sync_tree(&directory.path().join("none")).is_err());
    }

    const CHILD_ENV: &str = "OPKG_TEST_NO_THREADS";

    #[test]
    fn without_threads_it_is_done_all_the_same() {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "durable::tests::child_without_threads", "--nocapture"])
            .env(CHILD_ENV, "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// What the test above runs in another process, whose address space is full.
    #[test]
    fn child_without_threads() {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        if std::env::var_os(CHILD_ENV).is_none() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let paths: Vec<_> = (0..20).map(|number| directory.path().join(number.to_string())).collect();
        paths.iter().for_each(|path| fs::write(path, "text").unwrap());
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
        let kilobytes: u64 = size.trim().trim_end_matches(" kB").parse().unwrap();
        let before = getrlimit(Resource::As);
        setrlimit(Resource::As, Rlimit { current: Some(kilobytes << 10), ..before }).unwrap();
        let is_refused = thread::Builder::new().stack_size(STACK_BYTES).spawn(|| {}).is_err();
        let done = sync_all(&paths);
        setrlimit(Resource::As, before).unwrap();
        assert!(is_refused, "threads can be started");
        done.unwrap();
    }
}
