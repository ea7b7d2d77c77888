//! Words, names, strings, numbers and signs of SQL as MySQL writes it.

use std::iter::Peekable;
use std::str::CharIndices;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A bare word or number.
    Word(String),
    /// Between backquotes.
    Name(String),
    /// Between other quotes. With double ones it may be a name.
    Text(String),
    /// Anything else.
    Sign(char),
}

/// The tokens of a text, comments left out.
pub(super) struct Tokens<'a> {
    letters: Peekable<CharIndices<'a>>,
    text: &'a str,
    line: usize,
    ahead: Option<Token>,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { letters: text.char_indices().peekable(), text, line: 1, ahead: None }
    }

    /// The line of what was read last, counted from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    pub(super) fn advance(&mut self) -> Option<Token> {
        self.ahead.take().or_else(|| self.read())
    }

    fn peek(&mut self) -> Option<&Token> {
        if self.ahead.is_none() {
            self.ahead = self.read();
        }
        self.ahead.as_ref()
    }

    pub(super) fn at_word(&mut self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(it)) if it.eq_ignore_ascii_case(word))
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let there = self.at_word(word);
        if there {
            self.ahead = None;
        }
        there
    }

    pub(super) fn take(&mut self, sign: char) -> bool {
        let there = self.peek() == Some(&Token::Sign(sign));
        if there {
            self.ahead = None;
        }
        there
    }

    /// A name, quoted or not.
    pub(super) fn name(&mut self) -> Option<String> {
        match self.peek()? {
            Token::Sign(_) => None,
            Token::Word(_) | Token::Name(_) | Token::Text(_) => match self.advance()? {
                Token::Word(it) | Token::Name(it) | Token::Text(it) => Some(it),
                Token::Sign(_) => None,
            },
        }
    }

    /// The fields of a row behind its opening parenthesis, up to and with the closing one. Of an expression the
    /// last word or text counts.
    pub(super) fn fields(&mut self) -> Option<Vec<Option<String>>> {
        let mut fields = Vec::new();
        let mut field = None;
        loop {
            match self.advance()? {
                Token::Sign(',') => fields.push(field.take()),
                Token::Sign(')') => {
                    fields.push(field);
                    return Some(fields);
                }
                // In the middle of a row: the dump was cut off.
                Token::Sign(';') => {
                    self.ahead = Some(Token::Sign(';'));
                    return None;
                }
                Token::Word(it) if it.eq_ignore_ascii_case("null") => field = None,
                Token::Word(it) | Token::Name(it) | Token::Text(it) => field = Some(it),
                Token::Sign(_) => {}
            }
        }
    }

    /// Passes over the rest of a definition in a list; says whether another follows.
    pub(super) fn skip_element(&mut self) -> bool {
        let mut depth = 0_usize;
        while let Some(token) = self.peek() {
            match token {
                Token::Sign(';') => return false,
                Token::Sign('(') => depth += 1,
                Token::Sign(')') if depth == 0 => return false,
                Token::Sign(')') => depth -= 1,
                Token::Sign(',') if depth == 0 => {
                    self.ahead = None;
                    return true;
                }
                _ => {}
            }
            self.ahead = None;
        }
        false
    }

    pub(super) fn skip_statement(&mut self) {
        while let Some(token) = self.advance() {
            if token == Token::Sign(';') {
                return;
            }
        }
    }

    fn letter(&mut self) -> Option<char> {
        let (_, letter) = self.letters.next()?;
        self.line += usize::from(letter == '\n');
        Some(letter)
    }

    fn rest(&mut self) -> &'a str {
        self.letters.peek().map_or("", |(at, _)| &self.text[*at..])
    }

    fn read(&mut self) -> Option<Token> {
        loop {
            let rest = self.rest();
            let first = rest.chars().next()?;
            let dashes = rest.starts_with("--") && rest[2..].chars().next().is_none_or(char::is_whitespace);
            if first.is_whitespace() {
                self.letter();
            } else if first == '#' || dashes {
                while self.letter().is_some_and(|it| it != '\n') {}
            } else if let Some(comment) = rest.strip_prefix("/*") {
                self.pass(comment.find("*/").map_or(rest.len(), |at| at + 4));
            } else {
                break;
            }
        }
        let first = self.letter()?;
        Some(match first {
            '`' => Token::Name(self.quoted(first)),
            '\'' | '"' => Token::Text(self.quoted(first)),
            it if word(it) || it == '-' => {
                let mut text = String::from(it);
                while let Some((_, it)) = self.letters.next_if(|(_, it)| word(*it)) {
                    text.push(it);
                }
                Token::Word(text)
            }
            it => Token::Sign(it),
        })
    }

    fn pass(&mut self, bytes: usize) {
        let end = self.rest().get(bytes..).map_or(0, str::len);
        while self.rest().len() > end {
            self.letter();
        }
    }

    /// Up to the quote that closes it, or the end of the text. A quote that is doubled stands for itself.
    fn quoted(&mut self, quote: char) -> String {
        let mut text = String::new();
        while let Some(letter) = self.letter() {
            if letter == quote {
                if self.letters.next_if(|(_, it)| *it == quote).is_none() {
                    break;
                }
                text.push(quote);
            } else if letter == '\\' && quote != '`' {
                text.extend(self.letter().map(escaped));
            } else {
                text.push(letter);
            }
        }
        text
    }
}

fn word(letter: char) -> bool {
    letter.is_alphanumeric() || "_$".contains(letter)
}

fn escaped(letter: char) -> char {
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
