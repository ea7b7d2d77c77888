//! Packages that are made of archives: what the plugin writes into them.

use opkg_interface::archive::{ArchiveContainer, ArchiveEntry, ArchiveMetadata, DirectoryEntries};
use opkg_interface::artefacts::{BinaryPackage, Container, Content, FileMarks};
use opkg_runtime::Limits;

use crate::ledger::{Ledger, Place};
use crate::rule::{Rule, RuleGroup};
use crate::scene::{Scene, excerpt, has_word, member_texts};
use crate::slots::SlotAnswer;

pub const GROUP: RuleGroup =
    RuleGroup { title: "Archives", rules: &[ANSWERED, DETERMINISTIC, WITHIN_LIMITS, METADATA] };

const ANSWERED: Rule = Rule {
    name: "slots-answered",
    sentence: "For each slot of its archives, the plugin says what stands in it.",
    reason: "Without that, the package cannot be made, although it was described.",
    advice: "Answer `members` for each name that `generate` gives to a slot, and with no members where there is nothing to say.",
};
const DETERMINISTIC: Rule = Rule {
    name: "slots-deterministic",
    sentence: "The members of a slot are the same each time they are asked for, to the byte.",
    reason: "Packages are compared, signed and vouched for by their checksums.",
    advice: "Take what changes from what `members` is told: sizes, digests, `opkg.source-date`.",
};
const WITHIN_LIMITS: Rule = Rule {
    name: "slots-within-limits",
    sentence: "The members of a slot are no larger than the texts of a whole output may be.",
    reason: "They are held in memory. What is large belongs among the files of the package.",
    advice: "Write lines about files into members, and not what files hold.",
};
const METADATA: Rule = Rule {
    name: "metadata-in-members",
    sentence: "What the metadata of archives is said to have is in the text of a member: relations, scriptlets, changes, configuration, triggers, fields, ghosts, directories.",
    reason: "Nobody else writes it: a package manager that does not find it takes the package for one that has none.",
    advice: "Write all of it into members, or leave the flag away; the host then says what would be lost.",
};

/// What was answered for the slots of one output.
pub fn check_slots(place: Place<'_>, answers: &[SlotAnswer], ledger: &mut Ledger) {
    let most = Limits::default().text_bytes;
    for SlotAnswer { package, slot, first, second } in answers {
        let reason = first.as_ref().err();
        ledger.check(&ANSWERED, place, reason.is_none(), || {
            let reason = reason.map(String::as_str).unwrap_or_default();
            format!("the slot {} of {package} has no members: {reason}", excerpt(slot))
        });
        ledger.check(&DETERMINISTIC, place, first == second, || {
            format!("the slot {} of {package} has other members when it is asked for again", excerpt(slot))
        });
        let size: usize = first.iter().flatten().map(|member| member.content.size()).sum();
        ledger.check(&WITHIN_LIMITS, place, size <= most, || {
            format!("the slot {} of {package} has {size} bytes, where {most} are the limit", excerpt(slot))
        });
    }
}

pub fn check(scene: &Scene<'_>, ledger: &mut Ledger) {
    for package in &scene.output.packages {
        let Container::Archives(container) = &package.container else { continue };
        let text = member_texts(package).join("\n");
        for (what, sought) in claims(package, container) {
            let is_there = match what {
                Claim::Relation => has_word(&text, sought) || has_version_joined(&text, sought),
                _ => text.contains(sought),
            };
            scene.check(ledger, &METADATA, is_there, || {
                format!("no member of {} has {} of {what:?}", package.name, excerpt(sought))
            });
        }
    }
}

/// Whether the name of a package stands in a text with a version behind it, as in `foo-1.0`.
fn has_version_joined(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let mut after = text[at + name.len()..].chars();
        after.next() == Some('-') && after.next().is_some_and(|c| c.is_ascii_digit())
    })
}

/// What something is that members are said to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    Relation,
    Scriptlet,
    Change,
    Configuration,
    Trigger,
    Field,
    Ghost,
    Directory,
}

/// What is to be found in members. Signs that formats write otherwise, of XML or of patterns, are not looked for.
fn claims<'a>(package: &'a BinaryPackage, container: &ArchiveContainer) -> Vec<(Claim, &'a str)> {
    let mut found = Vec::new();
    let mut claim = |flag, what, texts: &mut dyn Iterator<Item = &'a str>| {
        if container.metadata.contains(flag) {
            found.extend(texts.map(|text| (what, text)));
        }
    };
    let paths = |mark| {
        let marked = package.files.iter().filter(move |file| file.marks.contains(mark));
        marked.map(|file| file.path.trim_start_matches('/'))
    };
    let relations = package.relations.iter().flat_map(|it| it.packages().map(|(name, _)| name));
    claim(ArchiveMetadata::RELATIONS, Claim::Relation, &mut { relations });
    let lines = package.scriptlets.iter().flat_map(|it| it.body.lines()).map(str::trim);
    claim(ArchiveMetadata::SCRIPTLETS, Claim::Scriptlet, &mut { lines });
    // How they are listed is the format's.
    let changes = package.changelog.iter().flat_map(|it| it.text.lines());
    let changes = changes.map(|line| line.trim_start_matches([' ', '-', '*']).trim());
    claim(ArchiveMetadata::CHANGELOG, Claim::Change, &mut { changes });
    claim(ArchiveMetadata::CONFIGURATION, Claim::Configuration, &mut paths(FileMarks::CONFIGURATION));
    let triggers = package.file_triggers.iter().flat_map(|it| &it.prefixes).chain(&package.interests);
    claim(ArchiveMetadata::TRIGGERS, Claim::Trigger, &mut triggers.map(|path| path.trim_matches('/')));
    let fields = package.fields.iter().flat_map(|it| it.value.lines()).map(str::trim);
    claim(ArchiveMetadata::FIELDS, Claim::Field, &mut { fields });
    claim(ArchiveMetadata::GHOSTS, Claim::Ghost, &mut paths(FileMarks::GHOST));
    if has_no_directories(container) {
        let directories = package.files.iter().filter(|file| file.content == Content::Directory);
        let mut directories = directories.map(|file| file.path.trim_start_matches('/'));
        claim(ArchiveMetadata::DIRECTORIES, Claim::Directory, &mut directories);
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " ._-+/:=$".contains(c);
    found.retain(|(_, text)| text.chars().all(is_plain));
    found
}

/// Whether the package's directories are in none of its archives.
fn has_no_directories(container: &ArchiveContainer) -> bool {
    let mut entries = container.archives.iter().flat_map(|archive| &archive.entries);
    entries.all(|entry| match entry {
        ArchiveEntry::Files(layout) => layout.directories == DirectoryEntries::None,
        _ => true,
    })
}
