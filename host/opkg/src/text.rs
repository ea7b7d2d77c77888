//! Text as people write it, made safe to pass on: white space folded, control characters gone. And the
//! positions in it.

/// Line and column of a byte of `text`, both counted from 1, the column in characters. An offset behind the
/// end or inside of a character counts as the nearest place before it.
#[must_use]
pub fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset.min(text.len()))];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

/// The byte at which a line and column, counted as by [`line_column`], begins.
pub(crate) fn byte_offset(text: &str, line: usize, column: usize) -> usize {
    let start = match line {
        0 | 1 => 0,
        _ => text.match_indices('\n').nth(line - 2).map_or(text.len(), |(at, _)| at + 1),
    };
    text[start..].char_indices().nth(column.saturating_sub(1)).map_or(text.len(), |(at, _)| start + at)
}

/// A character that does something to its surroundings instead of being seen: a control character, a line or
/// paragraph separator, or one that turns the direction of what follows.
#[must_use]
pub fn is_unsafe_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// White space that a folded text may hold without a word about it.
fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || (c.is_whitespace() && !is_unsafe_control(c))
}

/// The first character that folding replaces although it is no white space, and where.
pub(crate) fn find_control_char(text: &str) -> Option<(usize, char)> {
    text.char_indices().find(|&(_, c)| is_unsafe_control(c) && !is_blank(c))
}

/// One line: every run of white space and control characters is one blank, none at the ends.
#[must_use]
pub fn collapse_whitespace(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split(|c| is_blank(c) || is_unsafe_control(c)).filter(|word| !word.is_empty()) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}

/// The paragraphs of a text, which blank lines separate, each folded to one line.
pub(crate) fn split_paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines().chain([""]) {
        let line = collapse_whitespace(line);
        if !line.is_empty() {
            lines.push(line);
        } else if !lines.is_empty() {
            paragraphs.push(lines.join(" "));
            lines.clear();
        }
    }
    paragraphs
}

/// How a message shows what somebody wrote: on one line, not too long, and with nothing invisible in it.
#[must_use]
pub fn escape_for_display(text: &str) -> String {
    const MAX_CHARS: usize = 60;
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == MAX_CHARS {
            shown.push('…');
            break;
        }
        if is_unsafe_control(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn positions_count_characters() {
        let text = "a\nbä€c\n";
        for (at, expected) in
            [(0, (1, 1)), (2, (2, 1)), (3, (2, 2)), (5, (2, 3)), (8, (2, 4)), (9, (2, 5)), (10, (3, 1))]
        {
            assert_eq!(line_column(text, at), expected, "{at}");
        }
        assert_eq!(line_column(text, 4), (2, 2), "inside of a character");
        assert_eq!(line_column(text, 99), (3, 1), "behind the end");
    }

    #[test]
    fn folding() {
        assert_eq!(collapse_whitespace("  a\t\n b  "), "a b");
        assert_eq!(collapse_whitespace("a\u{7}b\u{202e}c\u{2028}d\u{9b}e"), "a b c d e");
        assert_eq!(collapse_whitespace(" \n "), "");
        assert_eq!(collapse_whitespace("50 % of %{x}"), "50 % of %{x}");
        assert_eq!(find_control_char("a\tb\u{a0}\r\n"), None);
        assert_eq!(find_control_char("ab\u{1b}[0m"), Some((2, '\u{1b}')));
    }

    #[test]
    fn paragraphs_are_separated_by_blank_lines() {
        assert_eq!(split_paragraphs("\n a\n  b\n \t \n\nc\n"), ["a b", "c"]);
        assert!(split_paragraphs(" \n\n ").is_empty());
    }

    proptest! {
        #![proptest_config(crate::testing::deterministic_config())]

        #[test]
        fn offset_inverts_line_column(text in "[aä€\n]{0,30}", at in 0usize..60) {
            let at = text.floor_char_boundary(at.min(text.len()));
            let (line, column) = line_column(&text, at);
            prop_assert_eq!(byte_offset(&text, line, column), at);
        }

        #[test]
        fn folded_text_is_one_clean_line(text in any::<String>()) {
            let folded = collapse_whitespace(&text);
            prop_assert!(!folded.chars().any(is_unsafe_control));
            prop_assert_eq!(collapse_whitespace(&folded), folded.clone());
            prop_assert_eq!(folded.trim(), folded.as_str());
        }
    }
}
