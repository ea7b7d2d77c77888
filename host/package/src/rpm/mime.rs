//! Types of files, as format 6 keeps them: what `file --mime-type` calls a file, by its first bytes. RPM shows them to
//! people, and decides nothing by them.

/// How far into a file is looked for what no text has.
pub(super) const LOOKED_AT: usize = 64 << 10;

/// Beginnings of files, and what such files are.
const MAGIC: [(&[u8], &str); 14] = [
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"\0asm", "application/wasm"),
    (b"!<arch>\n", "application/x-archive"),
    (b"\xed\xab\xee\xdb", "application/x-rpm"),
    (b"<?xml", "text/xml"),
    (b"SQLite format 3\0", "application/vnd.sqlite3"),
];

/// Programs that scripts are for, and what such scripts are.
const INTERPRETERS: [(&[&str], &str); 5] = [
    (&["sh", "bash", "dash", "ksh", "zsh"], "text/x-shellscript"),
    (&["perl"], "text/x-perl"),
    (&["python", "python2", "python3"], "text/x-script.python"),
    (&["awk", "gawk", "mawk"], "text/x-awk"),
    (&["tclsh"], "text/x-tcl"),
];

/// The type of a regular file, by its first [`LOOKED_AT`] bytes.
pub(super) fn mime_type(contents: &[u8]) -> &'static str {
    if contents.is_empty() {
        return "inode/x-empty";
    }
    if let Some((_, found)) = MAGIC.iter().find(|(magic, _)| contents.starts_with(magic)) {
        return found;
    }
    if contents.starts_with(b"\x7fELF") {
        return elf_type(contents);
    }
    if !is_text(contents) {
        return "application/octet-stream";
    }
    script_type(contents).or_else(|| html_type(contents)).unwrap_or("text/plain")
}

/// Of a program or library, by the word that says which of these it is.
fn elf_type(contents: &[u8]) -> &'static str {
    let word = contents.get(16..18).unwrap_or_default();
    let is_big_endian = contents.get(5) == Some(&2);
    match (word, is_big_endian) {
        ([1, 0], false) | ([0, 1], true) => "application/x-object",
        ([2, 0], false) | ([0, 2], true) => "application/x-executable",
        ([3, 0], false) | ([0, 3], true) => "application/x-sharedlib",
        ([4, 0], false) | ([0, 4], true) => "application/x-coredump",
        _ => "application/octet-stream",
    }
}

/// Of a text that begins with `#!`.
fn script_type(contents: &[u8]) -> Option<&'static str> {
    let line = contents.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split_whitespace();
    let base = |word: &'_ str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let program = match base(words.next()?).as_str() {
        "env" => base(words.find(|word| !word.starts_with('-'))?),
        program => program.to_owned(),
    };
    INTERPRETERS.iter().find(|(names, _)| names.contains(&program.as_str())).map(|(_, found)| *found)
}

/// Of a text that begins as a page does.
fn html_type(contents: &[u8]) -> Option<&'static str> {
    let start = contents.trim_ascii_start();
    let begins =
        |with: &str| start.get(..with.len()).is_some_and(|it| it.eq_ignore_ascii_case(with.as_bytes()));
    (begins("<!doctype html") || begins("<html")).then_some("text/html")
}

fn is_text(contents: &[u8]) -> bool {
    let start = &contents[..contents.len().min(LOOKED_AT)];
    let is_control = |byte: &u8| matches!(byte, 0..=6 | 14..=26 | 28..=31 | 127);
    !start.iter().any(is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_types() {
        for (contents, expected) in [
            (&b""[..], "inode/x-empty"),
            (b"Read me.\n", "text/plain"),
            ("gr\u{fc}n\n".as_bytes(), "text/plain"),
            (b"a\0b", "application/octet-stream"),
            (b"#!/bin/sh\n", "text/x-shellscript"),
            (b"#! /usr/bin/env -S perl -w\n", "text/x-perl"),
            (b"#!/usr/bin/python3\n", "text/x-script.python"),
            (b"#!/opt/site/tool\n", "text/plain"),
            (b"#!", "text/plain"),
            (b"<?xml version=\"1.0\"?>\n", "text/xml"),
            (b"\n<!DOCTYPE html>\n", "text/html"),
            (b"<HTML>", "text/html"),
            (b"\x1f\x8b\x08", "application/gzip"),
            (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0", "application/x-sharedlib"),
            (b"\x7fELF\x02\x02\x01\0\0\0\0\0\0\0\0\0\0\x02", "application/x-executable"),
            (b"\x7fELF", "application/octet-stream"),
        ] {
            assert_eq!(mime_type(contents), expected, "{contents:?}");
        }
    }
}
