//! Writing XML: indented elements and comments. Whatever text is given comes out as that text.

use opkg::{XmlContext, is_xml_char, push_xml_escaped};

/// Writes a document from top to bottom.
pub(crate) struct XmlWriter {
    out: String,
    depth: usize,
}

impl XmlWriter {
    /// With the declaration of XML in UTF-8.
    pub fn new() -> Self {
        Self { out: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".into(), depth: 0 }
    }

    fn write_indent(&mut self) {
        self.out.extend(std::iter::repeat_n("  ", self.depth));
    }

    fn write_start_tag(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        self.write_indent();
        self.out.push('<');
        self.out.push_str(tag);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            push_xml_escaped(&mut self.out, value.chars(), XmlContext::Attribute);
            self.out.push('"');
        }
        self.out.push('>');
    }

    fn write_end_tag(&mut self, tag: &str) {
        self.out.push_str("</");
        self.out.push_str(tag);
        self.out.push_str(">\n");
    }

    /// Begins an element that holds elements.
    pub fn start_element(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        self.write_start_tag(tag, attributes);
        self.out.push('\n');
        self.depth += 1;
    }

    /// Ends an element that has children, on a line of its own.
    pub fn end_element(&mut self, tag: &str) {
        self.depth = self.depth.saturating_sub(1);
        self.write_indent();
        self.write_end_tag(tag);
    }

    /// An element that holds text.
    pub fn text_element(&mut self, tag: &str, attributes: &[(&str, &str)], text: &str) {
        self.write_start_tag(tag, attributes);
        push_xml_escaped(&mut self.out, text.chars(), XmlContext::Text);
        self.write_end_tag(tag);
    }

    /// An element that holds lines of text, indented.
    pub fn text_block(&mut self, tag: &str, text: &str) {
        self.start_element(tag, &[]);
        for line in text.lines() {
            if !line.is_empty() {
                self.write_indent();
                push_xml_escaped(&mut self.out, line.chars(), XmlContext::Text);
            }
            self.out.push('\n');
        }
        self.end_element(tag);
    }

    /// A comment. XML knows no way to write `--` into one: a blank comes between the two.
    pub fn comment(&mut self, text: &str) {
        self.write_indent();
        self.out.push_str("<!--");
        self.out.push_str(&escape_comment(text));
        self.out.push_str("-->\n");
    }

    /// Returns the document.
    pub fn finish(self) -> String {
        self.out
    }
}

/// Text as it can stand in a comment.
pub(crate) fn escape_comment(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text
        .chars()
        .map(|c| if is_xml_char(c) { c } else { char::REPLACEMENT_CHARACTER })
        .filter(|c| *c != '\r')
    {
        if c == '-' && written.ends_with('-') {
            written.push(' ');
        }
        written.push(c);
    }
    if written.ends_with('-') {
        written.push(' ');
    }
    written
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngSeed};

    #[test]
    fn a_document() {
        let mut xml = XmlWriter::new();
        xml.comment(" a -- b -");
        xml.start_element("a", &[("b", "\"<&\n")]);
        xml.text_element("c", &[], "1 < 2 & 3");
        xml.text_block("d", "one\n\ntwo");
        xml.end_element("a");
        insta::assert_snapshot!(xml.finish(), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <!-- a - - b - -->
        <a b="&quot;&lt;&amp;&#10;">
          <c>1 &lt; 2 &amp; 3</c>
          <d>
            one

            two
          </d>
        </a>
        "#);
    }

    proptest! {
        #![proptest_config(Config { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..Config::default() })]

        #[test]
        fn what_is_written_is_what_is_read(text in "[\t\r\n -~\u{80}-\u{d7ff}\u{e000}-\u{fffd}]*") {
            let mut xml = XmlWriter::new();
            xml.comment(&text);
            xml.text_element("a", &[("b", &text)], &text);
            let written = xml.finish();
            let document = roxmltree::Document::parse(&written).unwrap();
            let element = document.root_element();
            prop_assert_eq!(element.text().unwrap_or_default(), &text);
            prop_assert_eq!(element.attribute("b").unwrap(), &text);
            let comment = document.root().first_child().unwrap();
            let dense = |text: &str| text.replace(['-', ' ', '\r'], "");
            prop_assert_eq!(dense(comment.text().unwrap()), dense(&text));
        }

        #[test]
        fn any_text_can_be_written(text in any::<String>()) {
            let mut xml = XmlWriter::new();
            xml.comment(&text);
            xml.text_element("a", &[("b", &text)], &text);
            prop_assert!(roxmltree::Document::parse(&xml.finish()).is_ok());
        }
    }
}
