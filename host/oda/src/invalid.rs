//! Text that is not what it should be.

/// A word that stands for nothing known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no {what}: {rule}", .text.escape_debug())]
pub struct Invalid {
    /// What it should have been: `stage`, `phase`, `name of a target`.
    pub what: &'static str,
    /// As it was written.
    pub text: String,
    /// What there is, or what form it must have.
    pub rule: String,
}

impl Invalid {
    /// `text` is no `what`; `rule` says which ones there are.
    pub fn new(what: &'static str, text: &str, rule: impl Into<String>) -> Self {
        Self { what, text: text.chars().take(80).collect(), rule: rule.into() }
    }
}
