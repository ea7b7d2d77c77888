//! Writing XML. Whatever goes into it comes out of a reader as it was, but for characters that XML cannot hold
//! at all: these are left out. See the recommendation of XML 1.0, sections 2.2 and 3.3.3.

/// A document, two blanks a level.
pub(super) struct Xml {
    text: String,
    open: Vec<&'static str>,
}

/// Names and values of attributes.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Xml {
    pub(super) fn new() -> Self {
        Self { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".into(), open: Vec::new() }
    }

    /// Begins an element that has others inside.
    pub(super) fn open(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.begin(name, attributes);
        self.text.push_str(">\n");
        self.open.push(name);
    }

    /// Ends what was begun last.
    pub(super) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            self.text.push_str("</");
            self.text.push_str(name);
            self.text.push_str(">\n");
        }
    }

    /// An element with nothing in it.
    pub(super) fn empty(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.begin(name, attributes);
        self.text.push_str("/>\n");
    }

    /// An element with text in it.
    pub(super) fn text(&mut self, name: &'static str, attributes: Attributes<'_>, text: &str) {
        self.begin(name, attributes);
        self.text.push('>');
        escape(&mut self.text, text, false);
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push_str(">\n");
    }

    /// The whole, all elements ended.
    pub(super) fn finish(mut self) -> Vec<u8> {
        while !self.open.is_empty() {
            self.close();
        }
        self.text.into_bytes()
    }

    fn begin(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.indent();
        self.text.push('<');
        self.text.push_str(name);
        for (name, value) in attributes {
            self.text.push(' ');
            self.text.push_str(name);
            self.text.push_str("=\"");
            escape(&mut self.text, value, true);
            self.text.push('"');
        }
    }

    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n("  ", self.open.len()));
    }
}

fn escape(to: &mut String, text: &str, in_attribute: bool) {
    for character in text.chars() {
        match character {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '"' if in_attribute => to.push_str("&quot;"),
            // Readers make blanks of these unless they are written so.
            '\n' if in_attribute => to.push_str("&#10;"),
            '\t' if in_attribute => to.push_str("&#9;"),
            '\r' => to.push_str("&#13;"),
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            other => to.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(value in "[ -~\t\r\nß€]{0,20}", text in "[ -~\t\r\nß€]{0,20}") {
            let mut xml = Xml::new();
            xml.open("a", &[("b", &value), ("c", "")]);
            xml.text("d", &[], &text);
            xml.empty("e", &[("f", &value)]);
            let document = String::from_utf8(xml.finish()).unwrap();
            let document = roxmltree::Document::parse(&document).unwrap();
            let root = document.root_element();
            prop_assert_eq!(root.attribute("b"), Some(value.as_str()));
            let children: Vec<_> = root.children().filter(|it| it.is_element()).collect();
            prop_assert_eq!(children[0].text().unwrap_or_default(), text);
            prop_assert_eq!(children[1].attribute("f"), Some(value.as_str()));
        }

        #[test]
        fn any_text_makes_a_document(value in ".{0,20}", text in "(?s).{0,20}") {
            let mut xml = Xml::new();
            xml.open("a", &[("b", &value)]);
            xml.text("c", &[], &text);
            let document = String::from_utf8(xml.finish()).unwrap();
            prop_assert!(roxmltree::Document::parse(&document).is_ok(), "{}", document);
        }
    }
}
