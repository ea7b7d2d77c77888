//! What the administrator, or somebody in his place, answered to a package's configurator.

use std::fmt;

use crate::Invalid;

/// Where a value comes from; the stronger ones come later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Origin {
    /// The form's own default.
    Default = 0,
    /// A file of answers.
    Answers = 1,
    /// The administrator.
    Administrator = 2,
}

impl Origin {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Default, Self::Answers, Self::Administrator];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Answers => "answers",
            Self::Administrator => "administrator",
        }
    }

    /// The origin with a number of the database's.
    #[must_use]
    pub fn from_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|it| i64::from(*it as u8) == id)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Origin {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|it| it.name() == text)
            .ok_or_else(|| Invalid::new("origin of a value", text, Self::ALL.map(Self::name).join(", ")))
    }
}

/// One value of a package's configuration. Its position in the form is its place in the list of all values of
/// the same package and context; a field with several values has them one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The field's name.
    pub name: String,
    /// As it was answered.
    pub value: String,
    /// By whom.
    pub origin: Origin,
}
