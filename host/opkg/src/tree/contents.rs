//! What is in a file: its hash, its interpreter, its text. Reading is bounded whatever the file does meanwhile.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256};

use crate::limits;
use crate::text::is_control;

/// Opens a regular file. Links are not followed, and a named pipe is no reason to wait.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

/// The first bytes of a file, up to a limit; whether there are more.
pub(crate) fn read_up_to(path: &Path, limit: u64) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    let is_longer = bytes.len() as u64 > limit;
    if is_longer {
        bytes.pop();
    }
    Ok((bytes, is_longer))
}

/// What there is to know about a file without keeping it.
pub(super) struct Contents {
    pub size: u64,
    pub sha256: [u8; 32],
    /// The first [`limits::INTERPRETER_BYTES`].
    pub head: Vec<u8>,
}

/// Reads a file to its end, but no more than `limit` bytes; nothing where it is longer.
pub(super) fn read(path: &Path, limit: u64) -> io::Result<Option<Contents>> {
    let mut file = open(path)?;
    if file.metadata()?.len() > limit {
        return Ok(None);
    }
    let mut hash = Sha256::new();
    let mut head = Vec::new();
    let mut size = 0u64;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        size += count as u64;
        if size > limit {
            return Ok(None);
        }
        let bytes = &buffer[..count];
        hash.update(bytes);
        let wanted = limits::INTERPRETER_BYTES.saturating_sub(head.len()).min(count);
        head.extend_from_slice(&bytes[..wanted]);
    }
    Ok(Some(Contents { size, sha256: hash.finalize().into(), head }))
}

/// The hash of nothing, which stands for a link.
pub(super) fn hash_of_nothing() -> [u8; 32] {
    Sha256::digest([]).into()
}

/// How a script says who is to run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Interpreter {
    /// No `#!`.
    None,
    /// The program, then its argument if there is one: like the kernel, all the rest of the line. The flag:
    /// the line ends with a carriage return, which the kernel takes for part of it.
    Line { words: Vec<String>, has_carriage_return: bool },
    /// A `#!` that no kernel can do anything with.
    Bad,
}

/// Whether a file is a component of WebAssembly, or a module: what its beginning says.
pub(super) fn is_component(head: &[u8]) -> bool {
    head.starts_with(b"\0asm")
}

/// Reads the first line of a file.
pub(super) fn interpreter(head: &[u8]) -> Interpreter {
    let Some(line) = head.strip_prefix(b"#!") else {
        return Interpreter::None;
    };
    let end = line.iter().position(|byte| *byte == b'\n');
    if end.is_none() && head.len() >= limits::INTERPRETER_BYTES {
        return Interpreter::Bad;
    }
    let line = &line[..end.unwrap_or(line.len())];
    let Ok(line) = std::str::from_utf8(line) else {
        return Interpreter::Bad;
    };
    let has_carriage_return = line.ends_with('\r');
    let line = line.trim_matches([' ', '\t', '\r']);
    let (program, argument) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    if !program.starts_with('/') || line.chars().any(|c| c != '\t' && is_control(c)) {
        return Interpreter::Bad;
    }
    let argument = argument.trim_matches([' ', '\t']);
    let words = [program, argument].into_iter().filter(|word| !word.is_empty()).map(str::to_owned).collect();
    Interpreter::Line { words, has_carriage_return }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters() {
        let line = |words: &[&str], has_carriage_return| Interpreter::Line {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            has_carriage_return,
        };
        for (head, expected) in [
            ("#!/bin/sh\nx", line(&["/bin/sh"], false)),
            ("#!/bin/sh", line(&["/bin/sh"], false)),
            ("#! /usr/bin/perl -w -T \nx", line(&["/usr/bin/perl", "-w -T"], false)),
            ("#!/usr/bin/env\tperl\n", line(&["/usr/bin/env", "perl"], false)),
            ("#!/bin/sh\r\n", line(&["/bin/sh"], true)),
            ("", Interpreter::None),
            (" #!/bin/sh", Interpreter::None),
            ("#!\n", Interpreter::Bad),
            ("#!perl\n", Interpreter::Bad),
            ("#!/bin/\u{7}sh\n", Interpreter::Bad),
        ] {
            assert_eq!(interpreter(head.as_bytes()), expected, "{head:?}");
        }
        assert_eq!(interpreter(b"#!/bin/\xff\n"), Interpreter::Bad);
        assert_eq!(interpreter(format!("#!/{}", "x".repeat(2000)).as_bytes()), Interpreter::Bad);
    }

    #[test]
    fn endless_files_are_left() {
        assert!(open(Path::new("/dev/zero")).is_err());
    }
}
