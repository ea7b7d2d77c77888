//! Locks on targets that the kernel releases when their holder ends, however it ends.
//!
//! They are open file description locks on ranges of a file next to the database: byte N stands for the target
//! with the id N. The holder of a range writes its process id and the time into a record of the file, at an offset
//! that follows from the start of the range, which the kernel reports to a process that cannot get the lock.

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
use opkg_oda::{Lock, LockHolder, TargetId};

/// Time in seconds since 1970, then process, then [`RECORD_MAGIC`], each in little endian.
const RECORD_LEN: usize = 16;
const RECORD_MAGIC: [u8; 4] = *b"held";

/// How long to wait for the record of the holder.
const RECORD_TIMEOUT: Duration = Duration::from_millis(50);

/// How often a lock is tried to get whose holder is nobody that lives.
const MAX_ATTEMPTS: u32 = 10;

pub(crate) fn lock_path(database: &Path) -> PathBuf {
    let mut name = OsString::from(database);
    name.push("-locks");
    PathBuf::from(name)
}

/// Locks all of the targets, or says who holds one of them.
pub(crate) fn lock_targets(file: &Path, targets: &[TargetId]) -> io::Result<Result<FileLock, LockHolder>> {
    // Opened anew each time, since a lock belongs to what `open` returned; closed in every child by Rust's
    // own O_CLOEXEC, so that no hook keeps a lock alive.
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(file)?;
    let mut acquired = FileLock { file, ranges: Vec::new() };
    for range in byte_ranges(targets)? {
        match acquired.lock_range(&range)? {
            Ok(()) => acquired.ranges.push(range),
            Err(holder) => return Ok(Err(holder)),
        }
    }
    acquired.write_records();
    Ok(Ok(acquired))
}

/// Consecutive ids become one range. Fails for ids out of range.
fn byte_ranges(targets: &[TargetId]) -> io::Result<Vec<Range<i64>>> {
    let mut ids: Vec<i64> = targets.iter().map(|target| target.0).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut ranges: Vec<Range<i64>> = Vec::new();
    for id in ids {
        if id < 1 || id > i64::from(i32::MAX) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("no target has the id {id}")));
        }
        match ranges.last_mut() {
            Some(last) if last.end == id => last.end = id + 1,
            _ => ranges.push(id..id + 1),
        }
    }
    Ok(ranges)
}

fn lock_request(kind: i32, range: &Range<i64>) -> libc::flock {
    libc::flock {
        // Both are small constants whose types differ between systems.
        l_type: kind as _,
        l_whence: libc::SEEK_SET as _,
        l_start: range.start,
        l_len: range.end - range.start,
        l_pid: 0,
    }
}

/// Targets that this process holds.
#[derive(Debug)]
pub(crate) struct FileLock {
    file: File,
    ranges: Vec<Range<i64>>,
}

impl Lock for FileLock {}

impl FileLock {
    /// Locks a range, or says who holds a part of it. The kernel takes a moment to release what a killed process held.
    fn lock_range(&self, range: &Range<i64>) -> io::Result<Result<(), LockHolder>> {
        let mut attempts = MAX_ATTEMPTS;
        loop {
            let mut lock = lock_request(libc::F_WRLCK, range);
            match fcntl(&self.file, FcntlArg::F_OFD_SETLK(&lock)) {
                Ok(_) => return Ok(Ok(())),
                Err(Errno::EAGAIN | Errno::EACCES) => {}
                Err(error) => return Err(error.into()),
            }
            fcntl(&self.file, FcntlArg::F_OFD_GETLK(&mut lock))?;
            let is_free = i32::from(lock.l_type) == libc::F_UNLCK;
            let start = if is_free { range.start } else { lock.l_start };
            let record = if is_free { None } else { self.read_record(start) };
            attempts -= 1;
            if record.is_some() || attempts == 0 {
                let target = TargetId(start.max(range.start));
                let (pid, locked_since) = record.unzip();
                return Ok(Err(LockHolder { target, host: None, pid, locked_since }));
            }
        }
    }

    /// Records the holder of the ranges. Other processes only report it, so a failure (of a full disk) does not matter.
    fn write_records(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut record = [0; RECORD_LEN];
        record[..8].copy_from_slice(&now.to_le_bytes());
        record[8..12].copy_from_slice(&std::process::id().to_le_bytes());
        record[12..].copy_from_slice(&RECORD_MAGIC);
        for range in &self.ranges {
            let _ = self.file.write_all_at(&record, record_offset(range.start));
        }
    }

    /// The recorded holder of the range that begins there: process id and time. The record of a dead process was
    /// left by a killed holder; then the current one is about to write its own.
    fn read_record(&self, start: i64) -> Option<(u32, i64)> {
        let pause = Duration::from_millis(5);
        for _ in 0..RECORD_TIMEOUT.as_millis() / pause.as_millis() {
            let mut record = [0; RECORD_LEN];
            if self.file.read_exact_at(&mut record, record_offset(start)).is_ok()
                && record[12..] == RECORD_MAGIC
            {
                let since = i64::from_le_bytes(std::array::from_fn(|at| record[at]));
                let pid = u32::from_le_bytes(std::array::from_fn(|at| record[8 + at]));
                if Path::new("/proc").join(pid.to_string()).exists() {
                    return Some((pid, since));
                }
            }
            std::thread::sleep(pause);
        }
        None
    }
}

fn record_offset(start: i64) -> u64 {
    u64::try_from(start).unwrap_or_default() * RECORD_LEN as u64
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // This process may live on, and must not be reported as the holder of a later lock.
        for range in &self.ranges {
            let _ = self.file.write_all_at(&[0; RECORD_LEN], record_offset(range.start));
        }
    }
}
