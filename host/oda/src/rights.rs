//! What people may do.

use std::fmt;
use std::str::FromStr;

use crate::ParseError;

/// What people may do; each may do as well what those before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rights {
    /// Look at everything but configurations.
    Viewer,
    /// Request, remove, clear errors, set the phase.
    Operator,
    /// All that `opm` can do.
    Administrator,
}

impl Rights {
    /// All, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Administrator];

    /// As commands and the database have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
        }
    }

    /// In a sentence: `an operator`.
    #[must_use]
    pub const fn with_article(self) -> &'static str {
        match self {
            Self::Viewer => "a viewer",
            Self::Operator => "an operator",
            Self::Administrator => "an administrator",
        }
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Rights {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let named = Self::ALL.into_iter().find(|rights| rights.name() == text);
        named.ok_or_else(|| ParseError::new("name of rights", text, Self::ALL.map(Self::name).join(", ")))
    }
}
