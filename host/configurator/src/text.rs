//! Texts and values of forms, as HTML and XML want them.

/// Runs of HTML white space become one blank; none at the ends.
pub(crate) fn collapse_whitespace(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// `\r\n` and `\r` become `\n`.
#[must_use]
pub fn normalize_newlines(value: &str) -> String {
    value.replace("\r\n", "\n").replace('\r', "\n")
}

/// Whether a value may contain the character: valid in XML, and printable, a tab or a newline.
#[must_use]
pub fn is_allowed_char(c: char) -> bool {
    matches!(c, '\t' | '\n') || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'))
}

/// Whether the name is valid for an XML element, in all versions of XML and without a namespace.
#[must_use]
pub fn is_field_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        && name.len() <= crate::limits::NAME_CHARS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends() {
        assert_eq!(normalize_newlines("a\r\nb\rc\nd\n\r"), "a\nb\nc\nd\n\n");
    }

    #[test]
    fn what_is_stored() {
        assert!("aé\t\n\u{a0}😀&<".chars().all(is_allowed_char));
        for c in ['\0', '\u{1}', '\r', '\u{1b}', '\u{7f}', '\u{9b}', '\u{fffe}'] {
            assert!(!is_allowed_char(c), "{c:?}");
        }
    }

    #[test]
    fn names() {
        for good in ["a", "cluster__name", "_x-1.y", "xml"] {
            assert!(is_field_name(good), "{good}");
        }
        for bad in ["", "1a", "-a", "a b", "a:b", "a[]", "é", "a/", "<a>", &"a".repeat(101)] {
            assert!(!is_field_name(bad), "{bad}");
        }
    }
}
