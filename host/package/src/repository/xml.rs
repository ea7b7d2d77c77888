//! Writing XML. Whatever goes into it comes out of a reader as it was, but for characters that XML cannot hold
//! at all: these are left out. See the recommendation of XML 1.0, sections 2.2 and 3.3.3.

use opkg::{XmlContext, is_xml_char, push_xml_escaped};

/// A document, two blanks a level.
pub(super) struct XmlWriter {
    text: String,
    open_elements: Vec<&'static str>,
}

/// Names and values of attributes.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

impl XmlWriter {
    pub(super) fn new() -> Self {
        Self { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".into(), open_elements: Vec::new() }
    }

    /// What is going to be within an element of a document, by [`XmlWriter::append`].
    pub(super) fn within(element: &'static str) -> Self {
        Self { text: String::new(), open_elements: vec![element] }
    }

    /// Writes what was made apart.
    pub(super) fn append(&mut self, fragment: &Self) {
        self.text.push_str(&fragment.text);
    }

    /// Begins an element that has others inside.
    pub(super) fn start_element(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.write_start_tag(name, attributes);
        self.text.push_str(">\n");
        self.open_elements.push(name);
    }

    /// Ends what was begun last.
    pub(super) fn end_element(&mut self) {
        if let Some(name) = self.open_elements.pop() {
            self.write_indent();
            self.text.push_str("</");
            self.text.push_str(name);
            self.text.push_str(">\n");
        }
    }

    /// An element with nothing in it.
    pub(super) fn empty_element(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.write_start_tag(name, attributes);
        self.text.push_str("/>\n");
    }

    /// An element with text in it.
    pub(super) fn text_element(&mut self, name: &'static str, attributes: Attributes<'_>, text: &str) {
        self.write_start_tag(name, attributes);
        self.text.push('>');
        push_escaped(&mut self.text, text, XmlContext::Text);
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push_str(">\n");
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// The whole, all elements ended.
    pub(super) fn finish(mut self) -> Vec<u8> {
        while !self.open_elements.is_empty() {
            self.end_element();
        }
        self.text.into_bytes()
    }

    fn write_start_tag(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.write_indent();
        self.text.push('<');
        self.text.push_str(name);
        for (name, value) in attributes {
            self.text.push(' ');
            self.text.push_str(name);
            self.text.push_str("=\"");
            push_escaped(&mut self.text, value, XmlContext::Attribute);
            self.text.push('"');
        }
    }

    fn write_indent(&mut self) {
        self.text.extend(std::iter::repeat_n("  ", self.open_elements.len()));
    }
}

/// As `createrepo_c` does, what XML cannot hold is left out.
fn push_escaped(to: &mut String, text: &str, context: XmlContext) {
    push_xml_escaped(to, text.chars().filter(|c| is_xml_char(*c)), context);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(value in "[ -~\t\r\nß€]{0,20}", text in "[ -~\t\r\nß€]{0,20}") {
            let mut xml = XmlWriter::new();
            xml.start_element("a", &[("b", &value), ("c", "")]);
            xml.text_element("d", &[], &text);
            xml.empty_element("e", &[("f", &value)]);
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
            let mut xml = XmlWriter::new();
            xml.start_element("a", &[("b", &value)]);
            xml.text_element("c", &[], &text);
            let document = String::from_utf8(xml.finish()).unwrap();
            prop_assert!(roxmltree::Document::parse(&document).is_ok(), "{}", document);
        }
    }
}
