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

use crate::limits;
use crate::text::{is_name, is_storable};

/// The name of the file, in a package's home; those for images are in directories of their own below it.
pub const FILE_NAME: &str = ".configurator.values";

/// Why a file of values cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValuesError {
    /// Longer than any that is written.
    #[error("the file has more than {} MiB", limits::FILE_BYTES >> 20)]
    TooLarge,
    /// Elements in elements.
    #[error("an element of a value holds elements")]
    TooDeep,
    /// No XML.
    #[error("the file is not well-formed: {0}")]
    Malformed(String),
    /// Something else.
    #[error("the file does not hold values: its outermost element is `{}`, not `config`", opkg::show(.0))]
    Foreign(String),
}

/// The text of the file. Names and values are those that [`crate::Settled::entries`] gives; an entry that XML could
/// not hold is left out, and there is none in these.
#[must_use]
pub fn write(entries: &[(&str, &str)]) -> String {
    let mut text = String::from("<config>\n");
    for (name, value) in entries.iter().filter(|(name, _)| is_name(name)) {
        text.push_str("  <");
        text.push_str(name);
        text.push('>');
        for c in value.chars().filter(|it| is_storable(*it) || *it == '\r') {
            match c {
                '&' => text.push_str("&amp;"),
                '<' => text.push_str("&lt;"),
                '>' => text.push_str("&gt;"),
                // Readers would take it for a line end.
                '\r' => text.push_str("&#13;"),
                c => text.push(c),
            }
        }
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
/// When it is no such file.
pub fn read(text: &str) -> Result<Vec<(String, String)>, ValuesError> {
    if text.len() > limits::FILE_BYTES {
        return Err(ValuesError::TooLarge);
    }
    let malformed = |it: roxmltree::Error| ValuesError::Malformed(it.to_string());
    let document = roxmltree::Document::parse(text).map_err(malformed)?;
    let config = document.root_element();
    if config.tag_name().name() != "config" {
        return Err(ValuesError::Foreign(config.tag_name().name().to_owned()));
    }
    config.children().filter(roxmltree::Node::is_element).map(entry).collect()
}

fn entry(element: roxmltree::Node<'_, '_>) -> Result<(String, String), ValuesError> {
    if element.children().any(|it| it.is_element()) {
        return Err(ValuesError::TooDeep);
    }
    let value = element.children().filter_map(|it| it.text().filter(|_| it.is_text())).collect();
    Ok((element.tag_name().name().to_owned(), value))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round(entries: &[(&str, &str)]) -> Vec<(String, String)> {
        read(&write(entries)).unwrap()
    }

    fn owned(entries: &[(&str, &str)]) -> Vec<(String, String)> {
        entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_file_of_the_specification() {
        let text = write(&[("compute_on_head", "YES"), ("loglevel", "64")]);
        let expected =
            "<config>\n  <compute_on_head>YES</compute_on_head>\n  <loglevel>64</loglevel>\n</config>\n";
        assert_eq!(text, expected);
        assert_eq!(write(&[]), "<config>\n</config>\n");
    }

    #[test]
    fn what_is_hard_to_write() {
        let long = "x".repeat(10_000);
        for value in
            ["", " ", "\n a\n", "a\rb\r\n", "& < > \" ' é 😀", "]]>", "&amp;", "<b>", "<!-- -->", &long]
        {
            let entries = [("a", value), ("b", "x"), ("a", value)];
            assert_eq!(round(&entries), owned(&entries));
        }
    }

    #[test]
    fn what_is_no_file_of_values() {
        for (text, error) in [
            ("<config><a><b/></a></config>".to_owned(), ValuesError::TooDeep),
            ("<conf/>".to_owned(), ValuesError::Foreign("conf".into())),
            (" ".repeat(limits::FILE_BYTES + 1), ValuesError::TooLarge),
        ] {
            assert_eq!(read(&text), Err(error));
        }
        for text in ["", "<config>", "<!DOCTYPE a [<!ENTITY b 'c'>]><config><a>&b;</a></config>"] {
            assert!(matches!(read(text), Err(ValuesError::Malformed(_))), "{text}");
        }
        let deep = "<config>".repeat(limits::FILE_BYTES / 8);
        assert!(matches!(read(&deep), Err(ValuesError::Malformed(_))));
    }

    proptest! {
        #![proptest_config(crate::testing::deterministic())]

        #[test]
        fn all_that_can_be_stored(values in prop::collection::vec("[\\PC\t\n\r]{0,40}", 0..6)) {
            let values: Vec<String> =
                values.iter().map(|it| it.chars().filter(|it| is_storable(*it)).collect()).collect();
            let entries: Vec<(&str, &str)> = values.iter().map(|it| ("name", it.as_str())).collect();
            prop_assert_eq!(round(&entries), owned(&entries));
        }

        #[test]
        fn any_text_is_an_answer_or_an_error(text in any::<String>()) {
            let _ = read(&text);
            let _ = read(&format!("<config><a>{text}</a></config>"));
        }
    }
}
