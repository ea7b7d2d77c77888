//! Somebody who can be asked, at a terminal or in a test.

use std::rc::Rc;

use crate::errors::CliError;

/// How a question ended.
#[derive(Debug, PartialEq, Eq)]
pub enum PromptOutcome<T> {
    Answered(T),
    /// The key for going back was pressed.
    GoBack,
    /// The key for leaving at once was pressed.
    Aborted,
}

/// What is wrong with an input, for the person who typed it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidInput(pub String);

/// Whether an input is valid.
pub type Validator = Rc<dyn Fn(&str) -> Result<(), InvalidInput>>;

/// Somebody who can be asked.
pub trait Prompter {
    /// Says something.
    fn print(&mut self, text: &str);

    /// Lets one of several lines be chosen.
    ///
    /// # Errors
    /// When the terminal does not work; so with all questions.
    fn select(
        &mut self,
        question: &str,
        lines: &[String],
        start: usize,
        help: &str,
    ) -> Result<PromptOutcome<usize>, CliError>;

    /// Lets any number of lines be chosen.
    fn multi_select(
        &mut self,
        question: &str,
        lines: &[String],
        chosen: &[usize],
    ) -> Result<PromptOutcome<Vec<usize>>, CliError>;

    /// Asks for yes or no.
    fn confirm(&mut self, question: &str, default: bool) -> Result<PromptOutcome<bool>, CliError>;

    /// Lets one line be typed.
    fn input(
        &mut self,
        question: &str,
        value: &str,
        help: &str,
        check: Validator,
    ) -> Result<PromptOutcome<String>, CliError>;

    /// Lets a line be typed that nobody sees.
    fn password(
        &mut self,
        question: &str,
        help: &str,
        check: Validator,
    ) -> Result<PromptOutcome<String>, CliError>;

    /// Lets several lines be written in an editor.
    fn editor(
        &mut self,
        question: &str,
        value: &str,
        check: Validator,
    ) -> Result<PromptOutcome<String>, CliError>;
}

impl<T> PromptOutcome<T> {
    /// What becomes of an answer.
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> PromptOutcome<U> {
        match self {
            Self::Answered(answer) => PromptOutcome::Answered(with(answer)),
            Self::GoBack => PromptOutcome::GoBack,
            Self::Aborted => PromptOutcome::Aborted,
        }
    }
}
