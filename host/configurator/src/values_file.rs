//! The file that hooks read the values from, `.configurator.values`:
//!
//! ```xml
//! <config>
//!   <compute_on_head>YES</compute_on_head>
//!   <loglevel>64</loglevel>
//! </config>
//! ```
//!
//! One element for each value, in the order of the form. White space in a value is part of it.

use opkg::{XmlContext, push_xml_escaped};

use crate::limits;
use crate::text::{is_allowed_char, is_field_name};

/// The name of the file, in a package's home; those for images are in directories of their own below it.
pub const FILE_NAME: &str = ".configurator.values";

/// Why a file of values cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValuesFileError {
    #[error("the file has more than {} MiB", limits::FILE_BYTES >> 20)]
    TooLarge,
    #[error("the element of a value contains other elements")]
    NestedElement,
    #[error("the file is not well-formed: {0}")]
    InvalidXml(#[from] roxmltree::Error),
    #[error("the root element is `{}`, not `config`", opkg::escape_for_display(.0))]
    UnexpectedRoot(String),
}

/// The text of the file. Names and values are those that [`crate::ResolvedValues::entries`] returns; entries that
/// are not valid in XML are left out.
#[must_use]
pub fn to_xml(entries: &[(&str, &str)]) -> String {
    let mut text = String::from("<config>\n");
    for (name, value) in entries.iter().filter(|(name, _)| is_field_name(name)) {
        text.push_str("  <");
        text.push_str(name);
        text.push('>');
        let allowed = value.chars().filter(|c| is_allowed_char(*c) || *c == '\r');
        push_xml_escaped(&mut text, allowed, XmlContext::Text);
        text.push_str("</");
        text.push_str(name);
        text.push_str(">\n");
    }
    text.push_str("</config>\n");
    text
}

/// Names and values in such a file, whoever wrote it.
///
/// # Errors
/// Malformed XML, or another structure.
pub fn parse_xml(text: &str) -> Result<Vec<(String, String)>, ValuesFileError> {
    if text.len() > limits::FILE_BYTES {
        return Err(ValuesFileError::TooLarge);
    }
    let document = roxmltree::Document::parse(text)?;
    let config = document.root_element();
    if config.tag_name().name() != "config" {
        return Err(ValuesFileError::UnexpectedRoot(config.tag_name().name().to_owned()));
    }
    config.children().filter(roxmltree::Node::is_element).map(parse_entry).collect()
}

fn parse_entry(element: roxmltree::Node<'_, '_>) -> Result<(String, String), ValuesFileError> {
    if element.children().any(|child| child.is_element()) {
        return Err(ValuesFileError::NestedElement);
    }
    let value = element.children().filter(|child| child.is_text()).filter_map(|child| child.text()).collect();
    Ok((element.tag_name().name().to_owned(), value))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(entries: &[(&str, &str)]) -> Vec<(String, String)> {
        parse_xml(&to_xml(entries)).unwrap()
    }

    fn to_owned_entries(entries: &[(&str, &str)]) -> Vec<(String, String)> {
        entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_file_of_the_specification() {
        let text = to_xml(&[("compute_on_head", "YES"), ("loglevel", "64")]);
        let expected =
            "<config>\n  <compute_on_head>YES</compute_on_head>\n  <loglevel>64</loglevel>\n</config>\n";
        assert_eq!(text, expected);
        assert_eq!(to_xml(&[]), "<config>\n</config>\n");
    }

    #[test]
    fn what_is_hard_to_write() {
        let long = "x".repeat(10_000);
        for value in
            ["", " ", "\n a\n", "a\rb\r\n", "& < > \" ' é 😀", "]]>", "&amp;", "<b>", "<!-- -->", &long]
        {
            let entries = [("a", value), ("b", "x"), ("a", value)];
            assert_eq!(round_trip(&entries), to_owned_entries(&entries));
        }
    }

    #[test]
    fn what_is_no_file_of_values() {
        for (text, error) in [
            ("<config><a><b/></a></config>".to_owned(), ValuesFileError::NestedElement),
            ("<conf/>".to_owned(), ValuesFileError::UnexpectedRoot("conf".into())),
            (" ".repeat(limits::FILE_BYTES + 1), ValuesFileError::TooLarge),
        ] {
            assert_eq!(parse_xml(&text), Err(error));
        }
        for text in ["", "<config>", "<!DOCTYPE a [<!ENTITY b 'c'>]><config><a>&b;</a></config>"] {
            assert!(matches!(parse_xml(text), Err(ValuesFileError::InvalidXml(_))), "{text}");
        }
        let deep = "<config>".repeat(limits::FILE_BYTES / 8);
        assert!(matches!(parse_xml(&deep), Err(ValuesFileError::InvalidXml(_))));
    }

    proptest! {
        #![proptest_config(crate::testing::deterministic_config())]

        #[test]
        fn all_that_can_be_stored(values in prop::collection::vec("[\\PC\t\n\r]{0,40}", 0..6)) {
            let values: Vec<String> =
                values.iter().map(|value| value.chars().filter(|c| is_allowed_char(*c)).collect()).collect();
            let entries: Vec<(&str, &str)> = values.iter().map(|value| ("name", value.as_str())).collect();
            prop_assert_eq!(round_trip(&entries), to_owned_entries(&entries));
        }

        #[test]
        fn any_text_is_an_answer_or_an_error(text in any::<String>()) {
            let _ = parse_xml(&text);
            let _ = parse_xml(&format!("<config><a>{text}</a></config>"));
        }
    }
}
