//! What a plugin says, made fit for a terminal.

/// At most `longest` bytes of a text, whole characters.
#[must_use]
pub fn truncate(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}

/// The text as one line: every run of white space and control characters is one blank.
#[must_use]
pub fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || opkg::is_unsafe_control(c));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A line that a program printed, with its indentation: what would do something to a terminal is a blank, a tab is four.
#[must_use]
pub fn output_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.trim_end_matches(|c: char| c.is_whitespace() || opkg::is_unsafe_control(c)).chars() {
        match c {
            '\t' => line.push_str("    "),
            c if opkg::is_unsafe_control(c) => line.push(' '),
            c => line.push(c),
        }
    }
    line
}

/// A name as a message shows it: quoted, short, nothing invisible in it.
#[must_use]
pub fn quote(text: &str) -> String {
    const MAX_QUOTED_BYTES: usize = 80;
    let short = truncate(text, MAX_QUOTED_BYTES);
    let shown: String = short
        .chars()
        .flat_map(|c| {
            let escaped = opkg::is_unsafe_control(c).then(|| c.escape_default());
            let plain = escaped.is_none().then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect();
    let rest = if short.len() < text.len() { "…" } else { "" };
    format!("`{shown}{rest}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_strangers() {
        assert_eq!(one_line(" a\r\n\tb\u{7}c\u{202e}d "), "a b c d");
        assert_eq!(output_line("  a\u{7}b\tc\u{202e}d\t\r\n"), "  a b    c d");
        assert_eq!(quote("a\nb"), r"`a\nb`");
        assert_eq!(quote(&"ä".repeat(60)), format!("`{}…`", "ä".repeat(40)));
        assert_eq!(truncate("aä", 2), "a");
    }
}
