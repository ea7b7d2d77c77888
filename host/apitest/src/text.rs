//! Decodes definitions from UTF-8 and windows-1252, and shows foreign text.

use opkg_encoding::{Encoding, declared_in_xml, decode_windows_1252, detect_wide, strip_mark};

/// Why the bytes of a definition are not text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the file is in UTF-16 or UTF-32: save it as UTF-8")]
    WideEncoding,
    #[error("the file declares `{}`, but begins with the byte order mark of UTF-8", escape_for_display(.0))]
    UnexpectedMark(String),
    #[error("the encoding `{}` is not supported: save the file as UTF-8", escape_for_display(.0))]
    UnsupportedEncoding(String),
    #[error(
        "line {line} has the byte 0x{byte:02x}, which is not UTF-8: save the file as UTF-8, or declare \
         encoding=\"ISO-8859-1\" in its first line if it is in that"
    )]
    InvalidUtf8 {
        /// Counted from 1.
        line: usize,
        byte: u8,
    },
}

/// Reads the bytes in the encoding that they declare, UTF-8 where they declare none; without a byte order mark, and
/// without blanks in front of the declaration, which XML does not allow there.
///
/// # Errors
/// The encoding is not supported, or the bytes are not in it.
pub fn decode(bytes: &[u8]) -> Result<String, DecodeError> {
    let (bytes, has_mark) = strip_mark(bytes);
    if detect_wide(bytes).is_some() || matches!(bytes, [0, ..] | [_, 0, ..]) {
        return Err(DecodeError::WideEncoding);
    }
    let bytes = bytes.trim_ascii_start();
    let name = declared_in_xml(bytes).map_or("utf-8", |(name, _)| name);
    match Encoding::from_name(name) {
        None => Err(DecodeError::UnsupportedEncoding(name.to_owned())),
        Some(Encoding::Utf8) => decode_utf8(bytes),
        Some(_) if has_mark => Err(DecodeError::UnexpectedMark(name.to_owned())),
        Some(Encoding::Ascii) => decode_utf8(bytes),
        Some(Encoding::Windows1252) => Ok(decode_windows_1252(bytes)),
    }
}

fn decode_utf8(bytes: &[u8]) -> Result<String, DecodeError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
        let at = error.valid_up_to();
        let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        DecodeError::InvalidUtf8 { line, byte: bytes.get(at).copied().unwrap_or_default() }
    })
}

/// Foreign text for messages: control characters escaped, long text truncated.
#[must_use]
pub fn escape_for_display(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST {
            shown.push('…');
            break;
        }
        // Also those that change the direction of text.
        if c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Words with single blanks between them.
#[must_use]
pub fn collapse_whitespace(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn encodings() {
        assert_eq!(decode(b"\xef\xbb\xbf<a/>").unwrap(), "<a/>");
        assert_eq!(decode(b"\n <a>\xc3\xa9</a>").unwrap(), "<a>é</a>");
        let latin = b"<?xml version='1.0' encoding = 'iso-8859-1'?><a>\xe9</a>";
        assert!(decode(latin).unwrap().ends_with("<a>é</a>"));
        for name in ["iso-8859-1", "windows-1252"] {
            let mut quoted = format!("<?xml version='1.0' encoding='{name}'?><a>").into_bytes();
            quoted.extend(b"\x93\x80\x94</a>");
            assert!(decode(&quoted).unwrap().ends_with("<a>“€”</a>"), "{name}");
        }
        for (bytes, reason) in [
            (&b"<a>\n\xe9</a>"[..], "line 2 has the byte 0xe9"),
            (b"<?xml version='1.0' encoding='koi8-r'?><a/>", "`koi8-r` is not supported"),
            (
                b"\xef\xbb\xbf<?xml version='1.0' encoding='latin1'?><a/>",
                "begins with the byte order mark of UTF-8",
            ),
            (b"\xff\xfe<\0", "UTF-16"),
            (b"<\0a\0", "UTF-16"),
        ] {
            let said = decode(bytes).unwrap_err().to_string();
            assert!(said.contains(reason), "{said}");
        }
    }

    #[test]
    fn nothing_that_is_shown_moves_the_cursor() {
        assert_eq!(escape_for_display("a\x1b[1m\n\u{202e}é"), "a\\u{1b}[1m\\n\\u{202e}é");
        assert_eq!(escape_for_display(&"x".repeat(300)).chars().count(), 201);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
