//! Text that RPM takes as text: in tags and paragraphs, in scripts, in lists of files.
//!
//! RPM expands macros line by line and looks for sections and conditions in what came out, so `%%post` at
//! the start of a line begins a section as well as `%post` does.

use std::fmt::{self, Write};

use askama::filters::Escaper;
use opkg_sdk::text::wrap;

/// U+2060, which is nowhere to be seen: keeps the first character of a paragraph from being the first of
/// its line.
const WORD_JOINER: char = '\u{2060}';

/// Escapes whatever a spec template prints: `%` is no macro, and a value stays within its line.
///
/// Before a `%` that follows a backslash RPM loses count of braces, hence the macro `%{percent}`, which
/// the template defines.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpecEscaper;

impl Escaper for SpecEscaper {
    fn write_escaped_str<W: Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        let mut previous = '\0';
        for character in text.chars() {
            match character {
                '%' if previous == '\\' => dest.write_str("%{percent}")?,
                '%' => dest.write_str("%%")?,
                '\t' => dest.write_char('\t')?,
                other if other.is_control() => dest.write_char(' ')?,
                other => dest.write_char(other)?,
            }
            previous = character;
        }
        Ok(())
    }
}

/// One paragraph in lines that RPM takes for text alone. `first` is how many characters the caller puts
/// before the first line; if there are none, a paragraph that starts badly gets an invisible character.
pub fn wrap_paragraph(text: &str, width: usize, first: usize) -> Vec<String> {
    let printable: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut lines: Vec<String> = Vec::new();
    for line in wrap(&printable, width.saturating_sub(first)) {
        match lines.last_mut() {
            // Rather too long than at the start of a line.
            Some(previous) if starts_with_directive(&line) => {
                previous.push(' ');
                previous.push_str(&line);
            }
            Some(_) => lines.push(line),
            None if first == 0 && starts_with_directive(&line) => lines.push(format!("{WORD_JOINER}{line}")),
            None => lines.push(line),
        }
    }
    lines
}

/// Sections and conditions, comments, entries of the changelog.
fn starts_with_directive(line: &str) -> bool {
    line.starts_with(['%', '#', '*'])
}

/// A path as an entry of `%files`. RPM has no way to quote there that all versions read alike (from 4.19 on nothing
/// between quotes is a pattern, before that everything is), but it looks for patterns in a word without quotes: each
/// character that means something to it becomes a `?`.
pub fn file_pattern(path: &str) -> String {
    path.chars()
        .map(|character| match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '/' | '.' | '_' | '-' | '+' | ',' | ':' | '=' | '@' | '~' => {
                character
            }
            other if other.is_ascii() => '?',
            other => other,
        })
        .collect()
}

/// Whether a pattern made by [`file_pattern`] also stands for this path.
pub fn pattern_matches(pattern: &str, path: &str) -> bool {
    let mut path = path.chars();
    pattern
        .chars()
        .all(|wanted| path.next().is_some_and(|found| wanted == found || (wanted == '?' && found != '/')))
        && path.next().is_none()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = String::new();
        SpecEscaper.write_escaped_str(&mut out, text).unwrap();
        out
    }

    #[test]
    fn a_percent_sign_is_no_macro_and_a_line_stays_one() {
        assert_eq!(escaped("100% %(id) a\nb\tc"), "100%% %%(id) a b\tc");
        assert_eq!(escaped("\\%{x"), "\\%{percent}{x");
    }

    #[test]
    fn no_line_of_a_paragraph_starts_like_a_section() {
        assert_eq!(wrap_paragraph("%post is a section", 10, 0), ["\u{2060}%post is a", "section"]);
        assert_eq!(wrap_paragraph("aaaa bbbb %post # * c", 9, 0), ["aaaa bbbb %post # *", "c"]);
        assert_eq!(wrap_paragraph("%post", 9, 2), ["%post"]);
    }

    #[test]
    fn patterns_hide_what_means_something_to_rpm() {
        assert_eq!(file_pattern("/a b/\"%[x]*é\\"), "/a?b/???x??é?");
        assert!(pattern_matches("/a?b", "/a b"));
        assert!(!pattern_matches("/a?b", "/a/b"));
        assert!(!pattern_matches("/a?b", "/a bc"));
    }
}
