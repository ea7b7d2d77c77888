//! What its author should know of a form, and why one cannot be used.

use opkg::diagnostic::Severity;

use crate::limits;

/// Something about a form that was read nevertheless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Never an error.
    pub severity: Severity,
    /// Where in the file, from 1.
    pub line: u64,
    /// What was found and what became of it, one line.
    pub message: String,
}

/// Why a form cannot be used. Each says what its author can do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Longer than any real one.
    #[error("the form has more than {} KiB", limits::FORM_BYTES >> 10)]
    TooLarge,
    /// More than any real one.
    #[error("the form has more than {} elements", limits::NODES)]
    TooManyNodes,
    /// More than any real one.
    #[error("the form has more than {} fields and choices", limits::CHOICES)]
    TooManyFields,
    /// Elements in elements.
    #[error("the form has more than {} elements inside of one another", limits::DEPTH)]
    TooDeep,
    /// Neither UTF-8 nor ISO-8859-1.
    #[error("the form is encoded in UTF-16; save it as UTF-8")]
    Encoding,
    /// A value of such a field could not be written down.
    #[error(
        "line {line}: `{}` cannot be the name of a field, since values are stored in elements of that name; begin \
         with a letter or `_`, and go on with letters, digits, `_`, `-` and `.`",
        opkg::show(name)
    )]
    Name {
        /// Where in the file, from 1.
        line: u64,
        /// As it was written.
        name: String,
    },
}

/// Findings as they come, up to a limit.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    pub(crate) fn note(&mut self, line: u64, message: impl Into<String>) {
        self.push(Severity::Note, line, message.into());
    }

    pub(crate) fn warn(&mut self, line: u64, message: impl Into<String>) {
        self.push(Severity::Warning, line, message.into());
    }

    /// By line.
    pub(crate) fn finish(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|it| it.line);
        self.0
    }

    fn push(&mut self, severity: Severity, line: u64, message: String) {
        if self.0.len() < limits::FINDINGS {
            self.0.push(Finding { severity, line, message });
        }
    }
}
