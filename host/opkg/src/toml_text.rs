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
            c if c.is_control() || is_unsafe_control(c) => {
                // The shorter form has no numbers beyond. Writing to a string cannot fail.
                let _ = match u32::from(c) {
                    number @ ..=0xFFFF => write!(quoted, "\\u{number:04X}"),
                    number => write!(quoted, "\\U{number:08X}"),
                };
            }
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
        assert_eq!(
            toml_string("\u{1b}\n\t\u{7f}\u{202e}\u{e0001}"),
            r#""\u001B\u000A\u0009\u007F\u202E\U000E0001""#
        );
    }
}
