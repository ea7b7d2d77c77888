//! What plugins answer.

use opkg_interface::archive::{
    Archive, ArchiveContainer, ArchiveEntry, ArchiveFormat, ArchiveMetadata, DetachedSignature,
    DigestAlgorithm, DirectoryEntries, DirectoryMode, EmbeddedSignature, ExtendedHeader, FileLayout,
    FileSelection, HeaderValue, Member, MemberContent, NestedArchive, SignatureScheme,
};
use opkg_interface::artefacts::Compression;
use opkg_interface::built::{IndexContent, IndexFile, IndexNeeds};

use super::METADATA;
use crate::bindings::v1::exports::opkg::plugin::containers as wit;
use crate::bindings::v1::opkg::plugin::artefacts;
use crate::convert::attributes::refuse_attributes;
use crate::validate_words::ValidationError;

pub(crate) fn archive_container(
    raw: artefacts::ArchiveContainer,
) -> Result<ArchiveContainer, ValidationError> {
    refuse_attributes(&raw.attributes)?;
    let mut metadata = ArchiveMetadata::empty();
    for (what, told) in METADATA {
        metadata.set(what, raw.metadata.contains(told));
    }
    Ok(ArchiveContainer {
        archives: archives(raw.archives)?,
        metadata,
        signature: raw.signature.map(signature),
    })
}

fn signature(raw: artefacts::DetachedSignature) -> DetachedSignature {
    DetachedSignature { suffix: raw.suffix, scheme: scheme(raw.scheme) }
}

fn scheme(raw: artefacts::SignatureScheme) -> SignatureScheme {
    match raw {
        artefacts::SignatureScheme::Openpgp => SignatureScheme::Openpgp,
        artefacts::SignatureScheme::OpenpgpArmored => SignatureScheme::OpenpgpArmored,
        artefacts::SignatureScheme::Rsa(digest) => SignatureScheme::Rsa(digest_algorithm(digest)),
    }
}

fn digest_algorithm(raw: artefacts::DigestAlgorithm) -> DigestAlgorithm {
    match raw {
        artefacts::DigestAlgorithm::Md5 => DigestAlgorithm::Md5,
        artefacts::DigestAlgorithm::Sha1 => DigestAlgorithm::Sha1,
        artefacts::DigestAlgorithm::Sha256 => DigestAlgorithm::Sha256,
        artefacts::DigestAlgorithm::Sha512 => DigestAlgorithm::Sha512,
    }
}

fn archives(raw: Vec<artefacts::Archive>) -> Result<Vec<Archive>, ValidationError> {
    let archive = |it: artefacts::Archive| {
        refuse_attributes(&it.attributes)?;
        Ok(Archive {
            name: it.name,
            format: match it.format {
                artefacts::ArchiveFormat::Tar => ArchiveFormat::Tar,
                artefacts::ArchiveFormat::TarGnu => ArchiveFormat::TarGnu,
                artefacts::ArchiveFormat::Ar => ArchiveFormat::Ar,
                artefacts::ArchiveFormat::Cpio => ArchiveFormat::Cpio,
                artefacts::ArchiveFormat::Concatenation => ArchiveFormat::Concatenation,
            },
            compression: compression(it.compression),
            level: it.level,
            end_marker: it.end_marker,
            entries: it.entries.into_iter().map(entry).collect(),
        })
    };
    raw.into_iter().map(archive).collect()
}

fn entry(raw: artefacts::ArchiveEntry) -> ArchiveEntry {
    match raw {
        artefacts::ArchiveEntry::Files(layout) => ArchiveEntry::Files(FileLayout {
            select: match layout.select {
                artefacts::FileSelection::Rest => FileSelection::Rest,
                artefacts::FileSelection::Paths(paths) => FileSelection::Paths(paths),
            },
            prefix: layout.prefix,
            directories: match layout.directories {
                artefacts::DirectoryEntries::None => DirectoryEntries::None,
                artefacts::DirectoryEntries::Owned => DirectoryEntries::Owned,
                artefacts::DirectoryEntries::Parents => DirectoryEntries::Parents,
            },
            parent_modes: layout
                .parent_modes
                .into_iter()
                .map(|it| DirectoryMode { path: it.path, mode: it.mode })
                .collect(),
            headers: layout.headers.into_iter().map(header).collect(),
        }),
        artefacts::ArchiveEntry::Member(it) => ArchiveEntry::Member(member(it)),
        artefacts::ArchiveEntry::Slot(name) => ArchiveEntry::Slot(name),
        artefacts::ArchiveEntry::Archive(it) => {
            ArchiveEntry::Archive(NestedArchive { name: it.name, path: it.path })
        }
        artefacts::ArchiveEntry::Signature(it) => ArchiveEntry::Signature(EmbeddedSignature {
            name: it.name,
            path_prefix: it.path_prefix,
            path_suffix: it.path_suffix,
            scheme: scheme(it.scheme),
        }),
    }
}

fn header(raw: artefacts::ExtendedHeader) -> ExtendedHeader {
    ExtendedHeader {
        keyword: raw.keyword,
        value: match raw.value {
            artefacts::HeaderValue::Text(text) => HeaderValue::Text(text),
            artefacts::HeaderValue::Digest(algorithm) => HeaderValue::Digest(digest_algorithm(algorithm)),
        },
    }
}

pub(crate) fn members(raw: Vec<artefacts::Member>) -> Vec<Member> {
    raw.into_iter().map(member).collect()
}

fn member(raw: artefacts::Member) -> Member {
    Member {
        path: raw.path,
        content: match raw.content {
            artefacts::MemberContent::Text(text) => MemberContent::Text(text),
            artefacts::MemberContent::Bytes(bytes) => MemberContent::Bytes(bytes),
            artefacts::MemberContent::Compressed((text, how)) => {
                MemberContent::Compressed(text, compression(how))
            }
            artefacts::MemberContent::Directory => MemberContent::Directory,
            artefacts::MemberContent::Link(to) => MemberContent::Link(to),
        },
        mode: raw.mode,
        owner: raw.owner,
        group: raw.group,
        headers: raw.headers.into_iter().map(header).collect(),
    }
}

fn compression(raw: artefacts::Compression) -> Compression {
    match raw {
        artefacts::Compression::None => Compression::None,
        artefacts::Compression::Gzip => Compression::Gzip,
        artefacts::Compression::Xz => Compression::Xz,
        artefacts::Compression::Zstd => Compression::Zstd,
    }
}

pub(crate) fn index_needs(raw: wit::IndexRequest) -> Result<IndexNeeds, ValidationError> {
    refuse_attributes(&raw.attributes)?;
    Ok(IndexNeeds { suffixes: raw.suffixes, members: raw.members })
}

pub(crate) fn index_files(raw: Vec<wit::IndexFile>) -> Result<Vec<IndexFile>, ValidationError> {
    let file = |it: wit::IndexFile| {
        refuse_attributes(&it.attributes)?;
        Ok(IndexFile {
            path: it.path,
            content: match it.content {
                wit::IndexContent::Archives(it) => IndexContent::Archives(archives(it)?),
                wit::IndexContent::Link(to) => IndexContent::Link(to),
            },
            signature: it.signature.map(signature),
        })
    };
    raw.into_iter().map(file).collect()
}
