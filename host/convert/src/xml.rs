//! Writing XML: indented elements and comments. Whatever text is given comes out as that text.

/// Writes a document from top to bottom.
pub(crate) struct Writer {
    out: String,
    depth: usize,
}

impl Writer {
    /// With the declaration of XML in UTF-8.
    pub fn new() -> Self {
        Self { out: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".into(), depth: 0 }
    }

    fn indent(&mut self) {
        self.out.extend(std::iter::repeat_n("  ", self.depth));
    }

    fn start(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        self.indent();
        self.out.push('<');
        self.out.push_str(tag);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape(&mut self.out, value, true);
            self.out.push('"');
        }
        self.out.push('>');
    }

    fn end(&mut self, tag: &str) {
        self.out.push_str("</");
        self.out.push_str(tag);
        self.out.push_str(">\n");
    }

    /// Begins an element that holds elements.
    pub fn open(&mut self, tag: &str, attributes: &[(&str, &str)]) {
        self.start(tag, attributes);
        self.out.push('\n');
        self.depth += 1;
    }

    /// Ends it.
    pub fn close(&mut self, tag: &str) {
        self.depth = self.depth.saturating_sub(1);
        self.indent();
        self.end(tag);
    }

    /// An element that holds text.
    pub fn leaf(&mut self, tag: &str, attributes: &[(&str, &str)], text: &str) {
        self.start(tag, attributes);
        escape(&mut self.out, text, false);
        self.end(tag);
    }

    /// An element that holds lines of text, indented.
    pub fn block(&mut self, tag: &str, text: &str) {
        self.open(tag, &[]);
        for line in text.lines() {
            if !line.is_empty() {
                self.indent();
                escape(&mut self.out, line, false);
            }
            self.out.push('\n');
        }
        self.close(tag);
    }

    /// A comment. XML knows no way to write `--` into one: a blank comes between the two.
    pub fn comment(&mut self, text: &str) {
        self.indent();
        self.out.push_str("<!--");
        self.out.push_str(&commented(text));
        self.out.push_str("-->\n");
    }

    /// The document.
    pub fn finish(self) -> String {
        self.out
    }
}

/// Text as it can stand in a comment.
pub(crate) fn commented(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars().map(possible).filter(|c| *c != '\r') {
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

/// The character itself, as far as XML can hold it at all.
fn possible(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'.. => c,
        _ => char::REPLACEMENT_CHARACTER,
    }
}

/// Appends text so that a parser reads it as it is: between tags, or inside of the quotes of an attribute.
fn escape(out: &mut String, text: &str, is_attribute: bool) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            '"' if is_attribute => out.push_str("&quot;"),
            '\n' if is_attribute => out.push_str("&#10;"),
            '\t' if is_attribute => out.push_str("&#9;"),
            c => out.push(possible(c)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngSeed};

    #[test]
    fn a_document() {
        let mut xml = Writer::new();
        xml.comment(" a -- b -");
        xml.open("a", &[("b", "\"<&\n")]);
        xml.leaf("c", &[], "1 < 2 & 3");
        xml.block("d", "one\n\ntwo");
        xml.close("a");
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
            let mut xml = Writer::new();
            xml.comment(&text);
            xml.leaf("a", &[("b", &text)], &text);
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
            let mut xml = Writer::new();
            xml.comment(&text);
            xml.leaf("a", &[("b", &text)], &text);
            prop_assert!(roxmltree::Document::parse(&xml.finish()).is_ok());
        }
    }
}
