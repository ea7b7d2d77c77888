//! Modes, owners and what else an OPKG says of files.

use opkg::model::{Configuration, SourceFile};
use opkg_interface::archive::ArchiveMetadata;
use opkg_interface::artefacts::{Content, FileMarks};

use crate::filter::Verdict;
use crate::ledger::Ledger;
use crate::rule::{Rule, RuleGroup};
use crate::scene::{Scene, active_text, excerpt};

pub const GROUP: RuleGroup = RuleGroup {
    title: "What is said of files",
    rules: &[FILE_MODES, FILE_OWNERS, FILE_CAPABILITIES, CONFIGURATION_MARKED],
};

const FILE_MODES: Rule = Rule {
    name: "file-modes",
    sentence: "A file has the mode that the OPKG gives it.",
    reason: "Rules of `files` whose filter matches are heeded in their order, attribute by attribute; without one, the mode is \
             that of the file. A script of the package may give the bits for set-user-ID and set-group-ID.",
    advice: "Use `InstalledFile::attributes`.",
};
const FILE_OWNERS: Rule = Rule {
    name: "file-owners",
    sentence: "A file has the owner and the group that the OPKG gives it.",
    reason: "By the record of the file, or by a script of its package that names both, where the format cannot say it.",
    advice: "Use `InstalledFile::attributes`; where the format knows only root, let a script give the file away.",
};
const FILE_CAPABILITIES: Rule = Rule {
    name: "file-capabilities",
    sentence: "A program has the capabilities that the OPKG gives it, or the author is told.",
    reason: "By the record of the file, or by a script that names both. A program without them does not work.",
    advice: "Use `InstalledFile::attributes`; refuse the OPKG, at the file, where the distribution cannot do it.",
};
const CONFIGURATION_MARKED: Rule = Rule {
    name: "configuration-marked",
    sentence: "What the OPKG calls configuration is marked so, and nothing else is.",
    reason: "Where an administrator has changed it, a newer version of the package must not replace it without a word.",
    advice: "Use `InstalledFile::marks`, or say it in the package manager's own way.",
};

/// What is said of a file for a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) mode: u32,
    pub(super) owner: String,
    pub(super) group: String,
    pub(super) is_configuration: bool,
    pub(super) is_ghost: bool,
    pub(super) capabilities: Option<String>,
}

/// By the rules of the OPKG; nothing where only the plugin can decide one of them.
pub(super) fn expected(scene: &Scene<'_>, file: &SourceFile) -> Option<Expected> {
    let mut expected = Expected {
        mode: file.mode,
        owner: "root".to_owned(),
        group: "root".to_owned(),
        is_configuration: file.is_configuration,
        is_ghost: false,
        capabilities: None,
    };
    let rules = file.rules.iter().filter_map(|index| scene.test.opkg.file_rules.get(*index as usize));
    for rule in rules {
        match scene.decide(&rule.filter) {
            Verdict::Open => return None,
            Verdict::Excludes => continue,
            Verdict::Matches => {}
        }
        expected.owner = rule.owner.clone().unwrap_or(expected.owner);
        expected.group = rule.group.clone().unwrap_or(expected.group);
        expected.mode = rule.mode.unwrap_or(expected.mode);
        expected.is_configuration =
            rule.configuration.map_or(expected.is_configuration, |it| it != Configuration::No);
        expected.is_ghost = rule.is_ghost.unwrap_or(expected.is_ghost);
        expected.capabilities = rule.capabilities.clone().or(expected.capabilities);
    }
    Some(expected)
}

pub fn check(scene: &Scene<'_>, ledger: &mut Ledger) {
    for file in scene.test.opkg.files.iter().filter(|file| file.link.is_none()) {
        let Some(expected) = expected(scene, file).filter(|expected| !expected.is_ghost) else { continue };
        check_file(scene, file, &expected, ledger);
    }
}

fn check_file(scene: &Scene<'_>, file: &SourceFile, expected: &Expected, ledger: &mut Ledger) {
    for package in &scene.output.packages {
        for packed in package.files.iter().filter(|packed| packed.content == Content::Source(file.at.0)) {
            let path = excerpt(&packed.path);
            let text = active_text(package);
            // Of all that a script of the package says in one line about the file.
            let is_said = |words: &[&str]| {
                text.lines()
                    .any(|line| line.contains(&packed.path) && words.iter().all(|word| line.contains(word)))
            };
            let mode = format!("{:o}", expected.mode);
            let mode_holds =
                packed.mode == expected.mode || (packed.mode == expected.mode & 0o777 && is_said(&[&mode]));
            scene.check(ledger, &FILE_MODES, mode_holds, || {
                format!("{path} has the mode {:04o} instead of {:04o}", packed.mode, expected.mode)
            });
            let owners_hold = (&packed.owner, &packed.group) == (&expected.owner, &expected.group)
                || is_said(&[&expected.owner, &expected.group]);
            scene.check(ledger, &FILE_OWNERS, owners_hold, || {
                format!(
                    "{path} is of {}:{} instead of {}:{}",
                    packed.owner, packed.group, expected.owner, expected.group
                )
            });
            let capabilities_hold = packed.capabilities == expected.capabilities
                || expected.capabilities.as_ref().is_some_and(|it| is_said(&[it]))
                || scene.is_told(&[file.at]);
            scene.check(ledger, &FILE_CAPABILITIES, capabilities_hold, || {
                format!("{path} has {:?} instead of {:?}", packed.capabilities, expected.capabilities)
            });
            let is_marked = match scene.leaves_open(ArchiveMetadata::CONFIGURATION) {
                false => packed.marks.contains(FileMarks::CONFIGURATION),
                true => text.lines().any(|line| line.ends_with(packed.path.trim_start_matches('/'))),
            };
            scene.check(ledger, &CONFIGURATION_MARKED, is_marked == expected.is_configuration, || {
                match expected.is_configuration {
                    true => format!("{path} is not marked as configuration"),
                    false => format!("{path} is marked as configuration, which it is not"),
                }
            });
        }
    }
}
