//! Decodes `config.xml` from the encodings that OPKGs use.

use opkg_encoding::{
    Encoding, declared_in_xml, decode_windows_1252, detect_wide, find_windows_1252, strip_mark,
};

use crate::diagnostic::{Diagnostic, Location};
use crate::text::escape_for_display;

pub(crate) struct DecodedText {
    /// Without a byte order mark. Where decoding failed at a byte, that stands as U+FFFD; nothing where the
    /// bytes are no text that could be shown.
    pub text: Option<String>,
    /// Why the text must not be used, or a doubt about it.
    pub diagnostic: Option<Diagnostic>,
}

/// Reads the bytes by their declared encoding, UTF-8 where none is declared.
pub(crate) fn decode(bytes: &[u8]) -> DecodedText {
    let (bytes, has_mark) = strip_mark(bytes);
    if let Some(name) = detect_wide(bytes) {
        return rejected(
            None,
            Diagnostic::error("encoding", format!("the file is encoded in {name}, not in UTF-8"))
                .at(Location::File("config.xml".into()))
                .help("save it as UTF-8, and say so in its first line: `<?xml version=\"1.0\" encoding=\"UTF-8\"?>`"),
        );
    }
    let Some((name, range)) = declared_in_xml(bytes) else { return decode_utf8(bytes) };
    let at = Location::Config(range);
    let lossy = || Some(String::from_utf8_lossy(bytes).into_owned());
    match Encoding::from_name(name) {
        None => {
            let message = format!("the encoding `{}` is not supported", escape_for_display(name));
            let help = "save the file as UTF-8, and write `encoding=\"UTF-8\"` here; ISO-8859-1 and windows-1252 work, \
                        too";
            rejected(lossy(), Diagnostic::error("encoding", message).at(at).help(help))
        }
        Some(Encoding::Utf8) => decode_utf8(bytes),
        Some(Encoding::Ascii) => match bytes.iter().position(|byte| !byte.is_ascii()) {
            None => decode_utf8(bytes),
            Some(at) => rejected(
                lossy(),
                Diagnostic::error("encoding", "the file declares US-ASCII, but this byte is not ASCII")
                    .at(Location::Config(at..at + 1))
                    .help("declare the encoding that the file is really in, UTF-8 or ISO-8859-1"),
            ),
        },
        Some(Encoding::Windows1252) if has_mark => {
            let message =
                format!("the file declares {}, but begins with the mark of UTF-8", escape_for_display(name));
            let diagnostic = Diagnostic::error("encoding", message);
            rejected(lossy(), diagnostic.at(at).help("write `encoding=\"UTF-8\"` here"))
        }
        Some(Encoding::Windows1252) => {
            DecodedText { text: Some(decode_windows_1252(bytes)), diagnostic: doubt(bytes, name, at) }
        }
    }
}

/// Signs that a text which declares ISO-8859-1 or windows-1252 is in another encoding.
fn doubt(bytes: &[u8], name: &str, declaration: Location) -> Option<Diagnostic> {
    if !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok() {
        let message = format!("the file declares {name}, but looks like UTF-8");
        return Some(
            Diagnostic::warning("encoding-doubtful", message)
                .at(declaration)
                .help("if letters with accents come out wrong, write `encoding=\"UTF-8\"` here"),
        );
    }
    if name.to_ascii_lowercase().contains("1252") {
        return None;
    }
    let (at, letter) = find_windows_1252(bytes)?;
    let start = decode_windows_1252(&bytes[..at]).len();
    let message = format!("the file declares {name}, and is read as windows-1252: that has `{letter}` here");
    Some(
        Diagnostic::note("encoding-windows-1252", message)
            .at(Location::Config(start..start + letter.len_utf8()))
            .help("save it as UTF-8 with `encoding=\"UTF-8\"` in its first line, or declare `encoding=\"windows-1252\"`"),
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
            let byte = bytes.get(at).copied().unwrap_or(0);
            let letter = escape_for_display(&decode_windows_1252(&[byte]));
            let (looks_like, name) = match find_windows_1252(bytes) {
                Some(_) => ("windows-1252", "windows-1252"),
                None => ("ISO-8859-1 or windows-1252", "ISO-8859-1"),
            };
            let message = format!(
                "the byte 0x{byte:02X} is not UTF-8; it looks like {looks_like}, where it is `{letter}`"
            );
            rejected(
                Some(String::from_utf8_lossy(bytes).into_owned()),
                Diagnostic::error("encoding", message)
                    .at(Location::Config(at..at + char::REPLACEMENT_CHARACTER.len_utf8()))
                    .help(format!("save the file as UTF-8, or declare `encoding=\"{name}\"` in its first line if it is in that")),
            )
        }
    }
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
        for name in ["ISO-8859-1", "latin1", "iso8859-1", "windows-1252"] {
            assert!(text(&declared(name, b"<a>\xe9</a>")).ends_with("<a>é</a>"));
        }
        assert!(text(&declared("us-ascii", b"<a/>")).ends_with("<a/>"));
        assert!(text(&declared("utf8", "é".as_bytes())).ends_with('é'));
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

    /// Programs of Windows write windows-1252 and call it ISO-8859-1.
    #[test]
    fn what_calls_itself_latin_1_is_windows_1252() {
        for (bytes, expected) in [
            (&b"<a>\x8eofie</a>"[..], "Žofie"),
            (b"<a>\x93x\x94</a>", "“x”"),
            (b"<a>5 \x80 \x96 6 \x80</a>", "5 € – 6 €"),
        ] {
            let decoded = decode(&declared("ISO-8859-1", bytes));
            assert!(decoded.text.as_ref().unwrap().contains(expected), "{expected}");
            let note = decoded.diagnostic.unwrap();
            assert_eq!((note.severity, note.code.as_str()), (Severity::Note, "encoding-windows-1252"));
            let Some(Location::Config(range)) = note.location else { panic!("no place") };
            assert!(!decoded.text.unwrap()[range].is_ascii());
            assert!(text(&declared("windows-1252", bytes)).contains(expected), "{expected}");
        }
        let unmarked = decode_error(b"<a>\x8eofie</a>");
        assert!(
            unmarked.message.contains("looks like windows-1252, where it is `Ž`"),
            "{}",
            unmarked.message
        );
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
