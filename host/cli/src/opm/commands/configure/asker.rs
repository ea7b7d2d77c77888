//! Somebody who can be asked, at a terminal or in a test.

use std::rc::Rc;

use anyhow::Result;

/// How a question ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply<T> {
    /// With an answer.
    Given(T),
    /// With the key for going back.
    Back,
    /// With the key for going away at once.
    Away,
}

/// Whether what was typed can be taken; else what is wrong with it.
pub type Check = Rc<dyn Fn(&str) -> Result<(), String>>;

/// Somebody who can be asked.
pub trait Asker {
    /// Says something.
    fn say(&mut self, text: &str);

    /// Lets one of several lines be chosen.
    ///
    /// # Errors
    /// When the terminal does not work; so with all questions.
    fn choose(&mut self, question: &str, lines: &[String], start: usize, help: &str) -> Result<Reply<usize>>;

    /// Lets any number of lines be chosen.
    fn choose_several(
        &mut self,
        question: &str,
        lines: &[String],
        chosen: &[usize],
    ) -> Result<Reply<Vec<usize>>>;

    /// Asks for yes or no.
    fn confirm(&mut self, question: &str, default: bool) -> Result<Reply<bool>>;

    /// Lets one line be typed.
    fn line(&mut self, question: &str, value: &str, help: &str, check: Check) -> Result<Reply<String>>;

    /// Lets a line be typed that nobody sees.
    fn secret(&mut self, question: &str, help: &str, check: Check) -> Result<Reply<String>>;

    /// Lets several lines be written in an editor.
    fn text(&mut self, question: &str, value: &str, check: Check) -> Result<Reply<String>>;
}

impl<T> Reply<T> {
    /// What becomes of an answer.
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> Reply<U> {
        match self {
            Self::Given(answer) => Reply::Given(with(answer)),
            Self::Back => Reply::Back,
            Self::Away => Reply::Away,
        }
    }
}
