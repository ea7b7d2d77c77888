//! The XML of definitions, which people have written by hand.

use roxmltree::{Document, Node, ParsingOptions};

use crate::text::{show, squeeze};

/// Elements, attributes and texts of a file.
const MOST_NODES: u32 = 10_000;

/// A fault in a file: the line, where it is known, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// From 1 on.
    pub line: Option<u32>,
    /// One line.
    pub message: String,
}

impl Flaw {
    /// Of an element.
    #[must_use]
    pub fn at(node: Node<'_, '_>, message: String) -> Self {
        Self { line: Some(line(node)), message }
    }
}

/// The line that an element begins in.
#[must_use]
pub fn line(node: Node<'_, '_>) -> u32 {
    node.document().text_pos_at(node.range().start).row
}

/// Parses text whose comments are blank already.
///
/// # Errors
/// It is not well-formed, declares a document type, or is too large.
pub fn parse(text: &str) -> Result<Document<'_>, Flaw> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| {
        let at = error.pos();
        let message = match error {
            roxmltree::Error::DtdDetected => "a document type is declared, which is not allowed".to_owned(),
            roxmltree::Error::NodesLimitReached => {
                format!("it has more than {MOST_NODES} elements and texts")
            }
            roxmltree::Error::MalformedEntityReference(_) | roxmltree::Error::UnknownEntityReference(..) => {
                "`&` is written `&amp;` in XML".to_owned()
            }
            error => {
                let said = error.to_string();
                // The place is told by itself.
                show(said.rsplit_once(" at ").map_or(said.as_str(), |it| it.0))
            }
        };
        Flaw { line: Some(at.row), message }
    })
}

/// The same text with blanks for comments: what stands in them does not matter, not even `--`, which XML forbids.
/// Lines stay what they are.
#[must_use]
pub fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("<!") {
        let (before, behind) = rest.split_at(at);
        out.push_str(before);
        let end = |mark: &str, from: usize| behind[from..].find(mark).map(|it| from + it + mark.len());
        let (end, is_comment) = if behind.starts_with("<!--") {
            (end("-->", 4), true)
        } else if behind.starts_with("<![CDATA[") {
            (end("]]>", 9), false)
        } else {
            (Some(2), false)
        };
        // One that does not end is for the parser to find.
        let (inside, behind) = behind.split_at(end.unwrap_or(behind.len()));
        if is_comment && end.is_some() {
            out.extend(inside.chars().map(|it| if it == '\n' { it } else { ' ' }));
        } else {
            out.push_str(inside);
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// The text of an element as it stands; that of elements inside of it is not text.
#[must_use]
pub fn content(node: Node<'_, '_>) -> String {
    node.children().filter(Node::is_text).filter_map(|it| it.text()).collect()
}

/// An attribute without blanks around it; one that is empty is none.
#[must_use]
pub fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attribute(name).map(str::trim).filter(|it| !it.is_empty())
}

/// The elements inside of one, of these names; others are findings.
pub fn elements<'a, 'input>(
    node: Node<'a, 'input>,
    names: &[&str],
    findings: &mut Vec<String>,
) -> Vec<Node<'a, 'input>> {
    let mut known = Vec::new();
    for child in node.children() {
        if child.is_element() && names.contains(&child.tag_name().name()) {
            known.push(child);
        } else if child.is_element() {
            let (name, parent) = (show(child.tag_name().name()), node.tag_name().name());
            findings.push(format!("line {}: <{name}> means nothing in <{parent}>", line(child)));
        } else if let Some(text) = child.text().map(squeeze).filter(|it| child.is_text() && !it.is_empty()) {
            let parent = node.tag_name().name();
            findings.push(format!(
                "line {}: the text `{}` means nothing in <{parent}>",
                line(child),
                show(&text)
            ));
        }
    }
    known
}

/// Attributes of other names are findings.
pub fn attributes(node: Node<'_, '_>, names: &[&str], findings: &mut Vec<String>) {
    for attribute in node.attributes().filter(|it| !names.contains(&it.name())) {
        let (name, element) = (show(attribute.name()), node.tag_name().name());
        findings.push(format!("line {}: `{name}` means nothing in <{element}>", line(node)));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn comments_are_blank_and_nothing_else() {
        assert_eq!(without_comments("<a><!-- x\n-- é -->b</a>"), "<a>      \n        b</a>");
        assert_eq!(without_comments("<![CDATA[<!-- x -->]]>"), "<![CDATA[<!-- x -->]]>");
        assert_eq!(without_comments("<!-- no end"), "<!-- no end");
        assert_eq!(without_comments("<!DOCTYPE a><!-- x -->"), "<!DOCTYPE a>          ");
    }

    #[test]
    fn flaws_say_where_and_what() {
        let flaw = |text: &str| parse(text).map(|_| ()).unwrap_err();
        for (text, line, reason) in [
            ("<a>\n & b</a>", 2, "`&amp;`"),
            ("<a>&nbsp;</a>", 1, "`&amp;`"),
            ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", 1, "document type"),
            ("<a>\n</b>", 2, "expected 'a' tag, not 'b'"),
            ("<a>\n<!-- no end", 2, ""),
            ("", 1, ""),
        ] {
            let flaw = flaw(text);
            assert_eq!(flaw.line, Some(line), "{text}: {flaw:?}");
            assert!(flaw.message.contains(reason), "{text}: {flaw:?}");
        }
        let many = format!("<a>{}</a>", "<b/>".repeat(20_000));
        assert!(flaw(&many).message.contains("more than"));
    }

    proptest! {
        #[test]
        fn lines_stay(text in "([<>!\\-\n ax]|<!--|-->|<!\\[CDATA\\[|\\]\\]>){0,40}") {
            let without = without_comments(&text);
            prop_assert_eq!(without.matches('\n').count(), text.matches('\n').count());
            prop_assert_eq!(without.chars().count(), text.chars().count());
        }
    }
}
