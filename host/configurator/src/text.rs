//! Texts and values of forms, as HTML and XML want them.

/// White space as HTML has it, each run one blank, none at the ends.
pub(crate) fn collapse(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// The line ends of Unix, whatever they were: those of a page that is sent, of Windows, of old Macs.
#[must_use]
pub fn normalise(value: &str) -> String {
    value.replace("\r\n", "\n").replace('\r', "\n")
}

/// Whether a value may hold a character: XML can hold it, and it is seen, or is a tabulator or a line end.
#[must_use]
pub fn is_storable(c: char) -> bool {
    matches!(c, '\t' | '\n') || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'))
}

/// Whether a name can be that of an XML element, in all versions of XML and without a namespace.
#[must_use]
pub fn is_name(name: &str) -> bool {
    name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
        && name.chars().all(|it| it.is_ascii_alphanumeric() || "_-.".contains(it))
        && name.len() <= crate::limits::NAME_CHARS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends() {
        assert_eq!(normalise("a\r\nb\rc\nd\n\r"), "a\nb\nc\nd\n\n");
    }

    #[test]
    fn what_is_stored() {
        assert!("aé\t\n\u{a0}😀&<".chars().all(is_storable));
        for c in ['\0', '\u{1}', '\r', '\u{1b}', '\u{7f}', '\u{9b}', '\u{fffe}'] {
            assert!(!is_storable(c), "{c:?}");
        }
    }

    #[test]
    fn names() {
        for good in ["a", "cluster__name", "_x-1.y", "xml"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "1a", "-a", "a b", "a:b", "a[]", "é", "a/", "<a>", &"a".repeat(101)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
