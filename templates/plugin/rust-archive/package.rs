//! The record of a package: what it is made of, and what stands in it.

use opkg_sdk::artefacts::{
    Archive, ArchiveContainer, ArchiveEntry, ArchiveFormat, ArchiveMetadata, BinaryPackage,
    Compression, Container, Content, Field, FileLayout, FileMarks, PackedFile, Scriptlet,
};
use opkg_sdk::diagnostic::{error, push_unique, warning};
use opkg_sdk::model::{Diagnostic, Opkg, Role, ScriptTime};
use opkg_sdk::parts::PartPlan;
use opkg_sdk::{packed_files, scriptlet};

use crate::manifest::{self, MANIFEST_SLOT, SCRIPT_TIMES};
use crate::relations::relations;
use crate::target::{ID, Version};

pub fn binary_package(
    opkg: &Opkg,
    plan: &PartPlan<'_>,
    version: &Version,
    arch: &str,
    documentation: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> BinaryPackage {
    let (files, fields) = files(opkg, plan, documentation, diagnostics);
    let mut package = BinaryPackage {
        part: Some(plan.kind.clone()),
        name: plan.name.clone(),
        epoch: version.epoch,
        version: version.upstream.clone(),
        release: version.release.clone(),
        arch: arch.to_owned(),
        summary: plan.summary.clone(),
        description: opkg.description.join("\n\n"),
        license: opkg.license.clone(),
        section: String::new(),
        url: opkg.uri.clone(),
        maintainer: maintainer(opkg),
        container: container(),
        relations: Vec::new(),
        files,
        scriptlets: scripts(opkg, plan, diagnostics),
        file_triggers: Vec::new(),
        interests: Vec::new(),
        changelog: Vec::new(),
        fields,
        attributes: Vec::new(),
        file_name: format!("{}-{}.{arch}.tar.gz", plan.name, version.in_file_names()),
    };
    package.relations = relations(plan, &manifest::full_version(&package), diagnostics);
    package
}

/// Directories, files and links, sorted by path; and what the manifest says of files in words of its own, since only RPMs have a
/// mark for it: of configuration which takes the place of what somebody has changed.
fn files(
    opkg: &Opkg,
    plan: &PartPlan<'_>,
    documentation: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> (Vec<PackedFile>, Vec<Field>) {
    let (mut files, mut fields) = (Vec::new(), Vec::new());
    for mut file in packed_files::of_part(opkg, plan, documentation) {
        if file.capabilities.is_some() {
            let at = match file.content {
                Content::Source(at) => at,
                _ => opkg.at,
            };
            let message = format!(
                "`{}` cannot have capabilities in packages for {ID}",
                file.path
            );
            let help = "leave this distribution out with the `filters` of `files`";
            push_unique(diagnostics, error(at, message, help));
        }
        if file.marks.contains(FileMarks::REPLACED) {
            fields.push(Field {
                name: "configuration-replaced".to_owned(),
                value: file.path.clone(),
            });
        }
        // Those that an archive has; the others are of RPMs alone.
        file.marks &= FileMarks::DOCUMENTATION | FileMarks::CONFIGURATION | FileMarks::GHOST;
        files.push(file);
    }
    (files, fields)
}

/// What the package manager runs. Each is for `/bin/sh`; where the script's own file is not there at that time, it holds it.
fn scripts(opkg: &Opkg, plan: &PartPlan<'_>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Scriptlet> {
    let mut scripts = Vec::new();
    for file in &plan.files {
        let Some(script) = scriptlet::for_file(file, opkg, action_commands) else {
            continue;
        };
        if SCRIPT_TIMES.iter().any(|(time, _)| *time == script.time) {
            scripts.push(Scriptlet {
                time: script.time,
                interpreter: vec!["/bin/sh".to_owned()],
                body: script.body,
            });
        } else {
            let path = &file.source.path;
            let message = format!("packages for {ID} have no scripts such as `{path}`");
            let help = "let the post-install script do it";
            push_unique(diagnostics, warning(file.source.at, message, help));
        }
    }
    scripts
}

/// CHANGE: set both from the arguments that the package manager gives to its scripts, `install`, `upgrade`, `remove` or `purge`.
fn action_commands(_: ScriptTime) -> String {
    "OPKG_ACTION=\nOPKG_OLD_VERSION=\n".to_owned()
}

/// A package is one tar, compressed: what [`Distribution::members`] says, then the files under their paths. CHANGE: as many
/// archives as the package manager wants, each of which may be an entry of a later one.
fn container() -> Container {
    Container::Archives(ArchiveContainer {
        archives: vec![Archive {
            name: "package".to_owned(),
            format: ArchiveFormat::Tar,
            compression: Compression::Gzip,
            level: None,
            end_marker: true,
            entries: vec![
                ArchiveEntry::Slot(MANIFEST_SLOT.to_owned()),
                ArchiveEntry::Files(FileLayout::rest("")),
            ],
            attributes: Vec::new(),
        }],
        // What the manifest has. The host takes anything else in a package for a mistake.
        metadata: ArchiveMetadata::RELATIONS
            | ArchiveMetadata::SCRIPTLETS
            | ArchiveMetadata::CONFIGURATION
            | ArchiveMetadata::GHOSTS
            | ArchiveMetadata::FIELDS,
        signature: None, // CHANGE: where signatures stand that the package manager reads
        attributes: Vec::new(),
    })
}

/// `Name <address>` of the first one.
fn maintainer(opkg: &Opkg) -> String {
    let first = opkg
        .authors
        .iter()
        .find(|author| author.role == Role::Maintainer);
    first
        .map(|author| format!("{} <{}>", author.name, author.email))
        .unwrap_or_default()
}
