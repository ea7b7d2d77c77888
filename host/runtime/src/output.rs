//! What a component prints: bytes, cut into lines for the log. The last lines of standard error stay, since they say why a
//! program of an interpreted language failed.

use std::collections::VecDeque;

use crate::execution_error::ErrorOutput;
use crate::log_message::LogLevel;
use opkg_interface::text::{output_line, truncate};

/// A stream that a component prints to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputStream {
    Stdout,
    Stderr,
}

impl OutputStream {
    /// The level of its lines in the log.
    pub(crate) const fn level(self) -> LogLevel {
        match self {
            Self::Stdout => LogLevel::Info,
            Self::Stderr => LogLevel::Error,
        }
    }
}

/// Bytes of a line that are kept; the rest of it is dropped.
const MAX_LINE_BYTES: usize = 16 << 10;

/// Lines of standard error that an error shows, and bytes of each.
const MAX_TAIL_LINES: usize = 20;
const MAX_TAIL_LINE_BYTES: usize = 400;

/// How lines begin that run-time systems print at any failure, so that they say nothing of this one.
const NOISE: [&str; 3] = [
    "Python function threw an unexpected exception",
    "note: run with `RUST_BACKTRACE=",
    "Redirecting call to abort()",
];

/// How lines begin that stand above the places of a failure, or name one.
const HEADINGS: [&str; 3] = ["Traceback (most recent call last):", "thread '", "Stack:"];

/// What was printed and makes no whole line yet, and the end of standard error.
#[derive(Debug, Default)]
pub(crate) struct OutputBuffer {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    tail: VecDeque<String>,
    omitted: usize,
}

impl OutputBuffer {
    /// Takes what was printed; gives the lines that it ends.
    pub(crate) fn write(&mut self, stream: OutputStream, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let unfinished = self.unfinished(stream);
            let room = MAX_LINE_BYTES.saturating_sub(unfinished.len());
            unfinished.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                lines.extend(self.end_line(stream));
            }
        }
        lines
    }

    /// Ends an unfinished line, as at the end of a program.
    pub(crate) fn end_line(&mut self, stream: OutputStream) -> Option<String> {
        let bytes = std::mem::take(self.unfinished(stream));
        let line = output_line(&String::from_utf8_lossy(&bytes));
        if line.is_empty() {
            return None;
        }
        if stream == OutputStream::Stderr && !begins_with_any(&line, &NOISE) {
            if self.tail.len() == MAX_TAIL_LINES {
                self.tail.pop_front();
                self.omitted += 1;
            }
            self.tail.push_back(truncate(&line, MAX_TAIL_LINE_BYTES).to_owned());
        }
        Some(line)
    }

    /// The line of standard error that says what went wrong: the last one that is not indented, as the places in a traceback
    /// are.
    pub(crate) fn cause(&self) -> Option<&str> {
        let says_cause = |line: &&String| !line.starts_with(' ') && !begins_with_any(line, &HEADINGS);
        self.tail.iter().rev().find(says_cause).map(String::as_str)
    }

    /// The end of standard error.
    pub(crate) fn take_tail(&mut self) -> ErrorOutput {
        ErrorOutput {
            lines: std::mem::take(&mut self.tail).into(),
            omitted: std::mem::take(&mut self.omitted),
        }
    }

    fn unfinished(&mut self, stream: OutputStream) -> &mut Vec<u8> {
        match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        }
    }
}

fn begins_with_any(line: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| line.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_do_not_mix() {
        let mut output = OutputBuffer::default();
        assert!(output.write(OutputStream::Stdout, b"one ").is_empty());
        assert_eq!(
            output.write(OutputStream::Stderr, b"  File \x1b[1m\"a.py\"\n\n  x"),
            ["  File  [1m\"a.py\""]
        );
        assert_eq!(output.write(OutputStream::Stdout, b"line\nnext"), ["one line"]);
        assert_eq!(output.end_line(OutputStream::Stderr).as_deref(), Some("  x"));
        assert_eq!(output.end_line(OutputStream::Stdout).as_deref(), Some("next"));
        assert_eq!(output.end_line(OutputStream::Stdout), None);
        assert_eq!(output.take_tail().lines, ["  File  [1m\"a.py\"", "  x"]);
    }

    /// What componentize-py, componentize-js and the standard library of Rust print.
    #[test]
    fn the_cause_is_found_among_what_is_always_printed() {
        let cause = |printed: &str| {
            let mut output = OutputBuffer::default();
            output.write(OutputStream::Stderr, printed.as_bytes());
            output.cause().map(str::to_owned)
        };
        let python = "a warning\nTraceback (most recent call last):\n  File \"/0/app.py\", line 18, in generate\n\
            KeyError: 'missing'\nthread '<unnamed>' (1) panicked at runtime/src/lib.rs:1293:29:\n\
            Python function threw an unexpected exception\n\
            note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n";
        assert_eq!(cause(python).as_deref(), Some("KeyError: 'missing'"));
        let javascript = "can't access property \"length\", x is undefined\nStack:\n  \
            export_packaging_0_1_0$generate@/tmp/sources/initializer.js:1848:20\n\
            Redirecting call to abort() to mozalloc_abort\n\n";
        assert_eq!(cause(javascript).as_deref(), Some("can't access property \"length\", x is undefined"));
        let rust = "thread 'main' (1) panicked at src/lib.rs:7:5:\nindex out of bounds\n\
            note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n";
        assert_eq!(cause(rust).as_deref(), Some("index out of bounds"));
        assert_eq!(cause("Stack:\n  a\n"), None);
        assert_eq!(cause(""), None);
    }

    #[test]
    fn only_the_end_is_kept() {
        let mut output = OutputBuffer::default();
        for number in 0..100 {
            output.write(OutputStream::Stderr, format!("{number}{}\n", "ä".repeat(100_000)).as_bytes());
        }
        let tail = output.take_tail();
        assert_eq!((tail.lines.len(), tail.omitted), (MAX_TAIL_LINES, 100 - MAX_TAIL_LINES));
        assert!(tail.lines.iter().all(|line| line.len() <= MAX_TAIL_LINE_BYTES));
        assert!(tail.lines.last().is_some_and(|line| line.starts_with("99ä")));
        assert_eq!(output.take_tail(), ErrorOutput::default());
    }
}
