//! What was looked at, and what is wrong.

use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The file that it is about.
    pub file: String,
    /// What was checked, in a few words: `SHA-256 of the payload`.
    pub what: String,
    /// What is wrong; nothing where it holds.
    pub problem: Option<String>,
}

/// Everything that was looked at of one package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// In the order in which it was looked at.
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.checks.iter().all(|check| check.problem.is_none())
    }

    pub(super) fn add(&mut self, file: &str, what: impl Into<String>, result: Result<(), String>) {
        self.checks.push(Check { file: file.to_owned(), what: what.into(), problem: result.err() });
    }
}
