//! Errors on their way to the user: what happened, why, and what to do about it.
//!
//! Which error of a library gets which hint, and how the program ends, each program decides in its own `errors.rs`.

use std::error::Error;
use std::fmt;
use std::io;

/// The command line asks for something that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct UsageError {
    message: String,
    help: String,
}

impl UsageError {
    /// What is wrong, and what to do.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }

    #[must_use]
    pub fn help(&self) -> &str {
        &self.help
    }
}

/// Displays as `error: …`, its causes, details, and a hint, each on lines of its own.
#[derive(Debug)]
pub struct ErrorReport {
    /// With what was being done, as its contexts.
    error: anyhow::Error,
    io_kind: Option<io::ErrorKind>,
    details: Vec<String>,
    hint: Option<String>,
}

impl ErrorReport {
    /// Of an error, or of a message.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let error = error.into();
        let io_kind = io_error_kind(error.as_ref());
        Self { error: anyhow::Error::from_boxed(error), io_kind, details: Vec::new(), hint: None }
    }

    /// With what was being done, of which what was reported so far is the cause.
    #[must_use]
    pub fn context(mut self, text: impl Into<String>) -> Self {
        self.error = self.error.context(text.into());
        self
    }

    /// With another line below the causes.
    #[must_use]
    pub fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }

    /// With further lines below the causes.
    #[must_use]
    pub fn details(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(lines);
        self
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }

    /// Whether somebody closed our output: then they have read enough.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        self.io_kind == Some(io::ErrorKind::BrokenPipe)
    }

    /// The message and its causes, with `: ` between them.
    #[must_use]
    pub fn one_line(&self) -> String {
        self.messages().collect::<Vec<_>>().join(": ")
    }

    fn messages(&self) -> impl Iterator<Item = String> {
        self.error.chain().map(ToString::to_string)
    }
}

impl fmt::Display for ErrorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, message) in self.messages().enumerate() {
            f.write_str(if index == 0 { "error: " } else { "\n  caused by: " })?;
            f.write_str(&message)?;
        }
        for line in &self.details {
            write!(f, "\n  {line}")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n  help: {hint}"),
            None => Ok(()),
        }
    }
}

/// What the system said, where it is at the bottom of an error.
#[must_use]
pub fn io_error_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    chain(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind)
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| (*cause).source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_stand_below_what_was_being_done() {
        let report = ErrorReport::new(io::Error::from(io::ErrorKind::NotFound))
            .context("cannot read the key")
            .context("cannot sign")
            .detail("| it was here yesterday")
            .hint(Some("look for it"));
        assert_eq!(
            report.to_string(),
            "error: cannot sign\n  caused by: cannot read the key\n  caused by: entity not found\n  \
             | it was here yesterday\n  help: look for it"
        );
        assert_eq!(report.one_line(), "cannot sign: cannot read the key: entity not found");
        assert!(!report.is_broken_pipe());
    }
}
