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

/// A piece of an entry of `%files`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternPiece<'a> {
    /// As it stands.
    Text(&'a str),
    /// One character, in brackets.
    Only(char),
    /// A blank or tab.
    Blank,
    /// Any sign.
    Punctuation,
    /// Any character of a name.
    Any,
}

impl PatternPiece<'_> {
    /// Whether it stands for a character, in any locale: rather too often than too seldom. Text stands for none.
    pub fn matches(self, character: char) -> bool {
        match self {
            Self::Text(_) => false,
            Self::Only(wanted) => wanted == character,
            Self::Blank => character.is_whitespace(),
            Self::Punctuation => {
                character != '/' && !character.is_ascii_alphanumeric() && !character.is_ascii_whitespace()
            }
            Self::Any => character != '/',
        }
    }
}

/// A path as an entry of `%files`. RPM has no way to quote there that all versions read alike (from 4.19 on nothing
/// between quotes is a pattern, before that everything is), but it looks for patterns in a word without quotes: each
/// character that means something to it becomes a `?`.
pub fn file_pattern(path: &str) -> Vec<PatternPiece<'_>> {
    pattern(path, |_| PatternPiece::Any)
}

/// The same for a path whose neighbours the other pattern would stand for too: where a character can stand in brackets, or
/// its class can, they do.
pub fn narrow_file_pattern(path: &str) -> Vec<PatternPiece<'_>> {
    pattern(path, |character| match character {
        ' ' | '\t' => PatternPiece::Blank,
        '#' | '$' | '&' | '(' | ')' | '*' | ';' | '<' | '>' | '?' | '[' | ']' | '`' | '|' => {
            PatternPiece::Only(character)
        }
        // They mean something between brackets too: to macros, to what takes words apart, to braces, to patterns.
        _ => PatternPiece::Punctuation,
    })
}

fn pattern(path: &str, special: impl Fn(char) -> PatternPiece<'static>) -> Vec<PatternPiece<'_>> {
    let mut pieces = Vec::new();
    let mut text = 0;
    for (index, character) in path.char_indices().filter(|(_, character)| is_special(*character)) {
        pieces.extend(path.get(text..index).filter(|text| !text.is_empty()).map(PatternPiece::Text));
        pieces.push(special(character));
        text = index + character.len_utf8();
    }
    pieces.extend(path.get(text..).filter(|text| !text.is_empty()).map(PatternPiece::Text));
    pieces
}

/// Whether a character means something in `%files`, or may.
fn is_special(character: char) -> bool {
    let is_plain = character.is_ascii_alphanumeric()
        || matches!(character, '/' | '.' | '_' | '-' | '+' | ',' | ':' | '=' | '@' | '~');
    character.is_ascii() && !is_plain
}

/// What the spec says.
pub fn pattern_text(pattern: &[PatternPiece<'_>]) -> String {
    let mut text = String::new();
    for piece in pattern {
        match piece {
            PatternPiece::Text(plain) => text.push_str(plain),
            PatternPiece::Only(character) => text.extend(['[', *character, ']']),
            PatternPiece::Blank => text.push_str("[[:blank:]]"),
            PatternPiece::Punctuation => text.push_str("[[:punct:]]"),
            PatternPiece::Any => text.push('?'),
        }
    }
    text
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
        let path = "/a b/\"%[x]*é\\";
        assert_eq!(pattern_text(&file_pattern(path)), "/a?b/???x??é?");
        let narrow = "/a[[:blank:]]b/[[:punct:]][[:punct:]][[]x[]][*]é[[:punct:]]";
        assert_eq!(pattern_text(&narrow_file_pattern(path)), narrow);
    }

    #[test]
    fn pieces_stand_for_one_character() {
        let stands_for =
            |piece: PatternPiece<'_>| " \t_\"é/x".chars().filter(|it| piece.matches(*it)).collect::<String>();
        assert_eq!(stands_for(PatternPiece::Any), " \t_\"éx");
        assert_eq!(stands_for(PatternPiece::Blank), " \t");
        assert_eq!(stands_for(PatternPiece::Punctuation), "_\"é");
        assert_eq!(stands_for(PatternPiece::Only('x')), "x");
    }
}
