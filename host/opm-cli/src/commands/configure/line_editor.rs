//! A line that is being typed: what the keys do to it. It is drawn by somebody else.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The text, and where the cursor is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineEditor {
    text: Vec<char>,
    /// Before which character, in `0..=text.len()`.
    cursor: usize,
}

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditAction {
    /// It changed the line, or nothing.
    Continue,
    /// The line is to be taken.
    Accept,
    /// It is to be left as it was.
    Cancel,
    /// Away at once.
    Abort,
}

impl LineEditor {
    /// With the cursor at its end.
    pub fn new(text: &str) -> Self {
        let text: Vec<char> = text.chars().collect();
        Self { cursor: text.len(), text }
    }

    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// The characters, and before which of them the cursor is.
    pub fn text_and_cursor(&self) -> (&[char], usize) {
        (&self.text, self.cursor)
    }

    /// Characters come in where the cursor is; those that cannot be seen do not.
    pub fn insert(&mut self, text: &str) {
        for c in text.chars().filter(|it| !opkg::is_unsafe_control(*it)) {
            self.text.insert(self.cursor, c);
            self.cursor += 1;
        }
    }

    /// The keys of terminals and of Emacs, as shells have them.
    pub fn handle_key(&mut self, key: KeyEvent) -> EditAction {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let end = self.text.len();
        match key.code {
            KeyCode::Enter => return EditAction::Accept,
            KeyCode::Esc => return EditAction::Cancel,
            KeyCode::Char('j' | 'm') if control => return EditAction::Accept,
            KeyCode::Char('c') if control => return EditAction::Abort,
            KeyCode::Char('d') if control && self.text.is_empty() => return EditAction::Cancel,
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = end,
            KeyCode::Char('b') if control => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Char('f') if control => self.cursor = end.min(self.cursor + 1),
            KeyCode::Char('h') if control => self.delete_to(self.cursor.saturating_sub(1)),
            KeyCode::Char('d') if control => self.delete_to(end.min(self.cursor + 1)),
            KeyCode::Char('u') if control => self.delete_to(0),
            KeyCode::Char('k') if control => self.delete_to(end),
            KeyCode::Char('w') if control => self.delete_to(self.previous_word_start()),
            KeyCode::Left if control => self.cursor = self.previous_word_start(),
            KeyCode::Right if control => self.cursor = self.next_word_end(),
            KeyCode::Left => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Right => self.cursor = end.min(self.cursor + 1),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = end,
            KeyCode::Backspace => self.delete_to(self.cursor.saturating_sub(1)),
            KeyCode::Delete => self.delete_to(end.min(self.cursor + 1)),
            KeyCode::Char(c) if !control && !key.modifiers.contains(KeyModifiers::ALT) => {
                self.insert(c.encode_utf8(&mut [0; 4]));
            }
            _ => {}
        }
        EditAction::Continue
    }

    /// Deletes from the cursor to a place, on either side of it.
    fn delete_to(&mut self, to: usize) {
        let (from, to) = (self.cursor.min(to), self.cursor.max(to));
        self.text.drain(from..to);
        self.cursor = from;
    }

    fn previous_word_start(&self) -> usize {
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

    fn next_word_end(&self) -> usize {
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
    fn press_keys(start: &str, keys: &str) -> (String, EditAction) {
        let mut line = LineEditor::new(start);
        let mut meaning = EditAction::Continue;
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
            meaning = line.handle_key(KeyEvent::new(code, modifiers));
        }
        let (text, cursor) = line.text_and_cursor();
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
            assert_eq!(
                press_keys(start, keys),
                (expected.to_owned(), EditAction::Continue),
                "{start} {keys}"
            );
        }
    }

    #[test]
    fn keys_end_it() {
        for (keys, meaning) in [
            ("x enter", EditAction::Accept),
            ("C-j", EditAction::Accept),
            ("x esc", EditAction::Cancel),
            ("C-d", EditAction::Cancel),
            ("x C-d", EditAction::Continue),
            ("x C-c", EditAction::Abort),
        ] {
            assert_eq!(press_keys("", keys).1, meaning, "{keys}");
        }
    }

    #[test]
    fn what_is_pasted_holds_nothing_invisible() {
        let mut line = LineEditor::new("ac");
        line.handle_key(KeyEvent::new(KeyCode::Left, KeyModifiers::NONE));
        line.insert("b\n\u{1b}[2J");
        assert_eq!(line.text(), "ab[2Jc");
    }
}
