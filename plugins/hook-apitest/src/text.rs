//! Decodes definitions from UTF-8 and ISO-8859-1, and shows foreign text.

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

/// How far into the file the XML declaration may reach.
const MAX_DECLARATION_BYTES: usize = 1024;

/// Reads the bytes in the encoding that they declare, UTF-8 where they declare none; without a byte order mark, and
/// without blanks in front of the declaration, which XML does not allow there.
///
/// # Errors
/// The encoding is not supported, or the bytes are not in it.
pub fn decode(bytes: &[u8]) -> Result<String, DecodeError> {
    let (bytes, has_mark) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    if matches!(bytes, [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [0, ..] | [_, 0, ..]) {
        return Err(DecodeError::WideEncoding);
    }
    let bytes = bytes.trim_ascii_start();
    let name = declared_encoding(bytes).unwrap_or("utf-8").to_ascii_lowercase();
    match name.as_str() {
        "utf-8" | "utf8" => decode_utf8(bytes),
        _ if has_mark => Err(DecodeError::UnexpectedMark(name)),
        "us-ascii" | "ascii" => decode_utf8(bytes),
        "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "latin-1" | "l1" => {
            // Its bytes are the first 256 characters of Unicode.
            Ok(bytes.iter().copied().map(char::from).collect())
        }
        _ => Err(DecodeError::UnsupportedEncoding(name)),
    }
}

fn decode_utf8(bytes: &[u8]) -> Result<String, DecodeError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
        let at = error.valid_up_to();
        let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        DecodeError::InvalidUtf8 { line, byte: bytes.get(at).copied().unwrap_or_default() }
    })
}

/// The encoding that the XML declaration names.
fn declared_encoding(bytes: &[u8]) -> Option<&str> {
    let head = &bytes[..bytes.len().min(MAX_DECLARATION_BYTES)];
    let head = &head[..head.iter().position(|byte| !byte.is_ascii()).unwrap_or(head.len())];
    let inside = std::str::from_utf8(head).ok()?.strip_prefix("<?xml")?.split_once("?>")?.0;
    let behind = inside.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = behind.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some(behind[1..].split_once(quote)?.0)
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
