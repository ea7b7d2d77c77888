//! A value, and who said it.

use std::fmt;
use std::path::PathBuf;

/// Who said something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody: it is usual.
    Default,
    File {
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("built in"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

/// A value, and who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    pub value: T,
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// One that nobody has to say.
    pub fn usual(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }
}
