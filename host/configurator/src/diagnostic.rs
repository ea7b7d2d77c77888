//! Diagnostics for the author of a form.

use opkg::diagnostic::Severity;

use crate::limits;

/// A warning or note about a form that is used nevertheless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormDiagnostic {
    /// Never an error.
    pub severity: Severity,
    /// Counted from 1.
    pub line: u64,
    /// One line.
    pub message: String,
}

/// Why a form cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    #[error("the form has more than {} KiB", limits::FORM_BYTES >> 10)]
    TooLarge,
    #[error("the form has more than {} elements", limits::NODES)]
    TooManyNodes,
    #[error("the form has more than {} fields and choices", limits::CHOICES)]
    TooManyFields,
    #[error("the form has more than {} levels of nested elements", limits::DEPTH)]
    TooDeep,
    /// Recognised by its byte order mark.
    #[error("the form is encoded in UTF-16; save it as UTF-8")]
    UnsupportedEncoding,
    /// A name that is not that of an XML element.
    #[error(
        "line {line}: `{}` cannot be the name of a field, since values are stored in elements of that name; begin \
         with a letter or `_`, and go on with letters, digits, `_`, `-` and `.`",
        opkg::escape_for_display(name)
    )]
    InvalidName {
        /// Counted from 1.
        line: u64,
        name: String,
    },
}

/// The first [`limits::DIAGNOSTICS`] of a form.
#[derive(Debug, Default)]
pub(crate) struct FormDiagnostics(Vec<FormDiagnostic>);

impl FormDiagnostics {
    pub(crate) fn note(&mut self, line: u64, message: impl Into<String>) {
        self.push(Severity::Note, line, message.into());
    }

    pub(crate) fn warn(&mut self, line: u64, message: impl Into<String>) {
        self.push(Severity::Warning, line, message.into());
    }

    pub(crate) fn into_sorted(mut self) -> Vec<FormDiagnostic> {
        self.0.sort_by_key(|diagnostic| diagnostic.line);
        self.0
    }

    fn push(&mut self, severity: Severity, line: u64, message: String) {
        if self.0.len() < limits::DIAGNOSTICS {
            self.0.push(FormDiagnostic { severity, line, message });
        }
    }
}
