//! Diagnostics in one line each.

use crate::model::{Diagnostic, Node, Severity};

/// The OPKG cannot be compiled for this target.
#[must_use]
pub fn error(at: Node, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
    new_diagnostic(Severity::Error, Some(at), message.into(), Some(help.into()))
}

/// Read as meant, but somebody should look at it.
#[must_use]
pub fn warning(at: Node, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
    new_diagnostic(Severity::Warning, Some(at), message.into(), Some(help.into()))
}

/// For information: what the plugin did on its own.
#[must_use]
pub fn note(at: Node, message: impl Into<String>) -> Diagnostic {
    new_diagnostic(Severity::Note, Some(at), message.into(), None)
}

/// Adds a diagnostic unless the same one is there already: two packages often share what it is about.
pub fn push_unique(diagnostics: &mut Vec<Diagnostic>, diagnostic: Diagnostic) {
    if !diagnostics.contains(&diagnostic) {
        diagnostics.push(diagnostic);
    }
}

fn new_diagnostic(severity: Severity, at: Option<Node>, message: String, help: Option<String>) -> Diagnostic {
    Diagnostic { severity, at, message, help }
}
