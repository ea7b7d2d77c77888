//! Of what archives a package is made.

use opkg_sdk::artefacts::{
    Archive, ArchiveContainer, ArchiveEntry, ArchiveFormat, ArchiveMetadata, Compression, Container,
    DetachedSignature, FileLayout, FileSelection,
};

/// How the names of packages end.
pub const SUFFIX: &str = ".pkg.tar.zst";

/// Where `.PKGINFO` and its sisters stand.
pub const METADATA_SLOT: &str = "metadata";

/// Where pacman looks for a signature: a file's name with this at its end.
pub fn signature() -> DetachedSignature {
    DetachedSignature { suffix: ".sig".to_owned(), armored: false }
}

/// One tar: what describes the package, then its files below all directories that lead to them, as makepkg has it.
pub fn container() -> Container {
    let files =
        FileLayout { select: FileSelection::Rest, prefix: String::new(), parents: true, headers: Vec::new() };
    Container::Archives(ArchiveContainer {
        archives: vec![Archive {
            name: "package".to_owned(),
            format: ArchiveFormat::Tar,
            compression: Compression::Zstd,
            level: None,
            end_marker: true,
            entries: vec![ArchiveEntry::Slot(METADATA_SLOT.to_owned()), ArchiveEntry::Files(files)],
        }],
        metadata: ArchiveMetadata::RELATIONS
            | ArchiveMetadata::SCRIPTLETS
            | ArchiveMetadata::CHANGELOG
            | ArchiveMetadata::CONFIGURATION
            | ArchiveMetadata::TRIGGERS
            | ArchiveMetadata::FIELDS,
        signature: Some(signature()),
    })
}
