//! Values of attributes that are one of a few words.

use std::ops::Range;

use roxmltree::Node as XmlNode;

use super::reader::ElementReader;
use crate::closest_match;
use crate::diagnostic::Diagnostic;
use crate::text::escape_for_display;

/// To a question.
pub(super) const ANSWERS: [(&str, bool); 2] = [("yes", true), ("no", false)];

/// The error about an element, with a message.
pub(super) type ElementError = fn(String) -> Diagnostic;

/// What an attribute says; nothing where it is not there, or is none of the choices, which is reported.
pub(super) fn read_choice<T: Copy>(
    reader: &mut ElementReader<'_>,
    element: XmlNode<'_, '_>,
    error: ElementError,
    name: &str,
    choices: &[(&str, T)],
) -> Option<T> {
    let (written, range) = reader.attribute(element, name)?;
    let found = choices.iter().find(|(choice, _)| *choice == written);
    if found.is_none() {
        let known = choices.iter().map(|(choice, _)| *choice);
        let help = match closest_match(&written, known.clone()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("write one of `{}`", known.collect::<Vec<_>>().join("`, `")),
        };
        reject(reader, range, error, element.tag_name().name(), name, &written, &help);
    }
    found.map(|(_, value)| *value)
}

/// An error: an attribute of an element cannot say this.
pub(super) fn reject(
    reader: &mut ElementReader<'_>,
    range: Range<usize>,
    error: ElementError,
    element: &str,
    name: &str,
    written: &str,
    help: &str,
) {
    let message = format!("`{}` cannot be the `{name}` of a {element}", escape_for_display(written));
    reader.report(range, error(message).help(help));
}
