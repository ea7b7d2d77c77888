//! Fields of control files, in the format of deb822(5).

use std::fmt::Write as _;

use crate::Error;

/// Appends one field. Continuation lines start with a blank and are not empty, so that a value can never
/// start another field.
///
/// # Errors
/// [`Error::Unpackable`] for a name or value that would be read back as something else.
pub(crate) fn put(text: &mut String, name: &str, value: &str) -> Result<(), Error> {
    let name_is_sound = name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|it| it.is_ascii_graphic() && it != ':');
    let sound = |line: &str| !line.chars().any(|it| it.is_control() && it != '\t');
    let mut lines = value.split('\n');
    let value_is_sound = lines.next().is_some_and(sound)
        && lines.all(|line| line.starts_with(' ') && !line.trim().is_empty() && sound(line));
    if !name_is_sound || !value_is_sound {
        return Err(Error::Unpackable(format!("the control field `{name}` has an unsound name or value")));
    }
    let gap = if value.is_empty() || value.starts_with('\n') { "" } else { " " };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{name}:{gap}{value}");
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_value_cannot_start_another_field() {
        for value in ["a\nFiles: x", "a\n", "a\n\n b", "a\r\n b", "a\n  \n b", "a\0", "a\n b\x0b"] {
            assert!(put(&mut String::new(), "Homepage", value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn a_name_is_one_word() {
        for name in ["", "A B", "A:B", "-A", "#A", "A\nB", "Ä"] {
            assert!(put(&mut String::new(), name, "x").is_err(), "{name:?}");
        }
    }

    #[test]
    fn values_may_go_on() {
        let mut text = String::new();
        put(&mut text, "Package-List", "\n a deb\n b deb").unwrap();
        put(&mut text, "Homepage", "x").unwrap();
        assert_eq!(text, "Package-List:\n a deb\n b deb\nHomepage: x\n");
    }
}
