//! How calls of plugins fail, in words for their users.

use std::time::Duration;

use crate::address_space;

/// What to do about a component of an interface that only has the same name.
pub(crate) const ALTERED_HELP: &str =
    "build it anew, with the files that `opkgc plugin wit` writes as they are";

/// A call of a plugin that failed. Reads as the end of a sentence that the plugin begins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct ExecutionError {
    /// How it failed.
    pub kind: ExecutionErrorKind,
    /// What it printed before that: the traceback of an interpreter, say.
    pub output: ErrorOutput,
}

impl ExecutionError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        self.kind.help()
    }
}

impl ExecutionError {
    /// Lines to be shown below it: what the plugin printed, as far as it says more.
    #[must_use]
    pub fn details(&self) -> Vec<String> {
        self.output.quoted(&self.kind.to_string())
    }
}

impl From<ExecutionErrorKind> for ExecutionError {
    fn from(kind: ExecutionErrorKind) -> Self {
        Self { kind, output: ErrorOutput::default() }
    }
}

/// The end of what a plugin printed to its standard error in a call that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorOutput {
    /// The last lines, without control characters, each of a few hundred bytes at most.
    pub lines: Vec<String>,
    /// How many lines there were before these.
    pub omitted: usize,
}

impl ErrorOutput {
    /// The lines as an error shows them, each behind a bar, without the one that says what `message` ends with, which stands
    /// above them.
    #[must_use]
    pub fn quoted(&self, message: &str) -> Vec<String> {
        let omitted = (self.omitted > 0).then(|| format!("… {} more, which `-v` shows", self.omitted));
        let cause = self.lines.iter().rposition(|line| message.ends_with(line.trim()));
        let lines = self.lines.iter().enumerate().filter(|(index, _)| Some(*index) != cause);
        omitted.iter().chain(lines.map(|(_, line)| line)).map(|line| format!("| {line}")).collect()
    }
}

/// How a call of a plugin failed, through its own fault for the most part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecutionErrorKind {
    /// Nothing of its own fault: the machine denied what it takes to run it.
    #[error("cannot be started: {0}")]
    NotStarted(String),
    /// Over its deadline.
    #[error("ran longer than {} s and was stopped", .0.as_secs_f64())]
    Timeout(Duration),
    /// Over its limit of memory.
    #[error("asked for more memory than the {} MiB that a plugin gets", .0 >> 20)]
    OutOfMemory(usize),
    /// Calls nested too deeply.
    #[error("used up its stack")]
    StackOverflow,
    /// It gave up by itself, with this message if it left one.
    #[error("{}", panicked(.0.as_deref()))]
    Panicked(Option<String>),
    /// Any other violation of the machine's rules.
    #[error("did something forbidden: {0}")]
    Trap(String),
    /// It called a function of its language's system interface that plugins do not get.
    #[error("tried to use {0}, which plugins do not get")]
    ForbiddenCall(String),
    /// Its functions are not those of the interface whose name they have.
    #[error("was not built with the plugin interface, but with an altered copy of it: {0}")]
    AlteredInterface(String),
    /// What it returned breaks the rules of the interface.
    #[error("returned something invalid: {0}")]
    Invalid(String),
}

fn panicked(message: Option<&str>) -> String {
    match message {
        Some(message) => format!("failed inside: {message}"),
        None => "gave up inside, and said nothing on standard error".to_owned(),
    }
}

impl ExecutionErrorKind {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::NotStarted(_) => return Some(address_space::help()),
            Self::AlteredInterface(_) => ALTERED_HELP,
            Self::Timeout(_) | Self::OutOfMemory(_) | Self::StackOverflow => {
                "it may be caught in a loop; report it to the plugin's author"
            }
            Self::Panicked(_) | Self::Trap(_) | Self::Invalid(_) => {
                "this is a mistake in the plugin; report it to its author"
            }
            Self::ForbiddenCall(_) => {
                "a plugin sees no files, network, clock or environment; its author must do without"
            }
        };
        Some(help.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gives_up_without_a_word_is_said_to() {
        let said =
            |message: Option<&str>| ExecutionErrorKind::Panicked(message.map(str::to_owned)).to_string();
        assert_eq!(said(Some("it broke")), "failed inside: it broke");
        assert_eq!(said(None), "gave up inside, and said nothing on standard error");
    }

    #[test]
    fn what_was_printed_is_quoted_once() {
        let mut output = ErrorOutput { lines: vec!["  it broke".into()], omitted: 0 };
        assert_eq!(output.quoted("failed inside: it broke"), <[&str; 0]>::default());
        assert_eq!(output.quoted("used up its stack"), ["|   it broke"]);
        output = ErrorOutput { lines: vec!["a".into(), "b".into()], omitted: 3 };
        assert_eq!(output.quoted("failed inside: b"), ["| … 3 more, which `-v` shows", "| a"]);
    }
}
