//! What programs printed, as text.

use opkg::is_control;

/// Without what only terminals understand: colours, bells, text that goes backwards.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' if letters.next_if_eq(&'[').is_some() => {
                // It ends with the first character that is no parameter.
                while letters.next_if(|it| matches!(it, ' '..='?')).is_some() {}
                letters.next();
            }
            '\n' | '\t' => shown.push(letter),
            it if is_control(it) => {}
            it => shown.push(it),
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
        assert_eq!(plain("\u{1b}[1;31mred\u{1b}[0m\tx\r\n\u{7}\u{202e}y\u{1b}"), "red\tx\ny");
    }

    proptest! {
        #[test]
        fn nothing_is_left_but_text(text in any::<String>()) {
            prop_assert!(plain(&text).chars().all(|it| matches!(it, '\n' | '\t') || !is_control(it)));
        }
    }
}
