//! Words, names, strings, numbers and signs of SQL as MySQL writes it.

use std::iter::Peekable;
use std::str::CharIndices;

use super::super::dump_text::decode_bytes;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A bare word or number.
    Word(String),
    /// Between backquotes.
    QuotedIdentifier(String),
    /// Between other quotes. With double ones it may be a name.
    StringLiteral(String),
    Punctuation(char),
}

/// The tokens of a text, comments left out.
pub(super) struct Tokenizer<'a> {
    chars: Peekable<CharIndices<'a>>,
    text: &'a str,
    line: usize,
    peeked: Option<Token>,
}

impl<'a> Tokenizer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { chars: text.char_indices().peekable(), text, line: 1, peeked: None }
    }

    /// The line of what was read last, counted from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    pub(super) fn next_token(&mut self) -> Option<Token> {
        self.peeked.take().or_else(|| self.scan_token())
    }

    fn peek(&mut self) -> Option<&Token> {
        if self.peeked.is_none() {
            self.peeked = self.scan_token();
        }
        self.peeked.as_ref()
    }

    pub(super) fn check_word(&mut self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(it)) if it.eq_ignore_ascii_case(word))
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let there = self.check_word(word);
        if there {
            self.peeked = None;
        }
        there
    }

    pub(super) fn eat(&mut self, sign: char) -> bool {
        let there = self.peek() == Some(&Token::Punctuation(sign));
        if there {
            self.peeked = None;
        }
        there
    }

    /// A name, quoted or not.
    pub(super) fn parse_name(&mut self) -> Option<String> {
        match self.peek()? {
            Token::Punctuation(_) => None,
            Token::Word(_) | Token::QuotedIdentifier(_) | Token::StringLiteral(_) => {
                match self.next_token()? {
                    Token::Word(it) | Token::QuotedIdentifier(it) | Token::StringLiteral(it) => Some(it),
                    Token::Punctuation(_) => None,
                }
            }
        }
    }

    /// The fields of a row behind its opening parenthesis, up to and with the closing one. Of an expression the
    /// last word or text counts; what is written as bytes, `0x67616E` or `X'67616E'`, is the text that they are.
    pub(super) fn parse_fields(&mut self) -> Option<Vec<Option<String>>> {
        let mut fields = Vec::new();
        let mut field = None;
        let mut is_hex = false;
        loop {
            let token = self.next_token()?;
            let was_hex = std::mem::replace(
                &mut is_hex,
                matches!(&token, Token::Word(it) if it.eq_ignore_ascii_case("x")),
            );
            match token {
                Token::Punctuation(',') => fields.push(field.take()),
                Token::Punctuation(')') => {
                    fields.push(field);
                    return Some(fields);
                }
                // In the middle of a row: the dump was cut off.
                Token::Punctuation(';') => {
                    self.peeked = Some(Token::Punctuation(';'));
                    return None;
                }
                Token::Word(it) if it.eq_ignore_ascii_case("null") => field = None,
                Token::StringLiteral(it) if was_hex => field = Some(decode_hex(&it).unwrap_or(it)),
                Token::Word(it) => field = Some(it.strip_prefix("0x").and_then(decode_hex).unwrap_or(it)),
                Token::QuotedIdentifier(it) | Token::StringLiteral(it) => field = Some(it),
                Token::Punctuation(_) => {}
            }
        }
    }

    /// Passes over the rest of a definition in a list; says whether another follows.
    pub(super) fn skip_definition(&mut self) -> bool {
        let mut depth = 0_usize;
        while let Some(token) = self.peek() {
            match token {
                Token::Punctuation(';') => return false,
                Token::Punctuation('(') => depth += 1,
                Token::Punctuation(')') if depth == 0 => return false,
                Token::Punctuation(')') => depth -= 1,
                Token::Punctuation(',') if depth == 0 => {
                    self.peeked = None;
                    return true;
                }
                _ => {}
            }
            self.peeked = None;
        }
        false
    }

    /// Passes over the rest of a statement; says whether it has an end.
    pub(super) fn skip_statement(&mut self) -> bool {
        while let Some(token) = self.next_token() {
            if token == Token::Punctuation(';') {
                return true;
            }
        }
        false
    }

    fn next_char(&mut self) -> Option<char> {
        let (_, letter) = self.chars.next()?;
        self.line += usize::from(letter == '\n');
        Some(letter)
    }

    fn rest(&mut self) -> &'a str {
        self.chars.peek().map_or("", |(at, _)| &self.text[*at..])
    }

    fn scan_token(&mut self) -> Option<Token> {
        loop {
            let rest = self.rest();
            let first = rest.chars().next()?;
            let dashes = rest.starts_with("--") && rest[2..].chars().next().is_none_or(char::is_whitespace);
            if first.is_whitespace() {
                self.next_char();
            } else if first == '#' || dashes {
                while self.next_char().is_some_and(|it| it != '\n') {}
            } else if let Some(comment) = rest.strip_prefix("/*") {
                self.skip_bytes(comment.find("*/").map_or(rest.len(), |at| at + 4));
            } else {
                break;
            }
        }
        let first = self.next_char()?;
        Some(match first {
            '`' => Token::QuotedIdentifier(self.scan_quoted(first)),
            '\'' | '"' => Token::StringLiteral(self.scan_quoted(first)),
            it if is_word_char(it) || it == '-' => {
                let mut text = String::from(it);
                while let Some((_, it)) = self.chars.next_if(|(_, it)| is_word_char(*it)) {
                    text.push(it);
                }
                Token::Word(text)
            }
            it => Token::Punctuation(it),
        })
    }

    fn skip_bytes(&mut self, bytes: usize) {
        let end = self.rest().get(bytes..).map_or(0, str::len);
        while self.rest().len() > end {
            self.next_char();
        }
    }

    /// Up to the quote that closes it, or the end of the text. A quote that is doubled stands for itself.
    fn scan_quoted(&mut self, quote: char) -> String {
        let mut text = String::new();
        while let Some(letter) = self.next_char() {
            if letter == quote {
                if self.chars.next_if(|(_, it)| *it == quote).is_none() {
                    break;
                }
                text.push(quote);
            } else if letter == '\\' && quote != '`' {
                text.extend(self.next_char().map(unescape));
            } else {
                text.push(letter);
            }
        }
        text
    }
}

/// The text of bytes that are written as hexadecimal digits; absent where these are none.
fn decode_hex(digits: &str) -> Option<String> {
    let digits: Option<Vec<u8>> =
        digits.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let bytes: Vec<u8> =
        digits?.rchunks(2).rev().map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    Some(decode_bytes(&bytes).into_owned())
}

fn is_word_char(letter: char) -> bool {
    letter.is_alphanumeric() || "_$".contains(letter)
}

fn unescape(letter: char) -> char {
    match letter {
        '0' => '\0',
        'b' => '\u{8}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'Z' => '\u{1a}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_hexadecimal_are_text() {
        for (row, expected) in [
            ("0x67616E676C6961)", Some("ganglia")),
            ("X'312E30')", Some("1.0")),
            ("x'c3a9')", Some("é")),
            ("_binary 0xE9)", Some("é")),
            ("_binary 'X')", Some("X")),
            ("0x)", Some("")),
            ("X'')", Some("")),
            ("0x5)", Some("\u{5}")),
            ("X'zz')", Some("zz")),
            ("'0x31')", Some("0x31")),
            ("0xyz)", Some("0xyz")),
            ("312)", Some("312")),
            ("NULL)", None),
        ] {
            let fields = Tokenizer::new(row).parse_fields();
            assert_eq!(fields, Some(vec![expected.map(str::to_owned)]), "{row}");
        }
    }
}
