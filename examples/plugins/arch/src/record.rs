//! What the host packs and reports where makepkg does not build the package.

use opkg_sdk::artefacts::{
    Archive, ArchiveContainer, ArchiveEntry, ArchiveFormat, ArchiveMetadata, BinaryPackage, Compression,
    Container, DetachedSignature, FileLayout, FileSelection, Member, MemberContent,
};
use opkg_sdk::model::Opkg;

use crate::name::PacmanVersion;
use crate::package::{Package, packager};
use crate::pkgbuild;

/// The record for the host. Relations, fields and scriptlets pacman reads from members in front of the files.
#[must_use]
pub fn to_record(package: &Package, opkg: &Opkg, base: &str, version: &PacmanVersion) -> BinaryPackage {
    let info = pkgbuild::render_pkginfo(opkg, package, base, version);
    let mut members = vec![member(".PKGINFO", info)];
    if !package.scriptlets.is_empty() {
        let script = pkgbuild::render_install_script(&package.scriptlets);
        members.push(member(".INSTALL", script));
    }
    BinaryPackage {
        part: Some(package.part.clone()),
        name: package.name.clone(),
        epoch: version.epoch,
        version: version.upstream.clone(),
        release: version.release.clone(),
        arch: package.arch.clone(),
        summary: package.summary.clone(),
        description: opkg.description.join("\n\n"),
        license: opkg.license.clone(),
        section: String::new(),
        url: opkg.uri.clone(),
        maintainer: packager(opkg),
        container: container(members),
        relations: Vec::new(),
        files: package.files.clone(),
        scriptlets: Vec::new(),
        file_triggers: Vec::new(),
        interests: Vec::new(),
        changelog: Vec::new(),
        fields: Vec::new(),
        attributes: Vec::new(),
        file_name: format!("{}-{}-{}.pkg.tar.zst", package.name, version.to_full_string(), package.arch),
    }
}

fn member(path: &str, text: String) -> ArchiveEntry {
    ArchiveEntry::Member(Member {
        path: path.to_owned(),
        content: MemberContent::Text(text),
        mode: 0o644,
        owner: "root".to_owned(),
        group: "root".to_owned(),
    })
}

/// One tar, as makepkg writes it.
fn container(members: Vec<ArchiveEntry>) -> Container {
    let files = FileLayout {
        select: FileSelection::Rest,
        prefix: String::new(),
        parents: true,
        headers: Vec::new(),
    };
    let archive = Archive {
        name: "package".to_owned(),
        format: ArchiveFormat::Tar,
        compression: Compression::Zstd,
        level: None,
        end_marker: true,
        entries: members.into_iter().chain([ArchiveEntry::Files(files)]).collect(),
    };
    Container::Archives(ArchiveContainer {
        archives: vec![archive],
        // The record has none of it: the members are written already.
        metadata: ArchiveMetadata::empty(),
        signature: Some(DetachedSignature { suffix: ".sig".to_owned(), armored: false }),
    })
}
