//! What is in a file: its hash, its interpreter, its text. Reading is bounded whatever the file does meanwhile.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256};

use crate::limits;
use crate::text::is_unsafe_control;

/// Opens a regular file. Links are not followed, and a named pipe is no reason to wait.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

/// The first bytes of a file, up to a limit; whether there are more.
pub(crate) fn read_limited(path: &Path, limit: u64) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    let is_longer = bytes.len() as u64 > limit;
    if is_longer {
        bytes.pop();
    }
    Ok((bytes, is_longer))
}

/// What there is to know about a file without keeping it.
pub(super) struct FileDigest {
    pub size: u64,
    pub sha256: [u8; 32],
    /// The first [`limits::MAX_SHEBANG_BYTES`].
    pub head: Vec<u8>,
}

/// Reads a file to its end, but no more than `limit` bytes; nothing where it is longer.
pub(super) fn digest(path: &Path, limit: u64) -> io::Result<Option<FileDigest>> {
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
        let wanted = limits::MAX_SHEBANG_BYTES.saturating_sub(head.len()).min(count);
        head.extend_from_slice(&bytes[..wanted]);
    }
    Ok(Some(FileDigest { size, sha256: hash.finalize().into(), head }))
}

/// The hash of nothing, which stands for a link.
pub(super) fn empty_hash() -> [u8; 32] {
    Sha256::digest([]).into()
}

/// How a script says who is to run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shebang {
    /// No `#!`.
    None,
    /// The program, then its argument if there is one: like the kernel, all the rest of the line. The flag:
    /// the line ends with a carriage return, which the kernel takes for part of it.
    Line { words: Vec<String>, has_carriage_return: bool },
    /// A `#!` that no kernel can do anything with.
    Invalid,
}

/// Whether a file is a component of WebAssembly, or a module: what its beginning says.
pub(super) fn is_wasm(head: &[u8]) -> bool {
    head.starts_with(b"\0asm")
}

/// Reads the first line of a file.
pub(super) fn parse_shebang(head: &[u8]) -> Shebang {
    let Some(line) = head.strip_prefix(b"#!") else {
        return Shebang::None;
    };
    let end = line.iter().position(|byte| *byte == b'\n');
    if end.is_none() && head.len() >= limits::MAX_SHEBANG_BYTES {
        return Shebang::Invalid;
    }
    let line = &line[..end.unwrap_or(line.len())];
    let Ok(line) = std::str::from_utf8(line) else {
        return Shebang::Invalid;
    };
    let has_carriage_return = line.ends_with('\r');
    let line = line.trim_matches([' ', '\t', '\r']);
    let (program, argument) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    if !program.starts_with('/') || line.chars().any(|c| c != '\t' && is_unsafe_control(c)) {
        return Shebang::Invalid;
    }
    let argument = argument.trim_matches([' ', '\t']);
    let words = [program, argument].into_iter().filter(|word| !word.is_empty()).map(str::to_owned).collect();
    Shebang::Line { words, has_carriage_return }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters() {
        let line = |words: &[&str], has_carriage_return| Shebang::Line {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            has_carriage_return,
        };
        for (head, expected) in [
            ("#!/bin/sh\nx", line(&["/bin/sh"], false)),
            ("#!/bin/sh", line(&["/bin/sh"], false)),
            ("#! /usr/bin/perl -w -T \nx", line(&["/usr/bin/perl", "-w -T"], false)),
            ("#!/usr/bin/env\tperl\n", line(&["/usr/bin/env", "perl"], false)),
            ("#!/bin/sh\r\n", line(&["/bin/sh"], true)),
            ("", Shebang::None),
            (" #!/bin/sh", Shebang::None),
            ("#!\n", Shebang::Invalid),
            ("#!perl\n", Shebang::Invalid),
            ("#!/bin/\u{7}sh\n", Shebang::Invalid),
        ] {
            assert_eq!(parse_shebang(head.as_bytes()), expected, "{head:?}");
        }
        assert_eq!(parse_shebang(b"#!/bin/\xff\n"), Shebang::Invalid);
        assert_eq!(parse_shebang(format!("#!/{}", "x".repeat(2000)).as_bytes()), Shebang::Invalid);
    }

    #[test]
    fn endless_files_are_left() {
        assert!(open(Path::new("/dev/zero")).is_err());
    }
}
