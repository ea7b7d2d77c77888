//! Packages as the database knows them.

use std::fmt;

use crate::ParseError;

/// A package's key in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageId(pub i64);

/// The name of an OPKG, without any prefix: letters, digits and `+._-`, at most 128.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageName(String);

impl PackageName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl std::str::FromStr for PackageName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let is_valid = text.len() <= 128
            && text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "+._-".contains(c));
        if is_valid {
            Ok(Self(text.to_owned()))
        } else {
            let expected = "a letter or digit, then letters, digits, `+`, `.`, `_` and `-`";
            Err(ParseError::new("name of a package", text, expected))
        }
    }
}

/// The class of an OPKG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum PackageClass {
    /// The cluster does not work without it.
    Core = 1,
    /// Belongs to a usual cluster.
    Base = 2,
    /// Comes with the suite.
    Included = 3,
    /// Comes from elsewhere.
    #[default]
    ThirdParty = 4,
}

impl PackageClass {
    pub const ALL: [Self; 4] = [Self::Core, Self::Base, Self::Included, Self::ThirdParty];

    /// As `config.xml` writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Base => "base",
            Self::Included => "included",
            Self::ThirdParty => "third-party",
        }
    }

    /// The class with this id in the database.
    #[must_use]
    pub fn from_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|class| i64::from(*class as u8) == id)
    }
}

impl fmt::Display for PackageClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for PackageClass {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let wanted = text.replace('_', "-");
        Self::ALL
            .into_iter()
            .find(|class| class.name() == wanted)
            .ok_or_else(|| ParseError::new("class of packages", text, Self::ALL.map(Self::name).join(", ")))
    }
}

/// A package, the same for all targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub id: PackageId,
    pub name: PackageName,
    pub class: PackageClass,
    /// The newest version that was seen, as `config.xml` writes it.
    pub version: Option<String>,
    /// The packages that it depends on as an OPKG.
    pub dependencies: Vec<PackageId>,
    /// Why its configurator waits for the administrator.
    pub waiting_for: Option<String>,
}
