//! Questions on the terminal, with the keyboard alone.

use std::fmt;
use std::rc::Rc;

use inquire::ui::RenderConfig;
use inquire::{Confirm, InquireError, MultiSelect, Select};
use opkg_configurator::normalize_newlines;

use super::editor;
use super::line_prompt::LinePrompt;
use super::prompter::{InvalidInput, PromptOutcome, Prompter, Validator};
use crate::errors::CliError;

/// A person at the terminal.
pub struct TerminalPrompter {
    /// Whether there are colours.
    pub colors: bool,
}

/// How many lines of a list are seen at once: on a terminal of 24 lines there is room for the question.
const PAGE_SIZE: usize = 16;

/// How long the lines of a text are at most.
const MAX_TEXT_WIDTH: usize = 80;

/// A line of a list, told from others by its place.
struct ListItem<'a>(usize, &'a str);

impl fmt::Display for ListItem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }
}

impl TerminalPrompter {
    fn render_config(&self) -> RenderConfig<'static> {
        if self.colors { RenderConfig::default_colored() } else { RenderConfig::empty() }
    }
}

impl Prompter for TerminalPrompter {
    fn print(&mut self, text: &str) {
        let width = terminal_size::terminal_size().map_or(MAX_TEXT_WIDTH, |(width, _)| usize::from(width.0));
        eprintln!("{}", wrap_text(text, width.min(MAX_TEXT_WIDTH)));
    }

    fn select(
        &mut self,
        question: &str,
        lines: &[String],
        start: usize,
        help: &str,
    ) -> Result<PromptOutcome<usize>, CliError> {
        let select = Select::new(question, list_items(lines))
            .with_starting_cursor(start.min(lines.len().saturating_sub(1)))
            .with_page_size(PAGE_SIZE)
            .without_filtering()
            .with_help_message(help)
            .with_formatter(&|item| item.value.1.trim().to_owned())
            .with_render_config(self.render_config());
        Ok(to_outcome(select.prompt())?.map(|item| item.0))
    }

    fn multi_select(
        &mut self,
        question: &str,
        lines: &[String],
        chosen: &[usize],
    ) -> Result<PromptOutcome<Vec<usize>>, CliError> {
        let select = MultiSelect::new(question, list_items(lines))
            .with_default(chosen)
            .with_page_size(PAGE_SIZE)
            .without_filtering()
            .with_help_message("arrows and space choose, enter accepts, esc goes back")
            .with_render_config(self.render_config());
        Ok(to_outcome(select.prompt())?.map(|items| items.into_iter().map(|item| item.0).collect()))
    }

    fn confirm(&mut self, question: &str, default: bool) -> Result<PromptOutcome<bool>, CliError> {
        to_outcome(
            Confirm::new(question).with_default(default).with_render_config(self.render_config()).prompt(),
        )
    }

    fn input(
        &mut self,
        question: &str,
        value: &str,
        help: &str,
        check: Validator,
    ) -> Result<PromptOutcome<String>, CliError> {
        Ok(LinePrompt { text: question, help, hidden: false }.prompt(value, &check)?)
    }

    fn password(
        &mut self,
        question: &str,
        help: &str,
        check: Validator,
    ) -> Result<PromptOutcome<String>, CliError> {
        let first = match (LinePrompt { text: question, help, hidden: true }).prompt("", &check)? {
            PromptOutcome::Answered(first) => first,
            other => return Ok(other),
        };
        let typed = first.clone();
        let again: Validator = Rc::new(move |text| match text == typed {
            true => Ok(()),
            false => Err(InvalidInput("that is not the same; esc goes back".into())),
        });
        let repeat =
            LinePrompt { text: "Once more:", help: "the same again, since nobody sees it", hidden: true };
        if first.is_empty() { Ok(PromptOutcome::Answered(first)) } else { Ok(repeat.prompt("", &again)?) }
    }

    fn editor(
        &mut self,
        question: &str,
        value: &str,
        check: Validator,
    ) -> Result<PromptOutcome<String>, CliError> {
        let mut text = value.to_owned();
        loop {
            self.print(&format!("{question} (in the editor)"));
            let problem = match editor::edit(&text) {
                Ok(written) => {
                    text = normalize_newlines(&written);
                    match check(&text) {
                        Ok(()) => return Ok(PromptOutcome::Answered(text)),
                        Err(error) => error.to_string(),
                    }
                }
                Err(error) => error.report().one_line(),
            };
            self.print(&format!("  {problem}"));
            match self.confirm("Once more?", true)? {
                PromptOutcome::Answered(true) => {}
                PromptOutcome::Answered(false) | PromptOutcome::GoBack => return Ok(PromptOutcome::GoBack),
                PromptOutcome::Aborted => return Ok(PromptOutcome::Aborted),
            }
        }
    }
}

/// Breaks lines between words.
fn wrap_text(text: &str, width: usize) -> String {
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

fn list_items(lines: &[String]) -> Vec<ListItem<'_>> {
    lines.iter().enumerate().map(|(place, line)| ListItem(place, line)).collect()
}

fn to_outcome<T>(result: Result<T, InquireError>) -> Result<PromptOutcome<T>, CliError> {
    match result {
        Ok(answer) => Ok(PromptOutcome::Answered(answer)),
        Err(InquireError::OperationCanceled) => Ok(PromptOutcome::GoBack),
        Err(InquireError::OperationInterrupted) => Ok(PromptOutcome::Aborted),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrap_text("one two\nthree four", 9), "one two\nthree\nfour");
        assert_eq!(wrap_text("a verylongword b", 6), "a\nverylongword\nb");
        assert_eq!(wrap_text("", 9), "");
        assert_eq!(wrap_text("\nab", 9), "\nab");
    }
}
