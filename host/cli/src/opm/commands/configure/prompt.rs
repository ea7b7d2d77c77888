//! Questions on the terminal, with the keyboard alone.

use std::fmt;
use std::rc::Rc;

use anyhow::Result;
use inquire::ui::RenderConfig;
use inquire::{Confirm, InquireError, MultiSelect, Select};
use opkg_configurator::normalise;

use super::asker::{Asker, Check, Reply};
use super::editor;
use super::typing::Question;

/// A person at the terminal.
pub struct Terminal {
    /// Whether there are colours.
    pub colors: bool,
}

/// How many lines of a list are seen at once: on a terminal of 24 lines there is room for the question.
const LINES: usize = 16;

/// How long the lines of a text are at most.
const WIDTH: usize = 80;

/// A line of a list, told from others by its place.
struct Line<'a>(usize, &'a str);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }
}

impl Terminal {
    fn look(&self) -> RenderConfig<'static> {
        if self.colors { RenderConfig::default_colored() } else { RenderConfig::empty() }
    }
}

impl Asker for Terminal {
    fn say(&mut self, text: &str) {
        let width = terminal_size::terminal_size().map_or(WIDTH, |(width, _)| usize::from(width.0));
        eprintln!("{}", wrapped(text, width.min(WIDTH)));
    }

    fn choose(&mut self, question: &str, lines: &[String], start: usize, help: &str) -> Result<Reply<usize>> {
        let select = Select::new(question, numbered(lines))
            .with_starting_cursor(start.min(lines.len().saturating_sub(1)))
            .with_page_size(LINES)
            .without_filtering()
            .with_help_message(help)
            .with_formatter(&|it| it.value.1.trim().to_owned())
            .with_render_config(self.look());
        Ok(reply(select.prompt())?.map(|it| it.0))
    }

    fn choose_several(
        &mut self,
        question: &str,
        lines: &[String],
        chosen: &[usize],
    ) -> Result<Reply<Vec<usize>>> {
        let select = MultiSelect::new(question, numbered(lines))
            .with_default(chosen)
            .with_page_size(LINES)
            .without_filtering()
            .with_help_message("arrows and space choose, enter takes it, esc goes back")
            .with_render_config(self.look());
        Ok(reply(select.prompt())?.map(|it| it.into_iter().map(|it| it.0).collect()))
    }

    fn confirm(&mut self, question: &str, default: bool) -> Result<Reply<bool>> {
        reply(Confirm::new(question).with_default(default).with_render_config(self.look()).prompt())
    }

    fn line(&mut self, question: &str, value: &str, help: &str, check: Check) -> Result<Reply<String>> {
        Ok(Question { text: question, help, hidden: false }.ask(value, &check)?)
    }

    fn secret(&mut self, question: &str, help: &str, check: Check) -> Result<Reply<String>> {
        let first = match (Question { text: question, help, hidden: true }).ask("", &check)? {
            Reply::Given(first) => first,
            other => return Ok(other),
        };
        let typed = first.clone();
        let again: Check = Rc::new(move |text| match text == typed {
            true => Ok(()),
            false => Err("that is not the same; esc goes back".into()),
        });
        let repeat =
            Question { text: "Once more:", help: "the same again, since nobody sees it", hidden: true };
        if first.is_empty() { Ok(Reply::Given(first)) } else { Ok(repeat.ask("", &again)?) }
    }

    fn text(&mut self, question: &str, value: &str, check: Check) -> Result<Reply<String>> {
        let mut text = value.to_owned();
        loop {
            self.say(&format!("{question} (in the editor)"));
            let flaw = match editor::edit(&text) {
                Ok(written) => {
                    text = normalise(&written);
                    match check(&text) {
                        Ok(()) => return Ok(Reply::Given(text)),
                        Err(flaw) => flaw,
                    }
                }
                Err(error) => format!("{error:#}"),
            };
            self.say(&format!("  {flaw}"));
            match self.confirm("Once more?", true)? {
                Reply::Given(true) => {}
                Reply::Given(false) | Reply::Back => return Ok(Reply::Back),
                Reply::Away => return Ok(Reply::Away),
            }
        }
    }
}

/// Breaks lines between words.
fn wrapped(text: &str, width: usize) -> String {
    let mut wrapped = String::new();
    for line in text.split('\n') {
        let mut column = 0;
        for word in line.split(' ') {
            let length = word.chars().count();
            if column > 0 && column + 1 + length >= width {
                wrapped.push('\n');
                column = 0;
            } else if column > 0 {
                wrapped.push(' ');
                column += 1;
            }
            wrapped.push_str(word);
            column += length;
        }
        wrapped.push('\n');
    }
    wrapped.pop();
    wrapped
}

fn numbered(lines: &[String]) -> Vec<Line<'_>> {
    lines.iter().enumerate().map(|(place, it)| Line(place, it)).collect()
}

fn reply<T>(result: Result<T, InquireError>) -> Result<Reply<T>> {
    match result {
        Ok(answer) => Ok(Reply::Given(answer)),
        Err(InquireError::OperationCanceled) => Ok(Reply::Back),
        Err(InquireError::OperationInterrupted) => Ok(Reply::Away),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("one two\nthree four", 9), "one two\nthree\nfour");
        assert_eq!(wrapped("a verylongword b", 6), "a\nverylongword\nb");
        assert_eq!(wrapped("", 9), "");
        assert_eq!(wrapped("\nab", 9), "\nab");
    }
}
