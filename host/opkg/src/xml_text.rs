//! Text as XML holds it. The one place that escapes for XML.

/// Where in a document text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XmlContext {
    /// Between tags.
    Text,
    /// Inside of the double quotes of an attribute. Line ends and tabs are written so that parsers do not make blanks
    /// of them (XML 1.0, section 3.3.3).
    Attribute,
}

/// Whether XML 1.0 can hold a character at all, escaped or not (section 2.2).
#[must_use]
pub const fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Appends text so that a parser reads it as it is. What XML cannot hold becomes U+FFFD; who would rather leave it out
/// filters by [`is_xml_char`] before.
pub fn push_xml_escaped(to: &mut String, text: impl IntoIterator<Item = char>, context: XmlContext) {
    let is_attribute = context == XmlContext::Attribute;
    for c in text {
        match c {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '\r' => to.push_str("&#13;"),
            '"' if is_attribute => to.push_str("&quot;"),
            '\n' if is_attribute => to.push_str("&#10;"),
            '\t' if is_attribute => to.push_str("&#9;"),
            c if is_xml_char(c) => to.push(c),
            _ => to.push(char::REPLACEMENT_CHARACTER),
        }
    }
}

/// The same as a text of its own.
#[must_use]
pub fn xml_escaped(text: &str, context: XmlContext) -> String {
    let mut escaped = String::with_capacity(text.len());
    push_xml_escaped(&mut escaped, text.chars(), context);
    escaped
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::deterministic_config;

    proptest! {
        #![proptest_config(deterministic_config())]

        #[test]
        fn what_is_written_is_what_is_read(text in "[\t\r\n -~\u{80}-\u{d7ff}\u{e000}-\u{fffd}]*") {
            let (inside, quoted) = (xml_escaped(&text, XmlContext::Text), xml_escaped(&text, XmlContext::Attribute));
            let document = format!("<a b=\"{quoted}\">{inside}</a>");
            let document = roxmltree::Document::parse(&document).unwrap();
            prop_assert_eq!(document.root_element().text().unwrap_or_default(), &text);
            prop_assert_eq!(document.root_element().attribute("b").unwrap(), &text);
        }

        #[test]
        fn any_text_makes_a_document(text in any::<String>()) {
            let document = format!("<a b=\"{0}\">{0}</a>", xml_escaped(&text, XmlContext::Attribute));
            prop_assert!(roxmltree::Document::parse(&document).is_ok());
        }
    }
}
