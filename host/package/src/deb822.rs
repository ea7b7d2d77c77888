//! Fields of control files, in the format of deb822(5).

use std::fmt::Write as _;

use crate::Error;

/// Appends one field. Continuation lines start with a blank and are not empty, so that a value can never
/// start another field.
///
/// # Errors
/// [`Error::InvalidOutput`] for a name or value that would be read back as something else.
pub(crate) fn write_field(text: &mut String, name: &str, value: &str) -> Result<(), Error> {
    if !is_name(name) || !is_value(value) {
        return Err(Error::InvalidOutput(format!("the control field `{name}` has an unsound name or value")));
    }
    let gap = if value.is_empty() || value.starts_with('\n') { "" } else { " " };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name}:{gap}{value}");
    Ok(())
}

/// Why a text is no control file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ControlFileError {
    #[error("the line {0:?} of its control file is no field")]
    MissingColon(String),
    #[error("the field {0:?} of its control file is unsound")]
    Invalid(String),
    #[error("its control file has the field `{0}` twice")]
    Duplicate(String),
}

/// Reads a control file of several paragraphs, which may have comments.
///
/// # Errors
/// The first line or field that breaks the format.
pub(crate) fn parse_paragraphs(text: &str) -> Result<Vec<Vec<(String, String)>>, ControlFileError> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let paragraphs = lines.split(|line| line.trim().is_empty()).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| parse_paragraph(&paragraph.join("\n"))).collect()
}

/// Reads the one paragraph that a control file has; what comes back can be [written](write_field) again as it is.
///
/// # Errors
/// The first line or field that breaks the format.
pub(crate) fn parse_paragraph(text: &str) -> Result<Vec<(String, String)>, ControlFileError> {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut lines = text.trim_end().lines().map(|line| line.strip_suffix('\r').unwrap_or(line)).peekable();
    while let Some(line) = lines.next() {
        let (name, value) =
            line.split_once(':').ok_or_else(|| ControlFileError::MissingColon(line.to_owned()))?;
        let mut value = value.trim().to_owned();
        while let Some(more) = lines.next_if(|line| line.starts_with([' ', '\t'])) {
            value.push_str("\n ");
            value.push_str(more[1..].trim_end());
        }
        if !is_name(name) || !is_value(&value) {
            return Err(ControlFileError::Invalid(name.to_owned()));
        }
        if fields.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            return Err(ControlFileError::Duplicate(name.to_owned()));
        }
        fields.push((name.to_owned(), value));
    }
    Ok(fields)
}

/// The value of a field, whatever the case of its name.
pub(crate) fn find_field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_graphic() && c != ':')
}

fn is_value(value: &str) -> bool {
    let is_printable = |line: &str| !line.chars().any(|c| c.is_control() && c != '\t');
    let mut lines = value.split('\n');
    lines.next().is_some_and(is_printable)
        && lines.all(|line| line.starts_with(' ') && !line.trim().is_empty() && is_printable(line))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_value_cannot_start_another_field() {
        for value in ["a\nFiles: x", "a\n", "a\n\n b", "a\r\n b", "a\n  \n b", "a\0", "a\n b\x0b"] {
            assert!(write_field(&mut String::new(), "Homepage", value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn a_name_is_one_word() {
        for name in ["", "A B", "A:B", "-A", "#A", "A\nB", "Ä"] {
            assert!(write_field(&mut String::new(), name, "x").is_err(), "{name:?}");
        }
    }

    #[test]
    fn values_may_go_on() {
        let mut text = String::new();
        write_field(&mut text, "Package-List", "\n a deb\n b deb").unwrap();
        write_field(&mut text, "Homepage", "x").unwrap();
        assert_eq!(text, "Package-List:\n a deb\n b deb\nHomepage: x\n");
    }

    #[test]
    fn what_was_read_can_be_written() {
        let text = "Package: a\nDescription: b\n c\n .\n   d \nFiles:\n 1 2\n\n";
        let fields = parse_paragraph(text).unwrap();
        assert_eq!(find_field(&fields, "package"), Some("a"));
        assert_eq!(find_field(&fields, "Files"), Some("\n 1 2"));
        let mut again = String::new();
        for (name, value) in &fields {
            write_field(&mut again, name, value).unwrap();
        }
        assert_eq!(again, "Package: a\nDescription: b\n c\n .\n   d\nFiles:\n 1 2\n");
    }

    #[test]
    fn unsound_control_files_are_refused() {
        for text in
            ["a", "A: b\n\nB: c", "A: b\na: c", " A: b", "A: b\n \n c", ": b", "A B: c", "A: \0", "-----"]
        {
            assert!(parse_paragraph(text).is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_read_can_be_written_and_read_again(text in "([A-C]{1,2}:?[ \\t]?[a.\\n\\r \u{b}é]{0,4}\n){0,5}") {
            if let Ok(fields) = parse_paragraph(&text) {
                let mut again = String::new();
                for (name, value) in &fields {
                    write_field(&mut again, name, value).unwrap();
                }
                proptest::prop_assert_eq!(parse_paragraph(&again).unwrap(), fields);
            }
        }
    }
}
