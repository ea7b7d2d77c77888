//! A line typed at the terminal: one line for the question and what is typed, one below for help or what is wrong.

use std::io::{self, Write};

use crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste, Event, KeyEventKind};
use crossterm::style::Print;
use crossterm::{cursor, queue, terminal};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::line_editor::{EditAction, LineEditor};
use super::prompter::{InvalidInput, PromptOutcome, Validator};

/// What is asked.
pub struct LinePrompt<'a> {
    /// The question, in front of the input.
    pub text: &'a str,
    /// Shown below the input.
    pub help: &'a str,
    /// Whether nobody is to see what is typed.
    pub hidden: bool,
}

/// Gives the terminal back as it was.
struct RawModeGuard;

impl RawModeGuard {
    fn new() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        let raw = Self;
        crossterm::execute!(io::stderr(), EnableBracketedPaste)?;
        Ok(raw)
    }
}

impl Drop for RawModeGuard {
    fn drop(&mut self) {
        // There is nothing left to be done where this fails.
        let _ = crossterm::execute!(io::stderr(), DisableBracketedPaste);
        let _ = terminal::disable_raw_mode();
    }
}

impl LinePrompt<'_> {
    /// Lets a line be typed until it fits.
    ///
    /// # Errors
    /// When the terminal does not work.
    pub fn prompt(&self, value: &str, check: &Validator) -> io::Result<PromptOutcome<String>> {
        let _raw = RawModeGuard::new()?;
        let mut line = LineEditor::new(value);
        let mut error: Option<InvalidInput> = None;
        loop {
            self.render(&line, error.as_ref())?;
            let meaning = match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => line.handle_key(key),
                Event::Paste(text) => {
                    line.insert(&text);
                    EditAction::Continue
                }
                _ => continue,
            };
            error = None;
            let reply = match meaning {
                EditAction::Continue => continue,
                EditAction::Accept => match check(&line.text()) {
                    Ok(()) => PromptOutcome::Answered(line.text()),
                    Err(invalid) => {
                        error = Some(invalid);
                        continue;
                    }
                },
                EditAction::Cancel => PromptOutcome::GoBack,
                EditAction::Abort => PromptOutcome::Aborted,
            };
            self.finish(&line)?;
            return Ok(reply);
        }
    }

    /// Draws both lines; the cursor is on the first, wherever it was on that.
    fn render(&self, line: &LineEditor, error: Option<&InvalidInput>) -> io::Result<()> {
        let width = terminal::size().map_or(80, |(width, _)| usize::from(width)).max(20);
        let prompt = format!("? {} ", truncate_to_width(self.text, width * 2 / 3));
        let (seen, column) = self.visible_part(line, width - prompt.width() - 1);
        let below = error.map_or_else(|| format!("[{}]", self.help), |error| format!("# {error}"));
        let mut out = io::stderr().lock();
        queue!(
            out,
            cursor::MoveToColumn(0),
            terminal::Clear(terminal::ClearType::FromCursorDown),
            Print(&prompt),
            Print(&seen),
            Print("\r\n"),
            Print(truncate_to_width(&below, width - 1)),
            cursor::MoveUp(1),
            cursor::MoveToColumn(u16::try_from(prompt.width() + column).unwrap_or(u16::MAX)),
        )?;
        out.flush()
    }

    /// What is seen of a line in so many columns, and in which of them the cursor is.
    fn visible_part(&self, line: &LineEditor, columns: usize) -> (String, usize) {
        if self.hidden {
            return (String::new(), 0);
        }
        let (text, cursor) = line.text_and_cursor();
        let width = |it: &char| it.width().unwrap_or(0);
        let mut start = 0;
        while text[start..cursor].iter().map(width).sum::<usize>() > columns {
            start += 1;
        }
        let mut left = columns;
        let fits = |it: &&char| {
            let fits = width(it) <= left;
            left = left.saturating_sub(width(it));
            fits
        };
        let seen = text[start..].iter().take_while(fits).collect();
        (seen, text[start..cursor].iter().map(width).sum())
    }

    /// Leaves the question with its answer behind.
    fn finish(&self, line: &LineEditor) -> io::Result<()> {
        let width = terminal::size().map_or(80, |(width, _)| usize::from(width)).max(20);
        let text = if self.hidden { "" } else { &line.text() };
        let mut out = io::stderr().lock();
        queue!(
            out,
            cursor::MoveToColumn(0),
            terminal::Clear(terminal::ClearType::FromCursorDown),
            Print(truncate_to_width(&format!("> {} {text}", self.text), width - 1)),
            Print("\r\n"),
        )?;
        out.flush()
    }
}

/// The beginning of a text that fits into so many columns.
fn truncate_to_width(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut fitting = String::new();
    for c in text.chars() {
        if fitting.width() + c.width().unwrap_or(0) + 1 > columns {
            break;
        }
        fitting.push(c);
    }
    fitting.push('…');
    fitting
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;

    #[test]
    fn long_lines_are_seen_where_the_cursor_is() {
        let question = LinePrompt { text: "", help: "", hidden: false };
        let mut line = LineEditor::new("0123456789");
        assert_eq!(question.visible_part(&line, 4), ("6789".into(), 4));
        line.handle_key(KeyEvent::new(KeyCode::Home, KeyModifiers::NONE));
        assert_eq!(question.visible_part(&line, 4), ("0123".into(), 0));
        assert_eq!(question.visible_part(&LineEditor::new("a漢字"), 4), ("漢字".into(), 4));
        assert_eq!(LinePrompt { hidden: true, ..question }.visible_part(&line, 4), (String::new(), 0));
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(truncate_to_width("abc", 3), "abc");
        assert_eq!(truncate_to_width("abcd", 3), "ab…");
        assert_eq!(truncate_to_width("漢字漢", 5), "漢字…");
    }
}
