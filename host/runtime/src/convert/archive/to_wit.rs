//! What plugins are told.

use opkg_interface::archive::{
    Archive, ArchiveContainer, ArchiveEntry, ArchiveFormat, DetachedSignature, DigestAlgorithm,
    DirectoryEntries, DirectoryMode, ExtendedHeader, FileSelection, HeaderValue, Member, MemberContent,
    SignatureScheme,
};
use opkg_interface::artefacts::Compression;
use opkg_interface::built::{
    BuiltArchive, BuiltFile, Digests, FileKind, PackageFile, PackageSource, Segment, SigningKey,
};

use super::METADATA;
use crate::bindings::v1::exports::opkg::plugin::containers as wit;
use crate::bindings::v1::opkg::plugin::artefacts;

pub(crate) fn archive_container(container: &ArchiveContainer) -> artefacts::ArchiveContainer {
    let mut metadata = artefacts::ArchiveMetadata::empty();
    for (what, told) in METADATA {
        if container.metadata.contains(what) {
            metadata |= told;
        }
    }
    let signature = |it: &DetachedSignature| artefacts::DetachedSignature {
        suffix: it.suffix.clone(),
        scheme: scheme(it.scheme),
    };
    artefacts::ArchiveContainer {
        archives: container.archives.iter().map(archive).collect(),
        metadata,
        signature: container.signature.as_ref().map(signature),
        attributes: Vec::new(),
    }
}

fn scheme(scheme: SignatureScheme) -> artefacts::SignatureScheme {
    match scheme {
        SignatureScheme::Openpgp => artefacts::SignatureScheme::Openpgp,
        SignatureScheme::OpenpgpArmored => artefacts::SignatureScheme::OpenpgpArmored,
        SignatureScheme::Rsa(digest) => artefacts::SignatureScheme::Rsa(digest_algorithm(digest)),
    }
}

fn digest_algorithm(algorithm: DigestAlgorithm) -> artefacts::DigestAlgorithm {
    match algorithm {
        DigestAlgorithm::Md5 => artefacts::DigestAlgorithm::Md5,
        DigestAlgorithm::Sha1 => artefacts::DigestAlgorithm::Sha1,
        DigestAlgorithm::Sha256 => artefacts::DigestAlgorithm::Sha256,
        DigestAlgorithm::Sha512 => artefacts::DigestAlgorithm::Sha512,
    }
}

fn archive(archive: &Archive) -> artefacts::Archive {
    artefacts::Archive {
        name: archive.name.clone(),
        format: match archive.format {
            ArchiveFormat::Tar => artefacts::ArchiveFormat::Tar,
            ArchiveFormat::TarGnu => artefacts::ArchiveFormat::TarGnu,
            ArchiveFormat::Ar => artefacts::ArchiveFormat::Ar,
            ArchiveFormat::Cpio => artefacts::ArchiveFormat::Cpio,
            ArchiveFormat::Concatenation => artefacts::ArchiveFormat::Concatenation,
        },
        compression: compression(archive.compression),
        level: archive.level,
        end_marker: archive.end_marker,
        entries: archive.entries.iter().map(entry).collect(),
        attributes: Vec::new(),
    }
}

fn entry(entry: &ArchiveEntry) -> artefacts::ArchiveEntry {
    match entry {
        ArchiveEntry::Files(layout) => artefacts::ArchiveEntry::Files(artefacts::FileLayout {
            select: match &layout.select {
                FileSelection::Rest => artefacts::FileSelection::Rest,
                FileSelection::Paths(paths) => artefacts::FileSelection::Paths(paths.clone()),
            },
            prefix: layout.prefix.clone(),
            directories: match layout.directories {
                DirectoryEntries::None => artefacts::DirectoryEntries::None,
                DirectoryEntries::Owned => artefacts::DirectoryEntries::Owned,
                DirectoryEntries::Parents => artefacts::DirectoryEntries::Parents,
            },
            parent_modes: layout.parent_modes.iter().map(directory_mode).collect(),
            headers: layout.headers.iter().map(header).collect(),
        }),
        ArchiveEntry::Member(it) => artefacts::ArchiveEntry::Member(member(it)),
        ArchiveEntry::Slot(name) => artefacts::ArchiveEntry::Slot(name.clone()),
        ArchiveEntry::Archive(it) => artefacts::ArchiveEntry::Archive(artefacts::NestedArchive {
            name: it.name.clone(),
            path: it.path.clone(),
        }),
        ArchiveEntry::Signature(it) => artefacts::ArchiveEntry::Signature(artefacts::EmbeddedSignature {
            name: it.name.clone(),
            path_prefix: it.path_prefix.clone(),
            path_suffix: it.path_suffix.clone(),
            scheme: scheme(it.scheme),
        }),
    }
}

fn directory_mode(directory: &DirectoryMode) -> artefacts::DirectoryMode {
    artefacts::DirectoryMode { path: directory.path.clone(), mode: directory.mode }
}

fn header(header: &ExtendedHeader) -> artefacts::ExtendedHeader {
    artefacts::ExtendedHeader {
        keyword: header.keyword.clone(),
        value: match &header.value {
            HeaderValue::Text(text) => artefacts::HeaderValue::Text(text.clone()),
            HeaderValue::Digest(algorithm) => artefacts::HeaderValue::Digest(digest_algorithm(*algorithm)),
        },
    }
}

fn member(member: &Member) -> artefacts::Member {
    artefacts::Member {
        path: member.path.clone(),
        content: match &member.content {
            MemberContent::Text(text) => artefacts::MemberContent::Text(text.clone()),
            MemberContent::Bytes(bytes) => artefacts::MemberContent::Bytes(bytes.clone()),
            MemberContent::Compressed(text, how) => {
                artefacts::MemberContent::Compressed((text.clone(), compression(*how)))
            }
            MemberContent::Directory => artefacts::MemberContent::Directory,
            MemberContent::Link(to) => artefacts::MemberContent::Link(to.clone()),
        },
        mode: member.mode,
        owner: member.owner.clone(),
        group: member.group.clone(),
        headers: member.headers.iter().map(header).collect(),
    }
}

pub(crate) fn compression(compression: Compression) -> artefacts::Compression {
    match compression {
        Compression::None => artefacts::Compression::None,
        Compression::Gzip => artefacts::Compression::Gzip,
        Compression::Xz => artefacts::Compression::Xz,
        Compression::Zstd => artefacts::Compression::Zstd,
    }
}

fn digests(digests: &Digests) -> wit::Digests {
    wit::Digests {
        md5: digests.md5.clone(),
        sha1: digests.sha1.clone(),
        sha256: digests.sha256.clone(),
        sha512: digests.sha512.clone(),
    }
}

pub(crate) fn built_file(file: &BuiltFile) -> wit::BuiltFile {
    wit::BuiltFile {
        path: file.path.clone(),
        kind: match &file.kind {
            FileKind::Regular(size, of) => wit::FileKind::Regular((*size, digests(of))),
            FileKind::Directory => wit::FileKind::Directory,
            FileKind::Link(to) => wit::FileKind::Link(to.clone()),
        },
        mode: file.mode,
        owner: file.owner.clone(),
        group: file.group.clone(),
        is_configuration: file.is_configuration,
    }
}

pub(crate) fn built_archive(archive: &BuiltArchive) -> wit::BuiltArchive {
    wit::BuiltArchive {
        name: archive.name.clone(),
        size: archive.size,
        unpacked_size: archive.unpacked_size,
        digests: digests(&archive.digests),
    }
}

pub(crate) fn package_source(source: &PackageSource) -> wit::PackageSource {
    wit::PackageSource {
        name: source.name.clone(),
        created: source.created,
        archs: source.archs.clone(),
        signing_key: source.signing_key.as_ref().map(signing_key),
        attributes: Vec::new(),
    }
}

fn signing_key(key: &SigningKey) -> wit::SigningKey {
    wit::SigningKey { name: key.name.clone(), owner: key.owner.clone(), bits: key.bits, pem: key.pem.clone() }
}

pub(crate) fn package_file(file: &PackageFile) -> wit::PackageFile {
    let segment = |it: &Segment| wit::Segment { size: it.size, digests: digests(&it.digests) };
    let member = |it: &opkg_interface::built::MemberBytes| wit::MemberBytes {
        path: it.path.clone(),
        contents: it.contents.clone(),
    };
    wit::PackageFile {
        file_name: file.file_name.clone(),
        size: file.size,
        digests: digests(&file.digests),
        segments: file.segments.iter().map(segment).collect(),
        members: file.members.iter().map(member).collect(),
        paths: file.paths.clone(),
    }
}
