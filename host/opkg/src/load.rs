//! From a directory to a checked [`Opkg`].

use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Place};
use crate::model::Opkg;

/// Relations that every OPKG of a cluster gets, per part: names of packages that must be there before the
/// part is of any use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Automatic {
    pub api: Vec<String>,
    pub server: Vec<String>,
    pub client: Vec<String>,
}

impl Default for Automatic {
    fn default() -> Self {
        Self {
            api: vec!["oscar-data".into()],
            server: vec!["liboscar-server".into()],
            client: vec!["liboscar-client".into()],
        }
    }
}

/// What the user of the library decides about every OPKG.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Required by every package.
    pub automatic: Automatic,
    /// What stands for "now", in seconds since 1970; the date of the newest change where there is none.
    pub source_date: Option<i64>,
}

/// The text that diagnostics point into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Of `config.xml`, as the caller can open it.
    pub path: PathBuf,
    /// Decoded. A byte that could not be decoded stands there as U+FFFD.
    pub text: String,
}

/// All that there is to say about a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Nothing where `config.xml` could not be read as text at all.
    pub source: Option<Source>,
    /// There if and only if no diagnostic is an error.
    pub opkg: Option<Opkg>,
    /// Sorted by place: those about the OPKG as such, then `config.xml` from top to bottom, then the files.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads and checks the OPKG in a directory. Never writes, never runs anything, and reads no more than the
/// limits of [`crate::limits`] allow.
#[must_use]
pub fn load(dir: &Path, settings: &Settings) -> Loaded {
    let _ = (dir, settings);
    Loaded {
        source: None,
        opkg: None,
        diagnostics: vec![Diagnostic {
            severity: crate::diagnostic::Severity::Error,
            code: "config-missing".into(),
            message: "there is no `config.xml`".into(),
            place: Some(Place::File("config.xml".into())),
            help: None,
            related: Vec::new(),
        }],
    }
}
