//! Versions as Debian writes them: `[epoch:]upstream[-revision]`, see deb-version(7).

use std::fmt;

use opkg_sdk::model;
use opkg_sdk::package_version::{WrittenVersion, order_prereleases};
use opkg_sdk::release_tag::TagSyntax;

/// `1+deb12` is newer than 1, and older than `1++` and `1.1`: dpkg sorts letters before signs.
#[must_use]
pub fn release_tags() -> TagSyntax {
    TagSyntax { separator: "+".to_owned(), after_all: "++".to_owned() }
}

/// Sound for dpkg: the upstream part starts with a digit, and only characters that dpkg allows occur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebVersion {
    /// 0 is not written.
    pub epoch: u32,
    /// Without `-`.
    pub upstream: String,
    /// Absent only in relations.
    pub revision: Option<String>,
}

impl DebVersion {
    /// The version of an OPKG, adapted where need be.
    #[must_use]
    pub fn from_opkg(version: &model::Version) -> Self {
        Self {
            epoch: version.epoch,
            upstream: adapt_upstream(&version.upstream),
            revision: Some(sanitize_revision(&version.release)),
        }
    }

    /// The same of a package that is told from those for other releases.
    #[must_use]
    pub fn with_tag(self, tag: &str) -> Self {
        let revision = self.revision.unwrap_or_default();
        Self { revision: Some(format!("{revision}{}{tag}", release_tags().separator)), ..self }
    }

    /// The version of a relation, adapted as that of a package is. Nothing if its epoch is beyond what dpkg counts.
    #[must_use]
    pub fn from_relation(written: &WrittenVersion<'_>) -> Option<Self> {
        let epoch = written.epoch.unwrap_or_default();
        i32::try_from(epoch).ok()?;
        Some(Self {
            epoch,
            upstream: adapt_upstream(written.upstream),
            revision: written.release.map(sanitize_revision),
        })
    }

    /// The least version behind every revision of this upstream part: what has another upstream part and is newer is
    /// newer than this as well.
    ///
    /// In dpkg's order nothing stands closer behind a number than the first letter, and a `~` puts that before all
    /// that begins with it; behind a letter or sign stands the number 0, which counts as none.
    #[must_use]
    pub fn above_all_revisions(&self) -> Self {
        let zero = if self.upstream.ends_with(|last: char| last.is_ascii_digit()) { "" } else { "0" };
        Self { epoch: self.epoch, upstream: format!("{}{zero}A~", self.upstream), revision: None }
    }

    /// Without the epoch, as file names have it.
    #[must_use]
    pub fn without_epoch(&self) -> String {
        match &self.revision {
            Some(revision) => format!("{}-{revision}", self.upstream),
            None => self.upstream.clone(),
        }
    }
}

impl fmt::Display for DebVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.epoch > 0 {
            write!(f, "{}:", self.epoch)?;
        }
        f.write_str(&self.without_epoch())
    }
}

/// In the order that all families have, and sound for dpkg, which wants a digit first: the `v` of a tag goes, anything
/// else gets a zero before it. A `-` would be allowed, but sorts elsewhere than in RPM.
fn adapt_upstream(text: &str) -> String {
    let ordered = order_prereleases(text);
    let bare = ordered.strip_prefix(['v', 'V']);
    let text = bare.filter(|bare| bare.starts_with(|first: char| first.is_ascii_digit())).unwrap_or(&ordered);
    let adapted: String = text.chars().map(sanitize_char).collect();
    match adapted.chars().next() {
        Some(first) if first.is_ascii_digit() => adapted,
        Some(first) if first.is_ascii_alphabetic() => format!("0+{adapted}"),
        _ => format!("0{adapted}"),
    }
}

fn sanitize_revision(text: &str) -> String {
    let adapted: String = text.chars().map(sanitize_char).collect();
    if adapted.is_empty() { "0".to_owned() } else { adapted }
}

/// What stands for a character that dpkg does not allow. `1.0^2` lies between 1.0 and 1.0.1, and so does
/// `1.0+2`. Anything else (`_` above all) only separates, as a dot does.
fn sanitize_char(character: char) -> char {
    match character {
        '.' | '+' | '~' => character,
        '^' => '+',
        _ if character.is_ascii_alphanumeric() => character,
        _ => '.',
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn relation(text: &str) -> Option<DebVersion> {
        DebVersion::from_relation(&WrittenVersion::parse(text)?)
    }

    fn package(upstream: &str, release: &str) -> String {
        let version = model::Version { epoch: 0, upstream: upstream.into(), release: release.into() };
        DebVersion::from_opkg(&version).to_string()
    }

    #[test]
    fn packages() {
        for (upstream, release, expected) in [
            ("2.4.4", "1", "2.4.4-1"),
            ("1.0-rc1", "1.1", "1.0~rc1-1.1"),
            ("1.0_beta.2", "1", "1.0~beta2-1"),
            ("1.0-2", "1", "1.0.2-1"),
            ("v1.2", "1", "1.2-1"),
            ("V1", "1", "1-1"),
            ("very", "1", "0+very-1"),
            ("r123", "1", "0+r123-1"),
            ("~5", "1", "0~5-1"),
            ("1.0_2", "1_el6", "1.0.2-1.el6"),
            ("1.0^git2", "1", "1.0+git2-1"),
            ("1:2", "1", "1.2-1"),
            ("6.0u8.0", "6", "6.0u8.0-6"),
            ("3.4.5+6", "4.1", "3.4.5+6-4.1"),
            ("1.ä", "1", "1..-1"),
        ] {
            assert_eq!(package(upstream, release), expected, "{upstream}-{release}");
        }
    }

    #[test]
    fn relations() {
        for (text, expected) in [
            ("1.2", Some("1.2")),
            ("1.2-3", Some("1.2-3")),
            ("2:1.2-3", Some("2:1.2-3")),
            ("0:1.2", Some("1.2")),
            ("1.0-rc1", Some("1.0~rc1")),
            ("1.0-rc1-2", Some("1.0~rc1-2")),
            ("1-2-3", Some("1.2-3")),
            ("a:1", Some("0+a.1")),
            ("v1.0_1", Some("1.0.1")),
            ("", None),
            ("-1", None),
            ("1-", None),
            ("1:", None),
            ("99999999999:1", None),
            ("4294967295:1", None),
        ] {
            let version = relation(text).map(|version| version.to_string());
            assert_eq!(version.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn the_least_version_behind_all_revisions() {
        for (text, expected) in [("1.2", "1.2A~"), ("1:1.0rc", "1:1.0rc0A~"), ("1.0~", "1.0~0A~")] {
            assert_eq!(relation(text).unwrap().above_all_revisions().to_string(), expected);
        }
    }

    #[test]
    fn the_epoch_is_not_in_file_names() {
        let version = relation("2:1.2-3").unwrap();
        assert_eq!(version.without_epoch(), "1.2-3");
    }
}
