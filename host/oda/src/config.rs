//! What the administrator, or somebody in his place, answered to a package's configurator.

use std::collections::BTreeMap;
use std::fmt;

use crate::{PackageId, ParseError, TargetId};

/// Where a value comes from; the stronger ones come later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ValueOrigin {
    /// The form's own default.
    Default = 0,
    /// An answer file.
    AnswerFile = 1,
    /// The administrator.
    Administrator = 2,
}

impl ValueOrigin {
    pub const ALL: [Self; 3] = [Self::Default, Self::AnswerFile, Self::Administrator];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::AnswerFile => "answers",
            Self::Administrator => "administrator",
        }
    }

    /// The origin with this id in the database.
    #[must_use]
    pub fn from_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| i64::from(*origin as u8) == id)
    }
}

impl fmt::Display for ValueOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for ValueOrigin {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL
            .into_iter()
            .find(|origin| origin.name() == text)
            .ok_or_else(|| ParseError::new("origin of a value", text, Self::ALL.map(Self::name).join(", ")))
    }
}

/// One value of a package's configuration. Its position in the form is its place in the list of all values of
/// the same package and context; a field with several values has them one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigValue {
    pub name: String,
    pub value: String,
    pub origin: ValueOrigin,
}

/// The values of all packages, each for the whole cluster or for an image.
pub type ConfigValues = BTreeMap<(PackageId, Option<TargetId>), Vec<ConfigValue>>;
