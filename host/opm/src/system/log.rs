//! The file that holds what a step printed.

use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt;

use super::tail::Tail;

/// Bytes that are kept of the beginning.
const HEAD: u64 = 4 << 20;

/// Bytes that are kept of the end.
const END: usize = 1 << 20;

/// Bytes that the last lines are taken from.
const RECENT: usize = 32 << 10;

/// The log of a step: its beginning and its end, however much a program prints in between. A disk that fills up
/// meanwhile is no reason to stop the program.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: fs::File,
    /// Bytes that may still go into the beginning.
    room: u64,
    /// Bytes that came after the beginning.
    beyond: u64,
    end: Tail,
    /// The last that programs printed.
    recent: Tail,
    /// Whether the present program printed anything.
    spoken: bool,
    trouble: Option<String>,
}

impl Log {
    /// A new file, which only its owner and group may read: programs print secrets.
    ///
    /// # Errors
    /// It cannot be made; it exists already.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
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
            room: HEAD,
            beyond: 0,
            end: Tail::new(END),
            recent: Tail::new(RECENT),
            spoken: false,
            trouble: None,
        })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A program is about to begin.
    pub(super) fn begin(&mut self, what: &str) {
        self.keep(format!("$ {what}\n").as_bytes());
        self.spoken = false;
    }

    /// A line of the caller's own, which is not among the last lines of programs.
    pub(super) fn note(&mut self, line: &str) {
        self.keep(format!("[{line}]\n").as_bytes());
    }

    /// What a program printed.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.recent.push(bytes);
        self.spoken |= !bytes.is_empty();
        self.keep(bytes);
    }

    /// The last lines that programs printed.
    pub(super) fn lines(&self) -> String {
        self.recent.lines()
    }

    /// The last line that the present program printed, if it printed any.
    pub(super) fn last_line(&self) -> Option<String> {
        let lines = self.spoken.then(|| self.lines())?;
        lines.lines().next_back().map(|line| line.trim().to_owned())
    }

    /// Writes what is still missing. Returns what went wrong with the file, if anything did.
    pub(super) fn finish(mut self) -> Option<String> {
        if self.beyond > 0 {
            let kept = self.end.last(usize::try_from(self.beyond).unwrap_or(usize::MAX)).to_vec();
            let lost = self.beyond - kept.len() as u64;
            if lost > 0 {
                self.put(format!("\n[{lost} bytes are left out here]\n").as_bytes());
            }
            self.put(&kept);
        }
        self.trouble
    }

    fn keep(&mut self, bytes: &[u8]) {
        let fits = usize::try_from(self.room).unwrap_or(usize::MAX).min(bytes.len());
        let (head, rest) = bytes.split_at(fits);
        self.room -= head.len() as u64;
        if !head.is_empty() {
            self.put(head);
        }
        self.beyond += rest.len() as u64;
        self.end.push(rest);
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.trouble.is_none()
            && let Err(error) = self.file.write_all(bytes)
        {
            self.trouble = Some(format!("the log is not complete: {error}"));
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
        let mut log = Log::create(&path).unwrap();
        log.begin("flood");
        let line = [b"x".repeat(999), b"\n".to_vec()].concat();
        for _ in 0..20_000 {
            log.write(&line);
        }
        log.write(b"the end\n");
        assert!(log.lines().ends_with("the end"));
        assert_eq!(log.finish(), None);
        let written = fs::read(&path).unwrap();
        assert!(written.len() < 6 << 20);
        assert!(written.starts_with(b"$ flood\nxxx") && written.ends_with(b"x\nthe end\n"));
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
        assert_eq!(lost + text.len() - note, 20_000 * 1000 + "$ flood\nthe end\n".len());
        assert_eq!(Log::create(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn what_fits_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut log = Log::create(&path).unwrap();
        let all = b"0123456\n".repeat(600_000);
        all.chunks(7777).for_each(|chunk| log.write(chunk));
        log.finish();
        assert!(fs::read(&path).unwrap() == all);
    }
}
