//! Text that is not a valid value.

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a valid {kind}, expected {expected}", .input.escape_debug())]
pub struct ParseError {
    /// The kind of value: `stage`, `phase`, `name of a target`.
    pub kind: &'static str,
    /// The first 80 characters.
    pub input: String,
    /// The known values, or the required form.
    pub expected: String,
}

impl ParseError {
    pub fn new(kind: &'static str, input: &str, expected: impl Into<String>) -> Self {
        Self { kind, input: input.chars().take(80).collect(), expected: expected.into() }
    }
}
