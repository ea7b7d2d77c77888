//! Packages that are made of archives: what the plugin writes into them.

use opkg_interface::archive::ArchiveMetadata;
use opkg_interface::artefacts::{BinaryPackage, Container, FileMarks};
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
    sentence: "What the metadata of archives is said to have is in the text of a member: relations, scriptlets, configuration.",
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
        for (what, sought) in claims(package, container.metadata) {
            let is_there = match what {
                Claim::Relation => has_word(&text, sought) || has_version_joined(&text, sought),
                Claim::Scriptlet | Claim::Configuration => text.contains(sought),
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
    Configuration,
}

/// What is to be found in members. Signs that formats write otherwise, of XML or of patterns, are not looked for.
fn claims(package: &BinaryPackage, metadata: ArchiveMetadata) -> Vec<(Claim, &str)> {
    let mut found = Vec::new();
    if metadata.contains(ArchiveMetadata::RELATIONS) {
        let names = package.relations.iter().flat_map(|it| it.packages().map(|(name, _)| name));
        found.extend(names.map(|name| (Claim::Relation, name)));
    }
    if metadata.contains(ArchiveMetadata::SCRIPTLETS) {
        let lines = package.scriptlets.iter().flat_map(|it| it.body.lines()).map(str::trim);
        found.extend(lines.map(|line| (Claim::Scriptlet, line)));
    }
    if metadata.contains(ArchiveMetadata::CONFIGURATION) {
        let files = package.files.iter().filter(|file| file.marks.contains(FileMarks::CONFIGURATION));
        found.extend(files.map(|file| (Claim::Configuration, file.path.trim_start_matches('/'))));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " ._-+/:=$".contains(c);
    found.retain(|(_, text)| text.chars().all(is_plain));
    found
}
