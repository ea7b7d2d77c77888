//! Makes the output of programs safe to show: on a terminal, in a page.

use crate::text::is_unsafe_control;

/// Strips what only terminals understand: escape sequences, control characters, and those that change the direction of
/// text. Newlines and tabs stay.
#[must_use]
pub fn strip_control_chars(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' if letters.next_if_eq(&'[').is_some() => {
                // It ends with the first character that is no parameter.
                while letters.next_if(|letter| matches!(letter, ' '..='?')).is_some() {}
                letters.next();
            }
            '\n' | '\t' => shown.push(letter),
            letter if is_unsafe_control(letter) => {}
            letter => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colours_are_left_out() {
        assert_eq!(strip_control_chars("\u{1b}[1;31mred\u{1b}[0m\tx\r\n\u{7}\u{202e}y\u{1b}"), "red\tx\ny");
    }

    proptest! {
        #[test]
        fn nothing_is_left_but_text(text in any::<String>()) {
            let is_safe = |letter: char| matches!(letter, '\n' | '\t') || !is_unsafe_control(letter);
            prop_assert!(strip_control_chars(&text).chars().all(is_safe));
        }
    }
}
