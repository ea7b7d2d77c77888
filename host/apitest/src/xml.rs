//! The XML of definitions, which people have written by hand.

use roxmltree::{Document, Node, ParsingOptions};

use crate::text::{collapse_whitespace, escape_for_display};

/// Elements, attributes and texts of a file.
const MAX_NODES: u32 = 10_000;

/// Why a definition is not valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Counted from 1; absent where the whole file is meant.
    pub line: Option<u32>,
    /// One line.
    pub message: String,
}

impl ParseError {
    /// Of an element.
    #[must_use]
    pub fn at(node: Node<'_, '_>, message: String) -> Self {
        Self { line: Some(line_of(node)), message }
    }
}

/// The line that an element begins in.
#[must_use]
pub fn line_of(node: Node<'_, '_>) -> u32 {
    node.document().text_pos_at(node.range().start).row
}

/// Parses text whose comments are blank already.
///
/// # Errors
/// It is not well-formed, declares a document type, or is too large.
pub fn parse(text: &str) -> Result<Document<'_>, ParseError> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| {
        let at = error.pos();
        let message = match error {
            roxmltree::Error::DtdDetected => "a document type is declared, which is not allowed".to_owned(),
            roxmltree::Error::NodesLimitReached => {
                format!("it has more than {MAX_NODES} elements and texts")
            }
            roxmltree::Error::MalformedEntityReference(_) | roxmltree::Error::UnknownEntityReference(..) => {
                "`&` is written `&amp;` in XML".to_owned()
            }
            error => {
                let said = error.to_string();
                // The position is reported separately.
                escape_for_display(said.rsplit_once(" at ").map_or(said.as_str(), |(message, _)| message))
            }
        };
        ParseError { line: Some(at.row), message }
    })
}

/// The same text with blanks for comments: what stands in them does not matter, not even `--`, which XML forbids.
/// Lines stay what they are.
#[must_use]
pub fn blank_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("<!") {
        let (before, behind) = rest.split_at(at);
        out.push_str(before);
        let end = |mark: &str, from: usize| behind[from..].find(mark).map(|at| from + at + mark.len());
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
            out.extend(inside.chars().map(|c| if c == '\n' { c } else { ' ' }));
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
pub fn text_content(node: Node<'_, '_>) -> String {
    node.children().filter(Node::is_text).filter_map(|child| child.text()).collect()
}

/// An attribute without blanks around it; one that is empty is none.
#[must_use]
pub fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attribute(name).map(str::trim).filter(|value| !value.is_empty())
}

/// The elements inside of one, of these names; others are warnings.
pub fn known_elements<'a, 'input>(
    node: Node<'a, 'input>,
    names: &[&str],
    warnings: &mut Vec<String>,
) -> Vec<Node<'a, 'input>> {
    let mut known = Vec::new();
    for child in node.children() {
        if child.is_element() && names.contains(&child.tag_name().name()) {
            known.push(child);
        } else if child.is_element() {
            let (name, parent) = (escape_for_display(child.tag_name().name()), node.tag_name().name());
            warnings.push(format!("line {}: unexpected element <{name}> in <{parent}>", line_of(child)));
        } else if let Some(text) =
            child.text().map(collapse_whitespace).filter(|text| child.is_text() && !text.is_empty())
        {
            let parent = node.tag_name().name();
            warnings.push(format!(
                "line {}: unexpected text `{}` in <{parent}>",
                line_of(child),
                escape_for_display(&text)
            ));
        }
    }
    known
}

/// Attributes of other names are warnings.
pub fn check_attributes(node: Node<'_, '_>, names: &[&str], warnings: &mut Vec<String>) {
    for attribute in node.attributes().filter(|attribute| !names.contains(&attribute.name())) {
        let (name, element) = (escape_for_display(attribute.name()), node.tag_name().name());
        warnings.push(format!("line {}: unexpected attribute `{name}` in <{element}>", line_of(node)));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn comments_are_blank_and_nothing_else() {
        assert_eq!(blank_comments("<a><!-- x\n-- é -->b</a>"), "<a>      \n        b</a>");
        assert_eq!(blank_comments("<![CDATA[<!-- x -->]]>"), "<![CDATA[<!-- x -->]]>");
        assert_eq!(blank_comments("<!-- no end"), "<!-- no end");
        assert_eq!(blank_comments("<!DOCTYPE a><!-- x -->"), "<!DOCTYPE a>          ");
    }

    #[test]
    fn flaws_say_where_and_what() {
        let error = |text: &str| parse(text).map(|_| ()).unwrap_err();
        for (text, line, reason) in [
            ("<a>\n & b</a>", 2, "`&amp;`"),
            ("<a>&nbsp;</a>", 1, "`&amp;`"),
            ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", 1, "document type"),
            ("<a>\n</b>", 2, "expected 'a' tag, not 'b'"),
            ("<a>\n<!-- no end", 2, ""),
            ("", 1, ""),
        ] {
            let error = error(text);
            assert_eq!(error.line, Some(line), "{text}: {error:?}");
            assert!(error.message.contains(reason), "{text}: {error:?}");
        }
        let many = format!("<a>{}</a>", "<b/>".repeat(20_000));
        assert!(error(&many).message.contains("more than"));
    }

    proptest! {
        #[test]
        fn lines_stay(text in "([<>!\\-\n ax]|<!--|-->|<!\\[CDATA\\[|\\]\\]>){0,40}") {
            let without = blank_comments(&text);
            prop_assert_eq!(without.matches('\n').count(), text.matches('\n').count());
            prop_assert_eq!(without.chars().count(), text.chars().count());
        }
    }
}
