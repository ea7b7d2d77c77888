//! What is wrong with an OPKG, where, and what to do about it. Only data: the programs render it.

use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The OPKG cannot be compiled.
    Error,
    /// Read as meant, but somebody should look at it.
    Warning,
    /// For information.
    Note,
}

/// A place in the source of an OPKG.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// Bytes of the decoded text of `config.xml`.
    Config(Range<usize>),
    /// A whole file or directory, relative to the OPKG's directory.
    File(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// Stable name of the rule, `changelog-date`; of a plugin's diagnostic the plugin's id.
    pub code: String,
    /// What is wrong, one line.
    pub message: String,
    /// Where; nothing if it is about the OPKG as such.
    pub location: Option<Location>,
    pub help: Option<String>,
    /// Other places that belong to it, each with what it is.
    pub related: Vec<(Location, String)>,
}

impl Diagnostic {
    /// A diagnostic about nothing in particular yet.
    pub fn new(severity: Severity, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity,
            code: code.into(),
            message: message.into(),
            location: None,
            help: None,
            related: Vec::new(),
        }
    }

    /// One that stops the compilation.
    pub fn error(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// One that somebody should look at.
    pub fn warning(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// One for information.
    pub fn note(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, message)
    }

    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Another place that belongs to it, and what that is.
    #[must_use]
    pub fn related(mut self, location: Location, what: impl Into<String>) -> Self {
        self.related.push((location, what.into()));
        self
    }
}
