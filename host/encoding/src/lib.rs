//! The encodings that OPKGs, their forms and their tests use: UTF-8, and the one byte per character of Western Europe.
//!
//! What calls itself ISO-8859-1 is windows-1252 (WHATWG Encoding Standard): both are the same but for 0x80 to 0x9F,
//! where ISO-8859-1 has control characters that nobody writes, and windows-1252 quotes, dashes and letters.

use std::ops::Range;

/// How far into a file the XML declaration may reach.
const MAX_DECLARATION_BYTES: usize = 1024;

/// The byte order mark of UTF-8.
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// An encoding that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    /// Under this name, or that of ISO-8859-1.
    Windows1252,
    Ascii,
}

impl Encoding {
    /// The encoding of a name, as declarations have it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Self::Utf8,
            "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "iso_8859-1:1987" | "iso88591" | "iso-ir-100"
            | "latin1" | "latin-1" | "l1" | "cp819" | "ibm819" | "csisolatin1" | "windows-1252"
            | "windows1252" | "cp1252" | "cp-1252" | "x-cp1252" => Self::Windows1252,
            "us-ascii" | "ascii" | "ansi_x3.4-1968" | "iso646-us" | "iso-ir-6" | "cp367" | "ibm367" => {
                Self::Ascii
            }
            _ => return None,
        })
    }
}

/// The bytes without a byte order mark of UTF-8, and whether there was one.
#[must_use]
pub fn strip_mark(bytes: &[u8]) -> (&[u8], bool) {
    match bytes.strip_prefix(UTF8_MARK) {
        Some(rest) => (rest, true),
        None => (bytes, false),
    }
}

/// The encoding of more than one byte per character that markup is in, by its mark or by how `<` looks in it.
#[must_use]
pub fn detect_wide(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0, 0, 0xfe, 0xff, ..] | [0xff, 0xfe, 0, 0, ..] | [0, 0, 0, b'<', ..] | [b'<', 0, 0, 0, ..] => {
            Some("UTF-32")
        }
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [0, b'<', ..] | [b'<', 0, ..] => Some("UTF-16"),
        _ => None,
    }
}

/// The encoding that an XML declaration at the beginning names, and where. The declaration is ASCII in all encodings
/// of one byte; whether it is well-formed is for the parser to say.
#[must_use]
pub fn declared_in_xml(bytes: &[u8]) -> Option<(&str, Range<usize>)> {
    let head = &bytes[..bytes.len().min(MAX_DECLARATION_BYTES)];
    let head = &head[..head.iter().position(|byte| !byte.is_ascii()).unwrap_or(head.len())];
    let head = std::str::from_utf8(head).ok()?;
    let inside =
        head.strip_prefix("<?xml").filter(|rest| rest.starts_with(|c: char| c.is_ascii_whitespace()))?;
    let declaration = &head[..head.len() - inside.len() + inside.find("?>")?];
    let name = declaration.find("encoding").map(|at| at + "encoding".len())?;
    let behind = declaration[name..].trim_start().strip_prefix('=')?.trim_start();
    let quote = behind.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let value = &behind[1..1 + behind[1..].find(quote)?];
    let start = declaration.len() - behind.len() + 1;
    Some((value, start..start + value.len()))
}

/// What windows-1252 has in 0x80 to 0x9F. The five bytes that it leaves open are control characters, as everywhere
/// on the web.
const HIGH_CONTROLS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', //
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Text in windows-1252. Every byte is a character.
#[must_use]
pub fn decode_windows_1252(bytes: &[u8]) -> String {
    bytes.iter().copied().map(windows_1252_char).collect()
}

fn windows_1252_char(byte: u8) -> char {
    match byte {
        0x80..=0x9f => HIGH_CONTROLS[usize::from(byte - 0x80)],
        byte => char::from(byte),
    }
}

/// The first byte that is a character of windows-1252 and a control character in ISO-8859-1, and where.
#[must_use]
pub fn find_windows_1252(bytes: &[u8]) -> Option<(usize, char)> {
    let found = bytes.iter().enumerate().map(|(at, byte)| (at, windows_1252_char(*byte)));
    found.into_iter().find(|(at, c)| matches!(bytes[*at], 0x80..=0x9f) && !c.is_control())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names() {
        for (name, expected) in [
            ("UTF-8", Some(Encoding::Utf8)),
            ("ISO-8859-1", Some(Encoding::Windows1252)),
            ("Windows-1252", Some(Encoding::Windows1252)),
            ("cp1252", Some(Encoding::Windows1252)),
            ("us-ascii", Some(Encoding::Ascii)),
            ("KOI8-R", None),
            ("", None),
        ] {
            assert_eq!(Encoding::from_name(name), expected, "{name}");
        }
    }

    #[test]
    fn declarations() {
        assert_eq!(declared_in_xml(b"<?xml version='1.0' encoding = 'x'?>"), Some(("x", 32..33)));
        for none in
            [&b"<?xml?>"[..], b"<a encoding='x'/>", b"<?xml encoding=x?>", b" <?xml encoding='x'?>", b""]
        {
            assert_eq!(declared_in_xml(none), None);
        }
    }

    #[test]
    fn letters_of_windows() {
        assert_eq!(decode_windows_1252(b"\x8eofie \x93\x80\x94 \x96 \xe9\x81"), "Žofie “€” – é\u{81}");
        assert_eq!(find_windows_1252(b"a\xe9\x81\x8e"), Some((3, 'Ž')));
        assert_eq!(find_windows_1252(b"a\xe9\x81"), None);
    }

    proptest! {
        #[test]
        fn every_byte_is_one_character(bytes: Vec<u8>) {
            prop_assert_eq!(decode_windows_1252(&bytes).chars().count(), bytes.len());
            let _ = (declared_in_xml(&bytes), detect_wide(&bytes), strip_mark(&bytes));
        }
    }
}
