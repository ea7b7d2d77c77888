//! A line that is being typed: what the keys do to it. It is drawn by somebody else.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The text, and where the cursor is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    text: Vec<char>,
    /// Before which character, in `0..=text.len()`.
    cursor: usize,
}

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// It changed the line, or nothing.
    Edit,
    /// The line is to be taken.
    Take,
    /// It is to be left as it was.
    Back,
    /// Away at once.
    Away,
}

impl Line {
    /// With the cursor at its end.
    pub fn new(text: &str) -> Self {
        let text: Vec<char> = text.chars().collect();
        Self { cursor: text.len(), text }
    }

    /// As it is now.
    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// The characters, and before which of them the cursor is.
    pub fn parts(&self) -> (&[char], usize) {
        (&self.text, self.cursor)
    }

    /// Characters come in where the cursor is; those that cannot be seen do not.
    pub fn insert(&mut self, text: &str) {
        for c in text.chars().filter(|it| !opkg::is_control(*it)) {
            self.text.insert(self.cursor, c);
            self.cursor += 1;
        }
    }

    /// The keys of terminals and of Emacs, as shells have them.
    pub fn press(&mut self, key: KeyEvent) -> Meaning {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let end = self.text.len();
        match key.code {
            KeyCode::Enter => return Meaning::Take,
            KeyCode::Esc => return Meaning::Back,
            KeyCode::Char('j' | 'm') if control => return Meaning::Take,
            KeyCode::Char('c') if control => return Meaning::Away,
            KeyCode::Char('d') if control && self.text.is_empty() => return Meaning::Back,
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = end,
            KeyCode::Char('b') if control => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Char('f') if control => self.cursor = end.min(self.cursor + 1),
            KeyCode::Char('h') if control => self.delete(self.cursor.saturating_sub(1)),
            KeyCode::Char('d') if control => self.delete(end.min(self.cursor + 1)),
            KeyCode::Char('u') if control => self.delete(0),
            KeyCode::Char('k') if control => self.delete(end),
            KeyCode::Char('w') if control => self.delete(self.word_before()),
            KeyCode::Left if control => self.cursor = self.word_before(),
            KeyCode::Right if control => self.cursor = self.word_behind(),
            KeyCode::Left => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Right => self.cursor = end.min(self.cursor + 1),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = end,
            KeyCode::Backspace => self.delete(self.cursor.saturating_sub(1)),
            KeyCode::Delete => self.delete(end.min(self.cursor + 1)),
            KeyCode::Char(c) if !control && !key.modifiers.contains(KeyModifiers::ALT) => {
                self.insert(c.encode_utf8(&mut [0; 4]));
            }
            _ => {}
        }
        Meaning::Edit
    }

    /// Deletes from the cursor to a place, on either side of it.
    fn delete(&mut self, to: usize) {
        let (from, to) = (self.cursor.min(to), self.cursor.max(to));
        self.text.drain(from..to);
        self.cursor = from;
    }

    fn word_before(&self) -> usize {
        let is_blank = |at: usize| self.text[at].is_whitespace();
        let mut at = self.cursor;
        while at > 0 && is_blank(at - 1) {
            at -= 1;
        }
        while at > 0 && !is_blank(at - 1) {
            at -= 1;
        }
        at
    }

    fn word_behind(&self) -> usize {
        let is_blank = |at: usize| self.text[at].is_whitespace();
        let mut at = self.cursor;
        while at < self.text.len() && is_blank(at) {
            at += 1;
        }
        while at < self.text.len() && !is_blank(at) {
            at += 1;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Presses keys, written as Emacs writes them: `C-u`, `left`, or characters.
    fn typed(start: &str, keys: &str) -> (String, Meaning) {
        let mut line = Line::new(start);
        let mut meaning = Meaning::Edit;
        for key in keys.split_whitespace() {
            let (key, modifiers) = match key.strip_prefix("C-") {
                Some(key) => (key, KeyModifiers::CONTROL),
                None => (key, KeyModifiers::NONE),
            };
            let code = match key {
                "left" => KeyCode::Left,
                "right" => KeyCode::Right,
                "home" => KeyCode::Home,
                "end" => KeyCode::End,
                "back" => KeyCode::Backspace,
                "del" => KeyCode::Delete,
                "enter" => KeyCode::Enter,
                "esc" => KeyCode::Esc,
                other => KeyCode::Char(other.chars().next().unwrap_or(' ')),
            };
            meaning = line.press(KeyEvent::new(code, modifiers));
        }
        let (text, cursor) = line.parts();
        let text: String =
            text.iter().take(cursor).chain(['|'].iter()).chain(text.iter().skip(cursor)).collect();
        (text, meaning)
    }

    #[test]
    fn keys_change_the_line() {
        for (start, keys, expected) in [
            ("", "é x", "éx|"),
            ("ab", "left x", "ax|b"),
            ("ab", "left left left right right right", "ab|"),
            ("ab", "home del end back", "|"),
            ("ab", "C-a x C-e y C-b C-f", "xaby|"),
            ("one two  ", "C-w", "one |"),
            ("one two", "left C-w C-w C-w", "|o"),
            ("one two", "C-left C-left C-right", "one| two"),
            ("one two", "C-left C-k C-h", "one|"),
            ("one two", "left C-u", "|o"),
            ("ab", "home C-d C-d C-k C-u back del", "|"),
            ("ab", "C-x C-z", "ab|"),
        ] {
            assert_eq!(typed(start, keys), (expected.to_owned(), Meaning::Edit), "{start} {keys}");
        }
    }

    #[test]
    fn keys_end_it() {
        for (keys, meaning) in [
            ("x enter", Meaning::Take),
            ("C-j", Meaning::Take),
            ("x esc", Meaning::Back),
            ("C-d", Meaning::Back),
            ("x C-d", Meaning::Edit),
            ("x C-c", Meaning::Away),
        ] {
            assert_eq!(typed("", keys).1, meaning, "{keys}");
        }
    }

    #[test]
    fn what_is_pasted_holds_nothing_invisible() {
        let mut line = Line::new("ac");
        line.press(KeyEvent::new(KeyCode::Left, KeyModifiers::NONE));
        line.insert("b\n\u{1b}[2J");
        assert_eq!(line.text(), "ab[2Jc");
    }
}
