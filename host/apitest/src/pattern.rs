//! Regular expressions of definitions. They are written for Python: `.` stands for line ends as well, `^` and `$` for
//! the ends of each line.

use regex_lite::{Regex, RegexBuilder};

/// Bytes of a compiled expression.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// Characters of an expression.
const MAX_PATTERN_CHARS: usize = 4 << 10;

/// Why an expression cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PatternError {
    #[error("the expression has more than {MAX_PATTERN_CHARS} characters")]
    TooLong,
    #[error("`\\{0}`, which refers back to a group, is not supported")]
    Backreference(char),
    #[error("an expression that looks ahead or back is not supported")]
    LookAround,
    #[error("nothing follows the last `\\`")]
    TrailingBackslash,
    #[error(transparent)]
    Invalid(#[from] regex_lite::Error),
}

/// An expression that a whole text must match.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: String,
    regex: Option<Regex>,
}

impl Pattern {
    /// Reads an expression.
    ///
    /// # Errors
    /// It is not valid, too large, or has something of Python's that is not supported.
    pub fn new(source: &str) -> Result<Self, PatternError> {
        if source == ".*" {
            return Ok(Self { source: source.into(), regex: None });
        }
        if source.chars().count() > MAX_PATTERN_CHARS {
            return Err(PatternError::TooLong);
        }
        let translated = translate_python_regex(source)?;
        let build = |text: &str| {
            RegexBuilder::new(text)
                .dot_matches_new_line(true)
                .multi_line(true)
                .size_limit(MAX_COMPILED_BYTES)
                .build()
        };
        // By itself first: its parentheses must match without those around it.
        build(&translated)?;
        let whole = build(&format!(r"\A(?:{translated})\z"))?;
        Ok(Self { source: source.into(), regex: Some(whole) })
    }

    /// As it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether any text matches.
    #[must_use]
    pub fn matches_everything(&self) -> bool {
        self.regex.is_none()
    }

    /// Whether all of the text matches, with or without one line end at its end.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let Some(whole) = &self.regex else { return true };
        whole.is_match(text) || text.strip_suffix('\n').is_some_and(|text| whole.is_match(text))
    }
}

/// The same expression for the library. Python takes brackets and braces literally in more places.
fn translate_python_regex(source: &str) -> Result<String, PatternError> {
    let mut out = String::new();
    let mut rest = source.chars();
    let mut in_class = false;
    // Within a class: whether `]` would be its first member.
    let mut is_first = false;
    while let Some(c) = rest.next() {
        let behind = rest.as_str();
        let was_first = std::mem::take(&mut is_first);
        match c {
            '\\' => match rest.next() {
                Some('Z') => out.push_str(r"\z"),
                Some(digit @ '1'..='9') => {
                    return Err(PatternError::Backreference(digit));
                }
                // To Python these are the character itself.
                Some(c @ ('<' | '>')) => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => return Err(PatternError::TrailingBackslash),
            },
            ']' if in_class && !was_first => {
                in_class = false;
                out.push(c);
            }
            '[' if in_class => out.push_str(r"\["),
            ']' if in_class => out.push_str(r"\]"),
            '&' | '~' if in_class => out.extend(['\\', c]),
            '^' if in_class && was_first && out.ends_with('[') => {
                is_first = true;
                out.push(c);
            }
            '[' => {
                (in_class, is_first) = (true, true);
                out.push(c);
            }
            '{' if !in_class && !is_repetition(behind) => out.push_str(r"\{"),
            '(' if !in_class && ["?=", "?!", "?<=", "?<!"].iter().any(|group| behind.starts_with(group)) => {
                return Err(PatternError::LookAround);
            }
            _ => out.push(c),
        }
    }
    Ok(out)
}

/// Whether `3}`, `3,}`, `3,5}` or `,5}` follows an opening brace.
fn is_repetition(behind: &str) -> bool {
    let Some((inside, _)) = behind.split_once('}') else { return false };
    let (from, to) = inside.split_once(',').unwrap_or((inside, inside));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    is_number(from) && is_number(to) && !from.is_empty()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn matches(source: &str, text: &str) -> bool {
        Pattern::new(source).unwrap().matches(text)
    }

    #[test]
    fn the_whole_must_match() {
        assert!(matches("a+", "aaa") && matches("a+", "aaa\n") && !matches("a+", "aaa\n\n"));
        assert!(
            !matches("a", "ab") && !matches("b", "ab") && !matches("a|ab", "abc") && matches("a|ab", "ab")
        );
        assert!(matches(".*", "one\ntwo\n") && matches(".*", ""));
        assert!(matches("", "") && matches("", "\n") && !matches("", "x"));
    }

    #[test]
    fn as_definitions_are_written() {
        assert!(matches(r"/opt/demo/bin/demod\n", "/opt/demo/bin/demod\n"));
        assert!(matches(r"/opt/demo/1.2.3/bin/demo", "/opt/demo/1.2.3/bin/demo\n"));
        assert!(matches(r"^RESULT:.*good \(0\)$.*", "RESULT:   good (0)\nuser: x\n"));
        assert!(matches(r"(^line[\n]{1,2}){3}", "line\nline\n\nline\n"));
        assert!(matches(r".*DEMO_HOME.*/opt/demo.*.*", "a\nsetenv DEMO_HOME /opt/demo\nb\n"));
        assert!(matches(r"\Afoo\Z", "foo") && matches("(?i)OK", "ok") && matches("(?P<n>x)y", "xy"));
    }

    #[test]
    fn as_python_reads_them() {
        assert!(
            matches("{a}", "{a}")
                && matches("a{2}", "aa")
                && matches("a{", "a{")
                && matches("x{,y}", "x{,y}")
        );
        assert!(
            matches("[[]", "[") && matches("[]a]+", "a]") && matches("[^]]", "x") && !matches("[^]]", "]")
        );
        assert!(matches("[a&&b]+", "a&b") && matches(r"\<\>\/\-\ ", "<>/- ") && matches("[a-c~~]+", "b~"));
        assert!(matches("(?x) a b ", "ab"));
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (source, reason) in [
            ("(", "open group"),
            ("a)(b", ""),
            ("(?=x)", "looks ahead"),
            (r"(a)\1", "refers back"),
            ("\\", "nothing follows"),
            ("(a{1000}){1000}", "exceeded size limit"),
        ] {
            let said = Pattern::new(source).unwrap_err().to_string();
            assert!(said.contains(reason), "{source}: {said}");
        }
        assert!(
            Pattern::new(&"x".repeat(MAX_PATTERN_CHARS + 1)).unwrap_err().to_string().contains("more than")
        );
    }

    proptest! {
        #[test]
        fn any_source(source: String, text: String) {
            if let Ok(pattern) = Pattern::new(&source) {
                let _: bool = pattern.matches(&text);
            }
        }

        #[test]
        fn escaped_text_matches_itself(text in "[^\n]*") {
            prop_assert!(matches(&regex_lite::escape(&text), &text));
        }
    }
}
