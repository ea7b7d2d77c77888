//! What a package can be installed on.

use std::fmt;
use std::path::PathBuf;

use crate::ParseError;

/// The kinds of targets, in the order in which packages come to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum TargetKind {
    /// The head node.
    Server = 1,
    /// A directory tree that nodes are cloned from.
    Image = 2,
    /// A compute node.
    Client = 3,
}

impl TargetKind {
    pub const ALL: [Self; 3] = [Self::Server, Self::Image, Self::Client];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Image => "image",
            Self::Client => "client",
        }
    }

    /// The kind with this id in the database.
    #[must_use]
    pub fn from_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| i64::from(*kind as u8) == id)
    }
}

impl fmt::Display for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for TargetKind {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| ParseError::new("kind of target", text, Self::ALL.map(Self::name).join(", ")))
    }
}

/// The name of a target: a letter or digit, then up to 63 of letters, digits and `._-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetName(String);

impl TargetName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl std::borrow::Borrow<str> for TargetName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for TargetName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let is_valid = text.len() <= 64
            && text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if is_valid {
            Ok(Self(text.to_owned()))
        } else {
            let expected = "a letter or digit, then up to 63 of letters, digits, `.`, `_` and `-`";
            Err(ParseError::new("name of a target", text, expected))
        }
    }
}

/// A target as a person names it: `image:compute`, `client:node1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetAddress {
    pub kind: TargetKind,
    /// Its name, unique among its kind.
    pub name: TargetName,
}

impl fmt::Display for TargetAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.name)
    }
}

impl std::str::FromStr for TargetAddress {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (kind, name) = text
            .split_once(':')
            .ok_or_else(|| ParseError::new("target", text, "KIND:NAME, for example `client:node1`"))?;
        Ok(Self { kind: kind.parse()?, name: name.parse()? })
    }
}

/// A target's key in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId(pub i64);

/// A target as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub id: TargetId,
    pub address: TargetAddress,
    /// Where its root directory is seen from the machine that maintains it; absent for a node that maintains
    /// itself.
    pub root: Option<PathBuf>,
    /// The image that a client was cloned from.
    pub image: Option<TargetId>,
}

impl Target {
    #[must_use]
    pub fn kind(&self) -> TargetKind {
        self.address.kind
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "node1", "Node-1.example_x", &"n".repeat(64), "1"] {
            assert_eq!(good.parse::<TargetName>().unwrap().as_str(), good);
        }
        for bad in ["", "-a", ".a", "_a", "a b", "a/b", "a\n", "é", &"n".repeat(65), ".."] {
            assert!(bad.parse::<TargetName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn addresses() {
        let address: TargetAddress = "client:node1".parse().unwrap();
        assert_eq!((address.kind, address.name.as_str()), (TargetKind::Client, "node1"));
        assert_eq!(address.to_string(), "client:node1");
        for bad in ["node1", "node:1", "client:", ":x", "server", "client:a:b"] {
            assert!(bad.parse::<TargetAddress>().is_err(), "{bad}");
        }
    }
}
