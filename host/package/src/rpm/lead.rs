//! What the oldest part of the format says, read by nobody but file(1) any more.

use opkg_interface::artefacts::{BinaryPackage, RpmFormatVersion};

use super::naming::format_evr;

/// Longest name in a lead, with the zero byte that ends it.
const NAME_BYTES: usize = 66;

/// Which kind of package it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PackageKind {
    Binary,
    Source,
}

/// The 96 bytes in front of a package.
pub(super) fn build_lead(package: &BinaryPackage, kind: PackageKind, version: RpmFormatVersion) -> Vec<u8> {
    // Packages of format 4 say 3 here, those of format 6 say 4. The numbers of architecture and system are no longer
    // looked at, and format 6 has none.
    let (major, platform) = match version {
        RpmFormatVersion::V4 => (3, 1),
        RpmFormatVersion::V6 => (4, 0),
    };
    let mut lead =
        vec![0xed, 0xab, 0xee, 0xdb, major, 0, 0, u8::from(kind == PackageKind::Source), 0, platform];
    let name = format!("{}-{}", package.name, format_evr(package));
    lead.extend(name.bytes().take(NAME_BYTES - 1));
    lead.resize(10 + NAME_BYTES, 0);
    // Signatures are in a header.
    lead.extend([0, platform, 0, 5]);
    lead.resize(96, 0);
    lead
}
