//! Slots of archives, asked for as when packages are made, and filled with the answers: what a rule looks for in members may
//! stand in one.

use std::collections::BTreeMap;
use std::sync::Arc;

use opkg::digest::sha256;
use opkg::model::{Opkg, SourceFile};
use opkg_interface::archive::{ArchiveEntry, Member};
use opkg_interface::artefacts::{BinaryPackage, Container, Content, FileMarks, Output};
use opkg_interface::built::{Built, BuiltArchive, BuiltFile, Digests, FileKind};
use opkg_interface::{PackageSettings, Target};

use crate::plugin::PluginUnderTest;

/// What the answers are about.
#[derive(Clone, Copy)]
pub struct SlotCall<'a> {
    pub plugin: &'a dyn PluginUnderTest,
    pub opkg: &'a Arc<Opkg>,
    pub target: &'a Target,
    pub settings: &'a PackageSettings,
}

/// What a plugin answered for a slot, asked twice.
pub struct SlotAnswer {
    /// The name of the package.
    pub package: String,
    pub slot: String,
    pub first: Result<Vec<Member>, String>,
    pub second: Result<Vec<Member>, String>,
}

/// Puts the members of all slots of all packages into their places. Returns what was answered.
pub fn fill(call: SlotCall<'_>, output: &mut Output) -> Vec<SlotAnswer> {
    let mut answers = Vec::new();
    for package in &mut output.packages {
        let record = package.clone();
        let Container::Archives(container) = &mut package.container else { continue };
        let files = describe_files(&record, call.opkg);
        let mut archives: Vec<BuiltArchive> = Vec::new();
        for archive in &mut container.archives {
            let mut entries = Vec::with_capacity(archive.entries.len());
            for entry in std::mem::take(&mut archive.entries) {
                let ArchiveEntry::Slot(slot) = &entry else {
                    entries.push(entry);
                    continue;
                };
                let ask = || {
                    let size = |file: &BuiltFile| match file.kind {
                        FileKind::Regular(size, _) => size,
                        FileKind::Directory | FileKind::Link(_) => 0,
                    };
                    let installed_size = files.iter().map(size).sum();
                    let built =
                        Built { package: &record, files: &files, installed_size, archives: &archives };
                    call.plugin.members(call.opkg, call.target, call.settings, slot, &built)
                };
                let (first, second) = (ask(), ask());
                entries.extend(first.iter().flatten().cloned().map(ArchiveEntry::Member));
                let (package, slot) = (record.name.clone(), slot.clone());
                answers.push(SlotAnswer { package, slot, first, second });
            }
            archive.entries = entries;
            archives.push(BuiltArchive {
                name: archive.name.clone(),
                size: 4321,
                unpacked_size: 10240,
                digests: digests(&sha256(archive.name.as_bytes())),
            });
        }
    }
    answers
}

/// The files of a package as they would be read. Nothing is written here: digests look like some, and are those of nothing.
fn describe_files(package: &BinaryPackage, opkg: &Opkg) -> Vec<BuiltFile> {
    let sources: BTreeMap<u32, &SourceFile> = opkg.files.iter().map(|file| (file.at.0, file)).collect();
    let of_text = |text: &str| FileKind::Regular(text.len() as u64, digests(&sha256(text.as_bytes())));
    let kind = |content: &Content| match content {
        Content::Source(node) => match sources.get(node) {
            Some(SourceFile { link: Some(to), .. }) => FileKind::Link(to.clone()),
            Some(file) => FileKind::Regular(file.size, digests(&opkg::digest::hex(&file.sha256))),
            None => of_text(""),
        },
        Content::Text(text) | Content::GzipText(text) => of_text(text),
        Content::Directory => FileKind::Directory,
        Content::Link(to) => FileKind::Link(to.clone()),
    };
    let files = package.files.iter().filter(|file| !file.marks.contains(FileMarks::GHOST));
    files
        .map(|file| BuiltFile {
            path: file.path.clone(),
            kind: kind(&file.content),
            mode: file.mode,
            owner: file.owner.clone(),
            group: file.group.clone(),
            is_configuration: file.marks.contains(FileMarks::CONFIGURATION),
        })
        .collect()
}

/// Digests of their lengths, made of one.
fn digests(sha256: &str) -> Digests {
    Digests {
        md5: sha256.chars().take(32).collect(),
        sha1: sha256.chars().take(40).collect(),
        sha256: sha256.to_owned(),
        sha512: sha256.repeat(2),
    }
}
