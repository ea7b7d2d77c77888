//! Packages that are made of archives, which version 1.0 brought: what plugins say of them, and what they are told while they
//! are made.

pub(crate) mod from_wit;
pub(crate) mod to_wit;

use opkg_interface::archive::ArchiveMetadata;

use crate::bindings::v1::opkg::plugin::artefacts;

/// What members say, in the host's words and in the interface's.
const METADATA: [(ArchiveMetadata, artefacts::ArchiveMetadata); 8] = [
    (ArchiveMetadata::RELATIONS, artefacts::ArchiveMetadata::RELATIONS),
    (ArchiveMetadata::SCRIPTLETS, artefacts::ArchiveMetadata::SCRIPTLETS),
    (ArchiveMetadata::CHANGELOG, artefacts::ArchiveMetadata::CHANGELOG),
    (ArchiveMetadata::CONFIGURATION, artefacts::ArchiveMetadata::CONFIGURATION),
    (ArchiveMetadata::TRIGGERS, artefacts::ArchiveMetadata::TRIGGERS),
    (ArchiveMetadata::FIELDS, artefacts::ArchiveMetadata::FIELDS),
    (ArchiveMetadata::GHOSTS, artefacts::ArchiveMetadata::GHOSTS),
    (ArchiveMetadata::DIRECTORIES, artefacts::ArchiveMetadata::DIRECTORIES),
];
