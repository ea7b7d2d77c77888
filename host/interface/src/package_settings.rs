//! What a site wants of all packages that are made for it.

use std::fmt;
use std::str::FromStr;

/// What stands in every package, whatever OPKG it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PackageSettings {
    /// What tells packages for one release of a distribution from those for another.
    pub release_tag: ReleaseTag,
    /// Who makes the packages.
    pub vendor: Option<Label>,
    /// What collection they belong to.
    pub distribution: Option<Label>,
}

/// What follows the release of a package's version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ReleaseTag {
    /// That of the distribution's own packages, which its plugin knows.
    #[default]
    Native,
    /// Nothing.
    None,
    /// A letter, then letters, digits, and `.` between them.
    Custom(String),
}

/// Why a text is no tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a release tag is a letter with up to {} letters, digits and dots after it (the sign before it depends on the \
     distribution), or `none`, or `native`",
    MAX_TAG_BYTES - 1
)]
pub struct ReleaseTagError;

/// It becomes a part of names of files.
const MAX_TAG_BYTES: usize = 32;

impl FromStr for ReleaseTag {
    type Err = ReleaseTagError;

    /// The sign that a family writes before a tag may stand before it here.
    fn from_str(text: &str) -> Result<Self, ReleaseTagError> {
        match text {
            "none" => return Ok(Self::None),
            "native" => return Ok(Self::Native),
            _ => {}
        }
        let tag = text.strip_prefix(['.', '+']).unwrap_or(text);
        // Version comparison sorts a tag by its first letter, and so between a release and the next.
        let is_piece =
            |piece: &str| !piece.is_empty() && piece.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_tag = tag.starts_with(|first: char| first.is_ascii_alphabetic())
            && tag.split('.').all(is_piece)
            && tag.len() <= MAX_TAG_BYTES;
        if is_tag { Ok(Self::Custom(tag.to_owned())) } else { Err(ReleaseTagError) }
    }
}

impl fmt::Display for ReleaseTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::None => "none",
            Self::Custom(tag) => tag,
        })
    }
}

/// One line that people read: a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(String);

/// Why a text is no label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it must be one line of at most {MAX_LABEL_CHARS} characters, and not empty")]
pub struct LabelError;

const MAX_LABEL_CHARS: usize = 200;

impl Label {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        let text = text.trim();
        let is_label = !text.is_empty()
            && text.chars().count() <= MAX_LABEL_CHARS
            && !text.chars().any(opkg::is_unsafe_control)
            && !text.contains(['\n', '\t']);
        if is_label { Ok(Self(text.to_owned())) } else { Err(LabelError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        assert_eq!("none".parse(), Ok(ReleaseTag::None));
        assert_eq!("native".parse(), Ok(ReleaseTag::Native));
        for good in ["el9", ".el9", "+deb12", "site.1", "X"] {
            let tag = good.trim_start_matches(['.', '+']);
            assert_eq!(good.parse(), Ok(ReleaseTag::Custom(tag.to_owned())), "{good}");
        }
        for bad in
            ["", ".", "9", "el-9", "el..9", "el9.", "~el9", "..el9", "el 9", "%{?dist}", "é", &"a".repeat(33)]
        {
            assert_eq!(bad.parse::<ReleaseTag>(), Err(ReleaseTagError), "{bad}");
        }
    }

    #[test]
    fn labels() {
        assert_eq!(" Site & Söhne ".parse::<Label>().map(|label| label.0), Ok("Site & Söhne".to_owned()));
        for bad in ["", "  ", "a\nb", "a\u{7}b", "a\tb", &"x".repeat(201)] {
            assert!(bad.parse::<Label>().is_err(), "{bad:?}");
        }
    }
}
