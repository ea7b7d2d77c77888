//! Of what archives a package is made.

use opkg_sdk::artefacts::{
    Archive, ArchiveContainer, ArchiveEntry, ArchiveFormat, ArchiveMetadata, Compression, Container,
    DetachedSignature, DirectoryMode, FileLayout, SignatureScheme,
};

/// How the names of packages end.
pub const SUFFIX: &str = ".pkg.tar.zst";

/// Directories of the package `filesystem`; pacman tells of those that have another mode in a package.
pub const PARENT_MODES: [(&str, u32); 4] =
    [("/root", 0o750), ("/tmp", 0o1777), ("/var/spool/mail", 0o1777), ("/var/tmp", 0o1777)];

/// Where `.PKGINFO` and its sisters stand.
pub const METADATA_SLOT: &str = "metadata";

/// Where pacman looks for a signature: a file's name with this at its end.
pub fn signature() -> DetachedSignature {
    DetachedSignature { suffix: ".sig".to_owned(), scheme: SignatureScheme::Openpgp }
}

/// One tar: what describes the package, then its files below all directories that lead to them, as makepkg has it.
pub fn container() -> Container {
    let mode = |(path, mode): (&str, u32)| DirectoryMode { path: path.to_owned(), mode };
    let files = FileLayout { parent_modes: PARENT_MODES.map(mode).to_vec(), ..FileLayout::rest("") };
    Container::Archives(ArchiveContainer {
        archives: vec![Archive {
            name: "package".to_owned(),
            format: ArchiveFormat::Tar,
            compression: Compression::Zstd,
            level: None,
            end_marker: true,
            attributes: Vec::new(),
            entries: vec![ArchiveEntry::Slot(METADATA_SLOT.to_owned()), ArchiveEntry::Files(files)],
        }],
        metadata: ArchiveMetadata::RELATIONS
            | ArchiveMetadata::SCRIPTLETS
            | ArchiveMetadata::CHANGELOG
            | ArchiveMetadata::CONFIGURATION
            | ArchiveMetadata::TRIGGERS
            | ArchiveMetadata::FIELDS
            | ArchiveMetadata::GHOSTS,
        signature: Some(signature()),
        attributes: Vec::new(),
    })
}
