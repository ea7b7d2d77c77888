//! The text of a dump: whether a file is one, and whether all of it is there.

use std::borrow::Cow;

/// How files begin that were compressed: by gzip, bzip2, xz, zstd and zip.
const COMPRESSED: [&[u8]; 5] = [b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"];

/// The byte order marks of UTF-16.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// Where `mysqldump` says which release of it wrote a dump: those of MySQL 4.1 and later say at its end that it is complete.
const HEADS: [&str; 2] = ["-- MySQL dump 1", "-- MariaDB dump 1"];
/// Without comments, it at least keeps settings at the beginning, and puts them back at the end.
const SETTINGS_KEPT: &str = "@OLD_SQL_NOTES=@@SQL_NOTES";

/// What stands at the end of a dump that is complete.
const ENDS: [&str; 2] = ["-- Dump completed", "SQL_NOTES=@OLD_SQL_NOTES"];

/// Bytes at the beginning and at the end in which these are looked for.
const EDGE_BYTES: usize = 4096;

/// Why a file is no dump of an OSCAR database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotADump {
    #[error("it is compressed, and has to be unpacked first")]
    Compressed,
    #[error("it is in UTF-16, which `iconv -f UTF-16 -t UTF-8` changes")]
    Utf16,
    #[error("it is no text")]
    Binary,
    #[error("it has none of the tables Packages, Nodes and Images")]
    NoTables,
}

/// The text of a file. Bytes that are not UTF-8 were ISO-8859-1, which such dumps were written in.
pub(super) fn decode(dump: &[u8]) -> Result<Cow<'_, str>, NotADump> {
    let begins_like = |beginnings: &[&[u8]]| beginnings.iter().any(|beginning| dump.starts_with(beginning));
    if begins_like(&COMPRESSED) {
        return Err(NotADump::Compressed);
    }
    if begins_like(&UTF_16) {
        return Err(NotADump::Utf16);
    }
    // Within strings it is escaped.
    if dump.contains(&0) {
        return Err(NotADump::Binary);
    }
    let dump = dump.strip_prefix(b"\xef\xbb\xbf").unwrap_or(dump);
    Ok(decode_bytes(dump))
}

/// The text that bytes are.
pub(super) fn decode_bytes(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }
}

/// Whether a dump begins as those do that say at their end that they are complete, and does not say so.
pub(super) fn lacks_end(text: &str) -> bool {
    let head = text.get(..text.floor_char_boundary(EDGE_BYTES)).unwrap_or_default();
    let from = text.floor_char_boundary(text.len().saturating_sub(EDGE_BYTES));
    let tail = text.get(from..).unwrap_or_default();
    let says_end = head.contains(SETTINGS_KEPT) || HEADS.iter().any(|start| head.contains(start));
    says_end && !ENDS.iter().any(|end| tail.contains(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_no_dump() {
        for (bytes, expected) in [
            (&b"\x1f\x8b\x08\0\0"[..], NotADump::Compressed),
            (b"BZh91AY", NotADump::Compressed),
            (b"\xff\xfeI\0N\0", NotADump::Utf16),
            (b"\xfe\xff\0I\0N", NotADump::Utf16),
            (b"I\0N\0S\0", NotADump::Binary),
            (b"\x7fELF\0\0", NotADump::Binary),
        ] {
            assert_eq!(decode(bytes), Err(expected), "{bytes:?}");
        }
        assert_eq!(decode(b"\xef\xbb\xbfINSERT").as_deref(), Ok("INSERT"));
        assert_eq!(decode(b"6.0\xe9").as_deref(), Ok("6.0é"));
    }

    #[test]
    fn only_those_lack_an_end_that_would_say_it() {
        for (text, lacks) in [
            ("-- MySQL dump 10.11\n--\nINSERT INTO x VALUES (1);\n", true),
            (
                "-- MariaDB dump 10.19\n--\nINSERT INTO x VALUES (1);\n-- Dump completed on 2026-01-01\n",
                false,
            ),
            ("/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;\nINSERT INTO x VALUES (1);\n", true),
            ("-- MySQL dump 10.9\n/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;\n\n", false),
            ("-- MySQL dump 8.23\nINSERT INTO x VALUES (1);\n", false),
            ("INSERT INTO x VALUES (1);\n", false),
        ] {
            assert_eq!(lacks_end(text), lacks, "{text}");
        }
    }
}
