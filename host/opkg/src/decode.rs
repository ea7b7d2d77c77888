//! Decodes `config.xml` from UTF-8, ISO-8859-1 or windows-1252, the encodings that OPKGs use.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Location};
use crate::text::escape_for_display;

/// How far into the file the XML declaration may reach.
const MAX_DECLARATION_BYTES: usize = 1024;

pub(crate) struct DecodedText {
    /// Without a byte order mark. Where decoding failed at a byte, that stands as U+FFFD; nothing where the
    /// bytes are no text that could be shown.
    pub text: Option<String>,
    /// Why the text must not be used, or a doubt about it.
    pub diagnostic: Option<Diagnostic>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Latin1,
    Windows1252,
    Ascii,
}

/// Reads the bytes by their declared encoding, UTF-8 where none is declared.
pub(crate) fn decode(bytes: &[u8]) -> DecodedText {
    let (bytes, has_mark) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    if let Some(name) = detect_wide_encoding(bytes) {
        return rejected(
            None,
            Diagnostic::error("encoding", format!("the file is encoded in {name}, not in UTF-8"))
                .at(Location::File("config.xml".into()))
                .help("save it as UTF-8, and say so in its first line: `<?xml version=\"1.0\" encoding=\"UTF-8\"?>`"),
        );
    }
    let declared = declared_encoding(bytes);
    let encoding = match &declared {
        None => Encoding::Utf8,
        Some((name, range)) => match parse_encoding_name(name) {
            Some(encoding) => encoding,
            None => {
                let message = format!("the encoding `{}` is not supported", escape_for_display(name));
                let help = "save the file as UTF-8, and write `encoding=\"UTF-8\"` here; ISO-8859-1 and windows-1252 work, too";
                return rejected(
                    Some(String::from_utf8_lossy(bytes).into_owned()),
                    Diagnostic::error("encoding", message).at(Location::Config(range.clone())).help(help),
                );
            }
        },
    };
    let location = |fallback: Range<usize>| {
        Location::Config(declared.as_ref().map_or(fallback, |(_, range)| range.clone()))
    };
    match encoding {
        Encoding::Utf8 => decode_utf8(bytes),
        Encoding::Ascii => match bytes.iter().position(|byte| !byte.is_ascii()) {
            None => decode_utf8(bytes),
            Some(at) => rejected(
                Some(String::from_utf8_lossy(bytes).into_owned()),
                Diagnostic::error("encoding", "the file declares US-ASCII, but this byte is not ASCII")
                    .at(Location::Config(at..at + 1))
                    .help(
                        "declare the encoding that the file is really in: UTF-8, ISO-8859-1 or windows-1252",
                    ),
            ),
        },
        Encoding::Latin1 | Encoding::Windows1252 => {
            let name = if encoding == Encoding::Latin1 { "ISO-8859-1" } else { "windows-1252" };
            if has_mark {
                let message = format!("the file declares {name}, but begins with the mark of UTF-8");
                return rejected(
                    Some(String::from_utf8_lossy(bytes).into_owned()),
                    Diagnostic::error("encoding", message)
                        .at(location(0..0))
                        .help("write `encoding=\"UTF-8\"` here"),
                );
            }
            let text = decode_windows_1252(bytes);
            let looks_like_utf8 = !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok();
            let diagnostic = if looks_like_utf8 {
                let message = format!("the file declares {name}, but looks like UTF-8");
                Some(
                    Diagnostic::warning("encoding-doubtful", message)
                        .at(location(0..0))
                        .help("if letters with accents come out wrong, write `encoding=\"UTF-8\"` here"),
                )
            } else if encoding == Encoding::Latin1 {
                windows_letter(&text)
            } else {
                None
            };
            DecodedText { text: Some(text), diagnostic }
        }
    }
}

/// What windows-1252 has at 0x80 to 0x9F, where ISO-8859-1 has control characters that nobody writes. A byte that it
/// leaves open is the control character. See the index windows-1252 of the WHATWG's Encoding Standard.
const WINDOWS_LETTERS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Text in ISO-8859-1, whose bytes are the first 256 characters of Unicode, or in windows-1252, which is the same but
/// for letters where the other has control characters: so files that say the one and mean the other are read as meant,
/// as browsers read them.
#[must_use]
pub fn decode_windows_1252(bytes: &[u8]) -> String {
    let letter = |byte: &u8| match byte {
        0x80..=0x9f => WINDOWS_LETTERS[usize::from(byte - 0x80)],
        _ => char::from(*byte),
    };
    bytes.iter().map(letter).collect()
}

/// A warning for a file that declares ISO-8859-1, at the first letter that this does not have.
fn windows_letter(text: &str) -> Option<Diagnostic> {
    let is_foreign = |c: char| WINDOWS_LETTERS.contains(&c) && !c.is_control();
    let (at, letter) = text.char_indices().find(|(_, c)| is_foreign(*c))?;
    let message = format!(
        "the file declares ISO-8859-1, but `{letter}` is a letter of windows-1252; it is read as that"
    );
    Some(
        Diagnostic::warning("encoding-windows", message)
            .at(Location::Config(at..at + letter.len_utf8()))
            .help("write `encoding=\"windows-1252\"` in the first line, or save the file as UTF-8 and declare that"),
    )
}

fn rejected(text: Option<String>, diagnostic: Diagnostic) -> DecodedText {
    DecodedText { text, diagnostic: Some(diagnostic) }
}

fn decode_utf8(bytes: &[u8]) -> DecodedText {
    match std::str::from_utf8(bytes) {
        Ok(text) => DecodedText { text: Some(text.into()), diagnostic: None },
        Err(error) => {
            // Up to the first wrong byte the text with replacements is the same as the bytes.
            let at = error.valid_up_to();
            let message = format!("the byte 0x{:02X} is not UTF-8", bytes.get(at).copied().unwrap_or(0));
            rejected(
                Some(String::from_utf8_lossy(bytes).into_owned()),
                Diagnostic::error("encoding", message)
                    .at(Location::Config(at..at + char::REPLACEMENT_CHARACTER.len_utf8()))
                    .help("save the file as UTF-8, or declare `encoding=\"ISO-8859-1\"` or `windows-1252` in its first line if it is in that"),
            )
        }
    }
}

/// Encodings of more than one byte per character, by their marks or by how `<` looks in them.
fn detect_wide_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0, 0, 0xfe, 0xff, ..] | [0xff, 0xfe, 0, 0, ..] | [0, 0, 0, b'<', ..] | [b'<', 0, 0, 0, ..] => {
            Some("UTF-32")
        }
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [0, b'<', ..] | [b'<', 0, ..] => Some("UTF-16"),
        _ => None,
    }
}

/// The encoding that the XML declaration names, and where. The declaration is ASCII in all encodings that
/// come this far; whether it is well-formed is for the parser to say.
fn declared_encoding(bytes: &[u8]) -> Option<(String, Range<usize>)> {
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
    Some((value.into(), start..start + value.len()))
}

fn parse_encoding_name(name: &str) -> Option<Encoding> {
    Some(match name.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => Encoding::Utf8,
        "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "iso_8859-1:1987" | "iso88591" | "iso-ir-100"
        | "latin1" | "latin-1" | "l1" | "cp819" | "ibm819" | "csisolatin1" => Encoding::Latin1,
        "windows-1252" | "cp1252" | "cp-1252" | "x-cp1252" | "win1252" => Encoding::Windows1252,
        "us-ascii" | "ascii" | "ansi_x3.4-1968" | "iso646-us" | "iso-ir-6" | "cp367" | "ibm367" => {
            Encoding::Ascii
        }
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::diagnostic::Severity;

    fn declared(encoding: &str, rest: &[u8]) -> Vec<u8> {
        let mut bytes = format!("<?xml version='1.0' encoding = '{encoding}' ?>\n").into_bytes();
        bytes.extend_from_slice(rest);
        bytes
    }

    fn text(bytes: &[u8]) -> String {
        let decoded = decode(bytes);
        assert_eq!(decoded.diagnostic, None);
        decoded.text.unwrap()
    }

    fn decode_error(bytes: &[u8]) -> Diagnostic {
        let diagnostic = decode(bytes).diagnostic.unwrap();
        assert_eq!((diagnostic.severity, diagnostic.code.as_str()), (Severity::Error, "encoding"));
        diagnostic
    }

    #[test]
    fn the_two_encodings() {
        assert_eq!(text("<a>é</a>".as_bytes()), "<a>é</a>");
        assert_eq!(text("\u{feff}<a>é</a>".as_bytes()), "<a>é</a>");
        for name in ["ISO-8859-1", "latin1", "iso8859-1"] {
            assert!(text(&declared(name, b"<a>\xe9</a>")).ends_with("<a>é</a>"));
        }
        assert!(text(&declared("us-ascii", b"<a/>")).ends_with("<a/>"));
        assert!(text(&declared("utf8", "é".as_bytes())).ends_with('é'));
    }

    #[test]
    fn letters_of_windows_1252_are_read_as_meant() {
        for name in ["windows-1252", "CP1252"] {
            assert!(
                text(&declared(name, b"<a>\x8eofie \x93\xe9\x94 \x80</a>")).ends_with("<a>Žofie “é” €</a>")
            );
        }
        let decoded = decode(&declared("ISO-8859-1", b"<a>\xe9 \x85</a>"));
        let (text, warning) = (decoded.text.unwrap(), decoded.diagnostic.unwrap());
        assert!(text.ends_with("<a>é …</a>"));
        assert_eq!((warning.severity, warning.code.as_str()), (Severity::Warning, "encoding-windows"));
        let Some(Location::Config(range)) = warning.location else { panic!("no place") };
        assert_eq!(&text[range], "…");
        // A control character is neither's letter, and for others to judge.
        assert_eq!(decode(&declared("ISO-8859-1", b"<a>\x81</a>")).diagnostic, None);
        for byte in 0..=255u8 {
            let letter = decode_windows_1252(&[byte]).chars().next().unwrap();
            assert_eq!(
                letter == char::from(byte),
                !(0x80..=0x9f).contains(&byte) || letter.is_control(),
                "{byte:x}"
            );
        }
    }

    #[test]
    fn others_are_refused_where_they_are_named() {
        let diagnostic = decode_error(&declared("KOI8-R", b"<a/>"));
        assert_eq!(diagnostic.location, Some(Location::Config(32..38)));
        for bytes in [
            b"\xff\xfe<\0a\0".as_slice(),
            b"\xfe\xff\0<\0a",
            b"<\0?\0",
            b"\0<\0?",
            b"\0\0\0<",
            b"\xff\xfe\0\0",
        ] {
            assert_eq!(decode_error(bytes).location, Some(Location::File("config.xml".into())));
        }
        decode_error(&declared("UTF-16", b"<a/>"));
    }

    #[test]
    fn bytes_that_contradict() {
        let diagnostic = decode_error(b"<a>\n\xe9</a>");
        assert_eq!(diagnostic.location, Some(Location::Config(4..7)));
        assert!(diagnostic.message.contains("0xE9"));
        decode_error(&declared("us-ascii", b"\xe9"));
        let mut marked = b"\xef\xbb\xbf".to_vec();
        marked.extend(declared("ISO-8859-1", b"<a/>"));
        decode_error(&marked);
        let doubtful = decode(&declared("ISO-8859-1", "é".as_bytes()));
        assert_eq!(doubtful.diagnostic.unwrap().code, "encoding-doubtful");
    }
}
