//! TOML as programs write it.

use std::fmt::Write as _;

use crate::text::is_unsafe_control;

/// A basic string: quoted, on one line, with nothing in it that a terminal would obey.
#[must_use]
pub fn toml_string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            // None has a number of more digits. Writing to a string cannot fail.
            c if is_unsafe_control(c) => drop(write!(quoted, "\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_is_escaped() {
        assert_eq!(toml_string("a \"b\" \\ é"), r#""a \"b\" \\ é""#);
        assert_eq!(toml_string("\u{1b}\n\t\u{7f}\u{202e}"), r#""\u001B\u000A\u0009\u007F\u202E""#);
    }
}
