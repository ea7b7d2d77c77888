//! A line typed at the terminal: one line for the question and what is typed, one below for help or what is wrong.

use std::io::{self, Write};

use crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste, Event, KeyEventKind};
use crossterm::style::Print;
use crossterm::{cursor, queue, terminal};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::asker::{Check, Reply};
use super::line::{Line, Meaning};

/// What is asked.
pub struct Question<'a> {
    /// In front of what is typed.
    pub text: &'a str,
    /// Below it.
    pub help: &'a str,
    /// Whether nobody is to see what is typed.
    pub hidden: bool,
}

/// Gives the terminal back as it was.
struct Raw;

impl Raw {
    fn new() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        let raw = Self;
        crossterm::execute!(io::stderr(), EnableBracketedPaste)?;
        Ok(raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // There is nothing left to be done where this fails.
        let _ = crossterm::execute!(io::stderr(), DisableBracketedPaste);
        let _ = terminal::disable_raw_mode();
    }
}

impl Question<'_> {
    /// Lets a line be typed until it fits.
    ///
    /// # Errors
    /// When the terminal does not work.
    pub fn ask(&self, value: &str, check: &Check) -> io::Result<Reply<String>> {
        let _raw = Raw::new()?;
        let mut line = Line::new(value);
        let mut flaw: Option<String> = None;
        loop {
            self.draw(&line, flaw.as_deref())?;
            let meaning = match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => line.press(key),
                Event::Paste(text) => {
                    line.insert(&text);
                    Meaning::Edit
                }
                _ => continue,
            };
            flaw = None;
            let reply = match meaning {
                Meaning::Edit => continue,
                Meaning::Take => match check(&line.text()) {
                    Ok(()) => Reply::Given(line.text()),
                    Err(reason) => {
                        flaw = Some(reason);
                        continue;
                    }
                },
                Meaning::Back => Reply::Back,
                Meaning::Away => Reply::Away,
            };
            self.end(&line)?;
            return Ok(reply);
        }
    }

    /// Draws both lines; the cursor is on the first, wherever it was on that.
    fn draw(&self, line: &Line, flaw: Option<&str>) -> io::Result<()> {
        let width = terminal::size().map_or(80, |(width, _)| usize::from(width)).max(20);
        let prompt = format!("? {} ", fitting(self.text, width * 2 / 3));
        let (seen, column) = self.window(line, width - prompt.width() - 1);
        let below = flaw.map_or_else(|| format!("[{}]", self.help), |it| format!("# {it}"));
        let mut out = io::stderr().lock();
        queue!(
            out,
            cursor::MoveToColumn(0),
            terminal::Clear(terminal::ClearType::FromCursorDown),
            Print(&prompt),
            Print(&seen),
            Print("\r\n"),
            Print(fitting(&below, width - 1)),
            cursor::MoveUp(1),
            cursor::MoveToColumn(u16::try_from(prompt.width() + column).unwrap_or(u16::MAX)),
        )?;
        out.flush()
    }

    /// What is seen of a line in so many columns, and in which of them the cursor is.
    fn window(&self, line: &Line, columns: usize) -> (String, usize) {
        if self.hidden {
            return (String::new(), 0);
        }
        let (text, cursor) = line.parts();
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
    fn end(&self, line: &Line) -> io::Result<()> {
        let width = terminal::size().map_or(80, |(width, _)| usize::from(width)).max(20);
        let text = if self.hidden { "" } else { &line.text() };
        let mut out = io::stderr().lock();
        queue!(
            out,
            cursor::MoveToColumn(0),
            terminal::Clear(terminal::ClearType::FromCursorDown),
            Print(fitting(&format!("> {} {text}", self.text), width - 1)),
            Print("\r\n"),
        )?;
        out.flush()
    }
}

/// The beginning of a text that fits into so many columns.
fn fitting(text: &str, columns: usize) -> String {
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
        let question = Question { text: "", help: "", hidden: false };
        let mut line = Line::new("0123456789");
        assert_eq!(question.window(&line, 4), ("6789".into(), 4));
        line.press(KeyEvent::new(KeyCode::Home, KeyModifiers::NONE));
        assert_eq!(question.window(&line, 4), ("0123".into(), 0));
        assert_eq!(question.window(&Line::new("a漢字"), 4), ("漢字".into(), 4));
        assert_eq!(Question { hidden: true, ..question }.window(&line, 4), (String::new(), 0));
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(fitting("abc", 3), "abc");
        assert_eq!(fitting("abcd", 3), "ab…");
        assert_eq!(fitting("漢字漢", 5), "漢字…");
    }
}
