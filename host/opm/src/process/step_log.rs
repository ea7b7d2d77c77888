//! The file that holds what a step printed.

use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt;

use super::tail::Tail;

/// Bytes that are kept of the beginning.
const HEAD_BYTES: u64 = 4 << 20;

/// Bytes that are kept of the end.
const TAIL_BYTES: usize = 1 << 20;

/// Bytes that the last lines are taken from.
const RECENT_BYTES: usize = 32 << 10;

/// Bytes that are kept of what the present program prints.
const COMMAND_BYTES: usize = 1 << 20;

/// The log of a step: its beginning and its end, however much a program prints in between. A disk that fills up
/// meanwhile is no reason to stop the program.
#[derive(Debug)]
pub(crate) struct StepLog {
    path: PathBuf,
    file: fs::File,
    /// Bytes that may still go into the beginning.
    head_remaining: u64,
    /// Bytes that came after the beginning.
    bytes_after_head: u64,
    tail: Tail,
    /// The last that programs printed.
    recent: Tail,
    /// What the present program printed.
    command: Tail,
    write_error: Option<String>,
}

/// Why a step has no log.
#[derive(Debug, thiserror::Error)]
#[error("the log {} cannot be written: {error}", .path.display())]
pub(crate) struct LogError {
    pub(crate) path: PathBuf,
    pub(crate) error: io::Error,
}

impl StepLog {
    /// A new file, which only its owner and group may read: programs print secrets.
    ///
    /// # Errors
    /// It cannot be made; it exists already.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o750)
                .create(directory)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", directory.display())))?;
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        options.mode(0o640);
        Ok(Self {
            file: options.open(path)?,
            path: path.to_owned(),
            head_remaining: HEAD_BYTES,
            bytes_after_head: 0,
            tail: Tail::new(TAIL_BYTES),
            recent: Tail::new(RECENT_BYTES),
            command: Tail::new(COMMAND_BYTES),
            write_error: None,
        })
    }

    /// The path of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A program is about to begin.
    pub(crate) fn begin_command(&mut self, what: &str) {
        self.append(format!("$ {what}\n").as_bytes());
        self.command = Tail::new(COMMAND_BYTES);
    }

    /// A line of the caller's own, which is not among the last lines of programs.
    pub(crate) fn note(&mut self, line: &str) {
        self.append(format!("[{line}]\n").as_bytes());
    }

    /// What a program printed.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.recent.push(bytes);
        self.command.push(bytes);
        self.append(bytes);
    }

    /// The last lines that programs printed.
    pub(crate) fn last_lines(&self) -> String {
        self.recent.last_lines()
    }

    /// The last line that the present program printed, if it printed any.
    pub(crate) fn last_line(&self) -> Option<String> {
        let lines = self.command.last_lines();
        lines.lines().next_back().map(|line| line.trim().to_owned())
    }

    /// All that the present program printed, as it printed it, but for the beginning of a flood.
    pub(crate) fn command_output(&self) -> String {
        String::from_utf8_lossy(self.command.last_bytes(COMMAND_BYTES)).into_owned()
    }

    /// Writes what is still missing. Returns what went wrong with the file, if anything did.
    pub(crate) fn finish(mut self) -> Option<String> {
        if self.bytes_after_head > 0 {
            let kept =
                self.tail.last_bytes(usize::try_from(self.bytes_after_head).unwrap_or(usize::MAX)).to_vec();
            let lost = self.bytes_after_head - kept.len() as u64;
            if lost > 0 {
                self.write_to_file(format!("\n[{lost} bytes are left out here]\n").as_bytes());
            }
            self.write_to_file(&kept);
        }
        if self.write_error.is_none()
            && let Err(error) = self.sync()
        {
            self.write_error = Some(format!("the log may not outlast a loss of power: {error}"));
        }
        self.write_error
    }

    /// The journal names the file, and is on the disk itself soon.
    fn sync(&self) -> io::Result<()> {
        self.file.sync_all()?;
        // The directory of the run may be new as well.
        self.path.ancestors().skip(1).take(2).try_for_each(|directory| fs::File::open(directory)?.sync_all())
    }

    fn append(&mut self, bytes: &[u8]) {
        let fits = usize::try_from(self.head_remaining).unwrap_or(usize::MAX).min(bytes.len());
        let (head, rest) = bytes.split_at(fits);
        self.head_remaining -= head.len() as u64;
        if !head.is_empty() {
            self.write_to_file(head);
        }
        self.bytes_after_head += rest.len() as u64;
        self.tail.push(rest);
    }

    fn write_to_file(&mut self, bytes: &[u8]) {
        if self.write_error.is_none()
            && let Err(error) = self.file.write_all(bytes)
        {
            self.write_error = Some(format!("the log is not complete: {error}"));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_middle_of_a_flood_is_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("runs/1/log");
        let mut log = StepLog::create(&path).unwrap();
        log.begin_command("flood");
        let line = [b"x".repeat(999), b"\n".to_vec()].concat();
        for _ in 0..20_000 {
            log.write(&line);
        }
        log.write(b"the end\n");
        assert!(log.last_lines().ends_with("the end"));
        assert!(
            log.command_output().ends_with("x\nthe end\n") && log.command_output().len() <= COMMAND_BYTES
        );
        log.begin_command("quiet");
        assert_eq!((log.last_line(), log.command_output()), (None, String::new()));
        assert_eq!(log.finish(), None);
        let written = fs::read(&path).unwrap();
        assert!(written.len() < 6 << 20);
        assert!(written.starts_with(b"$ flood\nxxx") && written.ends_with(b"x\nthe end\n$ quiet\n"));
        let text = String::from_utf8(written).unwrap();
        let lost: usize = text
            .split("bytes are left out")
            .next()
            .unwrap()
            .rsplit('[')
            .next()
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let note = format!("\n[{lost} bytes are left out here]\n").len();
        assert_eq!(lost + text.len() - note, 20_000 * 1000 + "$ flood\nthe end\n$ quiet\n".len());
        assert_eq!(StepLog::create(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn what_fits_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut log = StepLog::create(&path).unwrap();
        let all = b"0123456\n".repeat(600_000);
        all.chunks(7777).for_each(|chunk| log.write(chunk));
        log.finish();
        assert!(fs::read(&path).unwrap() == all);
    }
}
