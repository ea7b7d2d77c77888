//! Locks on targets that the kernel releases when their holder ends, however it ends.
//!
//! They are open file description locks on ranges of a file beside the database: byte N stands for the target
//! with the key N. Who holds a range notes its process and the time in a record of the file whose place follows
//! from the start of the range, which is what the kernel tells to whoever is refused.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::{Holder, Lock, TargetId};

/// Time in seconds since 1970, then process, then [`MARK`], each in little endian.
const RECORD: usize = 16;
const MARK: [u8; 4] = *b"held";

/// For how long one that is refused waits for the holder to note who it is.
const NOTING: Duration = Duration::from_millis(50);

/// The file of locks of a database.
pub(crate) fn file_of(database: &Path) -> PathBuf {
    let mut name = OsString::from(database);
    name.push("-locks");
    PathBuf::from(name)
}

/// Takes all of the targets, or says who has one of them.
pub(crate) fn take(file: &Path, targets: &[TargetId]) -> io::Result<Result<Held, Holder>> {
    // Opened anew each time, since a lock belongs to what `open` returned; closed in every child by Rust's
    // own O_CLOEXEC, so that no hook keeps a lock alive.
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(file)?;
    let mut held = Held { file, ranges: Vec::new() };
    for range in ranges(targets)? {
        let mut lock = request(libc::F_WRLCK, &range);
        match fcntl(&held.file, FcntlArg::F_OFD_SETLK(&lock)) {
            Ok(_) => held.ranges.push(range),
            Err(Errno::EAGAIN | Errno::EACCES) => {
                fcntl(&held.file, FcntlArg::F_OFD_GETLK(&mut lock))?;
                let free = i32::from(lock.l_type) == libc::F_UNLCK;
                let start = if free { range.start } else { lock.l_start };
                let target = TargetId(start.max(range.start));
                let record = if free { None } else { held.record(start) };
                let (process, since) = record.unzip();
                return Ok(Err(Holder { target, process, since }));
            }
            Err(error) => return Err(error.into()),
        }
    }
    held.note();
    Ok(Ok(held))
}

/// Keys that follow each other become one range. Fails for keys that no target has.
fn ranges(targets: &[TargetId]) -> io::Result<Vec<Range<i64>>> {
    let mut keys: Vec<i64> = targets.iter().map(|it| it.0).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut ranges: Vec<Range<i64>> = Vec::new();
    for key in keys {
        if key < 1 || key > i64::from(i32::MAX) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("no target has the key {key}")));
        }
        match ranges.last_mut() {
            Some(last) if last.end == key => last.end = key + 1,
            _ => ranges.push(key..key + 1),
        }
    }
    Ok(ranges)
}

fn request(kind: i32, range: &Range<i64>) -> libc::flock {
    libc::flock {
        // Both are small constants whose types differ between systems.
        l_type: kind as _,
        l_whence: libc::SEEK_SET as _,
        l_start: range.start,
        l_len: range.end - range.start,
        l_pid: 0,
    }
}

/// Targets that this process has.
#[derive(Debug)]
pub(crate) struct Held {
    file: File,
    ranges: Vec<Range<i64>>,
}

impl Lock for Held {}

impl Held {
    /// Says who has the ranges. Who is refused can do without, so that a full disk is no reason to fail.
    fn note(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut record = [0; RECORD];
        record[..8].copy_from_slice(&now.to_le_bytes());
        record[8..12].copy_from_slice(&std::process::id().to_le_bytes());
        record[12..].copy_from_slice(&MARK);
        for range in &self.ranges {
            let _ = self.file.write_all_at(&record, slot(range.start));
        }
    }

    /// Who noted that it has the range that starts there. A note of a process that is no more was left by one
    /// that was killed; then the holder of today is about to write its own.
    fn record(&self, start: i64) -> Option<(u32, i64)> {
        let pause = Duration::from_millis(5);
        for _ in 0..NOTING.as_millis() / pause.as_millis() {
            let mut record = [0; RECORD];
            if self.file.read_exact_at(&mut record, slot(start)).is_ok() && record[12..] == MARK {
                let since = i64::from_le_bytes(std::array::from_fn(|at| record[at]));
                let process = u32::from_le_bytes(std::array::from_fn(|at| record[8 + at]));
                if Path::new("/proc").join(process.to_string()).exists() {
                    return Some((process, since));
                }
            }
            std::thread::sleep(pause);
        }
        None
    }
}

fn slot(start: i64) -> u64 {
    u64::try_from(start).unwrap_or_default() * RECORD as u64
}

impl Drop for Held {
    fn drop(&mut self) {
        // A process that goes on living must not be taken for the holder of what somebody else takes next.
        for range in &self.ranges {
            let _ = self.file.write_all_at(&[0; RECORD], slot(range.start));
        }
    }
}
