//! The words of a command line, as a POSIX shell splits them. There is no shell afterwards: what only a shell could
//! do is rejected instead of being done wrongly.

/// Why a command line cannot be run without a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    #[error("a quote {0} does not end")]
    UnterminatedQuote(char),
    #[error("nothing follows the last \\")]
    TrailingBackslash,
    #[error(
        "`{0}` is special only in a shell, and a command is run without one: put it into quotes, or write \
         interpreter=\"/bin/sh\""
    )]
    NeedsShell(char),
}

/// A command line, split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Whether it has `*`, `?` or `[` outside of quotes: a shell would look for files.
    pub has_wildcards: bool,
}

/// Splits a line at blanks; quotes of both kinds and `\` protect what a shell would let them protect.
///
/// # Errors
/// A quote does not end, or something in it needs a shell.
pub fn split(line: &str) -> Result<CommandLine, SplitError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut has_wildcards = false;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            _ if c.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err(SplitError::UnterminatedQuote('\'')),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next() {
                        Some('"') => break,
                        Some('\\') => match rest.next() {
                            Some(c @ ('$' | '`' | '"' | '\\')) => word.push(c),
                            Some('\n') => {}
                            Some(c) => word.extend(['\\', c]),
                            None => return Err(SplitError::UnterminatedQuote('"')),
                        },
                        Some(c @ ('$' | '`')) => return Err(SplitError::NeedsShell(c)),
                        Some(c) => word.push(c),
                        None => return Err(SplitError::UnterminatedQuote('"')),
                    }
                }
            }
            '\\' => match rest.next() {
                Some('\n') => {}
                Some(c) => word.get_or_insert_default().push(c),
                None => return Err(SplitError::TrailingBackslash),
            },
            '#' if word.is_none() => while rest.next_if(|c| *c != '\n').is_some() {},
            '~' if word.is_none() => return Err(SplitError::NeedsShell(c)),
            '|' | '&' | ';' | '<' | '>' | '(' | ')' | '$' | '`' => return Err(SplitError::NeedsShell(c)),
            _ => {
                has_wildcards |= matches!(c, '*' | '?' | '[');
                word.get_or_insert_default().push(c);
            }
        }
    }
    words.extend(word);
    Ok(CommandLine { words, has_wildcards })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn words(line: &str) -> Vec<String> {
        split(line).unwrap().words
    }

    #[test]
    fn as_a_shell_does() {
        assert_eq!(words("  /bin/ls\t-l\n /tmp "), ["/bin/ls", "-l", "/tmp"]);
        assert_eq!(words(r#"a 'b c' "d 'e" f\ g"#), ["a", "b c", "d 'e", "f g"]);
        assert_eq!(words(r#"x"y"'z' '' """#), ["xyz", "", ""]);
        assert_eq!(words(r#""\$HOME \" \\ \n" '$HOME `x`'"#), [r#"$HOME " \ \n"#, "$HOME `x`"]);
        assert_eq!(words("a\\\nb # the rest\nc#d"), ["ab", "c#d"]);
        assert_eq!(words(" \n"), [""; 0]);
        assert!(split("ls *.c").unwrap().has_wildcards && !split("ls '*.c'").unwrap().has_wildcards);
    }

    #[test]
    fn what_needs_a_shell_is_refused() {
        for line in
            ["a | b", "a && b", "a;b", "a >x", "a <x", "(a)", "echo $A", "echo \"$A\"", "`a`", "ls ~/x"]
        {
            assert!(matches!(split(line), Err(SplitError::NeedsShell(_))), "{line}");
        }
        for line in ["a 'b", "a \"b", "a \\", "\"\\"] {
            assert!(split(line).is_err(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_words_in_quotes_come_back(all in prop::collection::vec(any::<String>(), 0..5)) {
            let quoted: Vec<String> = all.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
            prop_assert_eq!(words(&quoted.join(" ")), all);
        }

        #[test]
        fn any_line(line: String) {
            let _ = split(&line);
        }
    }
}
