//! Makes what others wrote safe to show: on a terminal, in a page.

use std::fmt::Write;

use crate::text::is_unsafe_control;

/// How a sequence for terminals begins.
const ESCAPE: char = '\u{1b}';

/// Characters of a sequence that only sets colours.
const MAX_COLOR_CHARS: usize = 20;

/// A character that is not seen, or does something to its surroundings instead: a control character, one that turns the
/// direction of text, or one that takes no room.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    is_unsafe_control(c)
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
                | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// Shows what is hidden: as `\u{202e}`. Newlines and tabs stay. Colours are left out: they say nothing.
#[must_use]
pub fn escape_hidden(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = color_length(rest);
        if length > 0 {
            rest = &rest[length..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            // The end of a line, as some write it.
            '\r' if rest.starts_with('\n') => {}
            '\n' | '\t' => shown.push(c),
            c if is_hidden(c) => push_escaped(&mut shown, c),
            c => shown.push(c),
        }
    }
    shown
}

/// The same for text that is one line, whose newlines and tabs are hidden as well: as `\n`. What somebody wrote into one
/// field of a table begins no line of it.
#[must_use]
pub fn escape_line(text: &str) -> String {
    escape_hidden(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// The same for text that we have coloured ourselves.
#[must_use]
pub fn escape_hidden_keeping_colors(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let plain = rest.match_indices(ESCAPE).map(|(at, _)| at).find(|at| color_length(&rest[*at..]) > 0);
        let (before, from) = rest.split_at(plain.unwrap_or(rest.len()));
        shown.push_str(&escape_hidden(before));
        let (color, after) = from.split_at(color_length(from));
        shown.push_str(color);
        rest = after;
    }
    shown
}

/// The same within JSON, whose strings alone can hold such characters: as `\u202e`, which means the same.
#[must_use]
pub fn escape_hidden_in_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

fn push_escaped(shown: &mut String, c: char) {
    shown.extend(c.escape_unicode());
}

/// Bytes of the sequence at the beginning of a text that sets colours, and does nothing else; 0 if there is none.
fn color_length(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\u{1b}[") else { return 0 };
    let is_parameter = |byte: &u8| byte.is_ascii_digit() || *byte == b';';
    let length = parameters.bytes().take(MAX_COLOR_CHARS).take_while(is_parameter).count();
    // Text that is as good as not there is no colour; but there is one of that number, `38;5;8`.
    let mut before = "";
    let conceals = parameters[..length].split(';').any(|parameter| {
        let is_number_of_color = std::mem::replace(&mut before, parameter) == "5";
        parameter == "8" && !is_number_of_color
    });
    if !conceals && parameters[length..].starts_with('m') { 2 + length + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_hidden_is_shown_and_colours_are_left_out() {
        for (text, shown) in [
            ("\u{1b}[38;5;8mgrey", "grey"),
            ("\u{1b}[1;31mred\u{1b}[0m\tx\r\ny", "red\tx\ny"),
            ("gone\rthere", "gone\\u{d}there"),
            ("\u{1b}[2J\u{7}", "\\u{1b}[2J\\u{7}"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("\u{1b}[8mhidden", "\\u{1b}[8mhidden"),
            ("\u{9b}31m\u{85}", "\\u{9b}31m\\u{85}"),
            ("user\u{202e}txt.exe\u{2066}", "user\\u{202e}txt.exe\\u{2066}"),
            ("pay\u{200b}load\u{feff}\u{ad}\u{e0041}", "pay\\u{200b}load\\u{feff}\\u{ad}\\u{e0041}"),
            ("äé漢字 🎉", "äé漢字 🎉"),
        ] {
            assert_eq!(escape_hidden(text), shown);
        }
        let ours = "\u{1b}[1m\u{1b}[91merror\u{1b}[0m: \u{202e}x\u{1b}[2K";
        assert_eq!(
            escape_hidden_keeping_colors(ours),
            "\u{1b}[1m\u{1b}[91merror\u{1b}[0m: \\u{202e}x\\u{1b}[2K"
        );
        assert_eq!(
            escape_hidden_in_json("{\n \"a\": \"\u{202e}\u{e0041}\u{7f}é\"}"),
            "{\n \"a\": \"\\u202e\\udb40\\udc41\\u007fé\"}"
        );
    }

    #[test]
    fn one_line_stays_one() {
        for (text, shown) in [
            ("moved\n2026-11-30 05:00:00  root@head", "moved\\n2026-11-30 05:00:00  root@head"),
            ("a\r\nb\tc\rd", "a\\nb\\tc\\u{d}d"),
            ("\u{1b}[1mbold\u{85}\u{2028}", "bold\\u{85}\\u{2028}"),
            ("äé漢字 🎉", "äé漢字 🎉"),
        ] {
            assert_eq!(escape_line(text), shown);
        }
    }

    proptest! {
        #[test]
        fn a_line_has_nothing_hidden(text in any::<String>()) {
            prop_assert!(!escape_line(&text).chars().any(is_hidden));
        }

        #[test]
        fn nothing_is_left_but_text(text in any::<String>()) {
            let is_safe = |letter: char| matches!(letter, '\n' | '\t') || !is_hidden(letter);
            prop_assert!(escape_hidden(&text).chars().all(is_safe));
            let colored = escape_hidden_keeping_colors(&text);
            prop_assert_eq!(escape_hidden(&colored), escape_hidden(&text));
        }

        #[test]
        fn json_means_the_same(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap_or_default();
            let escaped = escape_hidden_in_json(&json);
            prop_assert!(!escaped.chars().any(is_hidden));
            prop_assert_eq!(serde_json::from_str::<String>(&escaped).ok(), Some(text));
        }
    }
}
