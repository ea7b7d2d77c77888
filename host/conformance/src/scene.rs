//! What a plugin made of one OPKG for one target, as the rules look at it.

use opkg::diagnostic::Diagnostic;
use opkg::model::{Filter, NodeId, Part};
use opkg_interface::archive::{ArchiveEntry, ArchiveMetadata, MemberContent};
use opkg_interface::artefacts::{BinaryPackage, Container, Content, Output};
use opkg_interface::{DistributionDescription, Target};

use crate::filter::{self, Verdict};
use crate::ledger::{Ledger, Place};
use crate::opkgs::TestOpkg;
use crate::rule::Rule;

/// The parts, in the order of the format.
pub const PARTS: [Part; 3] = [Part::Api, Part::Server, Part::Client];

#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    pub description: &'a DistributionDescription,
    /// What its commands start.
    pub programs: &'a [String],
    pub test: &'a TestOpkg,
    pub target: &'a Target,
    /// As findings name it.
    pub target_name: &'a str,
    pub output: &'a Output,
    pub diagnostics: &'a [Diagnostic],
}

impl<'a> Scene<'a> {
    /// Notes a check.
    pub fn check(&self, ledger: &mut Ledger, rule: &Rule, holds: bool, found: impl FnOnce() -> String) {
        let place = Place { opkg: Some(&self.test.name), target: Some(self.target_name) };
        ledger.check(rule, place, holds, found);
    }

    /// The package of a part, if there is one of its name.
    #[must_use]
    pub fn package(&self, part: Part) -> Option<&'a BinaryPackage> {
        let name = part_name(&self.test.opkg.name, part);
        self.output.packages.iter().find(|package| package.name == name)
    }

    #[must_use]
    pub fn decide(&self, filter: &Filter) -> Verdict {
        filter::decide(filter, self.target, self.description)
    }

    /// Whether the packages are nothing but members and files.
    #[must_use]
    pub fn is_archive(&self) -> bool {
        matches!(self.output.main_container(), Some(Container::Archives(_)))
    }

    /// Whether the packages are of archives whose members are not said to have this, so that it may be in any of them.
    #[must_use]
    pub fn leaves_open(&self, metadata: ArchiveMetadata) -> bool {
        match self.output.main_container() {
            Some(Container::Archives(container)) => !container.metadata.contains(metadata),
            Some(Container::Rpm(_) | Container::Deb(_)) | None => false,
        }
    }

    /// Whether some diagnostic is about one of these places.
    #[must_use]
    pub fn is_told(&self, nodes: &[NodeId]) -> bool {
        let locations: Vec<_> = nodes.iter().filter_map(|node| self.test.opkg.location(*node)).collect();
        let is_about =
            |diagnostic: &Diagnostic| diagnostic.location.as_ref().is_some_and(|it| locations.contains(&it));
        self.diagnostics.iter().any(is_about)
    }

    /// Whether some diagnostic names it.
    #[must_use]
    pub fn is_named(&self, word: &str) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.message.contains(word))
    }
}

/// `opkg-NAME`, `opkg-NAME-server`, `opkg-NAME-client` (format, introduction).
#[must_use]
pub fn part_name(opkg: &str, part: Part) -> String {
    match part {
        Part::Api => format!("opkg-{opkg}"),
        Part::Server | Part::Client => format!("opkg-{opkg}-{}", part.name()),
    }
}

/// All that a package does when it comes and goes, and what stands in it as members or fields.
#[must_use]
pub fn active_text(package: &BinaryPackage) -> String {
    let scriptlets = package.scriptlets.iter().map(|it| it.body.as_str());
    let triggers = package.file_triggers.iter().map(|it| it.body.as_str());
    let members = member_texts(package);
    let fields = package.fields.iter().map(|it| it.value.as_str());
    scriptlets.chain(triggers).chain(members.iter().copied()).chain(fields).collect::<Vec<_>>().join("\n")
}

/// The texts that stand in its archives.
#[must_use]
pub fn member_texts(package: &BinaryPackage) -> Vec<&str> {
    let Container::Archives(container) = &package.container else { return Vec::new() };
    let entries = container.archives.iter().flat_map(|archive| &archive.entries);
    entries
        .filter_map(|entry| match entry {
            ArchiveEntry::Member(member) => match &member.content {
                MemberContent::Text(text) | MemberContent::Compressed(text, _) => Some(text.as_str()),
                MemberContent::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
                MemberContent::Directory | MemberContent::Link(_) => None,
            },
            ArchiveEntry::Files(_)
            | ArchiveEntry::Slot(_)
            | ArchiveEntry::Archive(_)
            | ArchiveEntry::Signature(_) => None,
        })
        .collect()
}

/// The texts among its files.
#[must_use]
pub fn document_text(package: &BinaryPackage) -> String {
    let text = |content: &'_ Content| match content {
        Content::Text(text) | Content::GzipText(text) => Some(text.clone()),
        Content::Source(_) | Content::Directory | Content::Link(_) => None,
    };
    package.files.iter().filter_map(|file| text(&file.content)).collect::<Vec<_>>().join("\n")
}

/// Whether a text has this word, not as a part of a longer one.
#[must_use]
pub fn has_word(text: &str, word: &str) -> bool {
    let belongs = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '+');
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(belongs) && !after.is_some_and(belongs)
    })
}

/// The first word of a text, of three letters or digits at least, that is nowhere in another one.
#[must_use]
pub fn missing_word<'t>(text: &'t str, within: &str) -> Option<&'t str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() > 2)
        .find(|word| !within.contains(word))
}

/// At most so much of a text, for a finding.
#[must_use]
pub fn excerpt(text: &str) -> String {
    opkg_interface::text::quote(text)
}
