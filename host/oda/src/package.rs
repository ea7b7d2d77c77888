//! Packages as the database knows them.

use std::fmt;

use crate::Invalid;

/// A package's key in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageId(pub i64);

/// The name of an OPKG, without any prefix: letters, digits and `+._-`, at most 128.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageName(String);

impl PackageName {
    /// As text.
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
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let fits = text.len() <= 128
            && text.starts_with(|it: char| it.is_ascii_alphanumeric())
            && text.chars().all(|it| it.is_ascii_alphanumeric() || "+._-".contains(it));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            let rule = "a letter or digit, then letters, digits, `+`, `.`, `_` and `-`";
            Err(Invalid::new("name of a package", text, rule))
        }
    }
}

/// The class of an OPKG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Class {
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

impl Class {
    /// All of them.
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

    /// The class with a number of the database's.
    #[must_use]
    pub fn from_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|it| i64::from(*it as u8) == id)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Class {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wanted = text.replace('_', "-");
        Self::ALL
            .into_iter()
            .find(|it| it.name() == wanted)
            .ok_or_else(|| Invalid::new("class of packages", text, Self::ALL.map(Self::name).join(", ")))
    }
}

/// A package, the same for all targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its key.
    pub id: PackageId,
    /// Its name.
    pub name: PackageName,
    /// Its class.
    pub class: Class,
    /// The newest version that was seen, as `config.xml` writes it.
    pub version: Option<String>,
    /// The packages that it depends on as an OPKG.
    pub needs: Vec<PackageId>,
    /// Why its configurator waits for the administrator.
    pub awaits: Option<String>,
}
