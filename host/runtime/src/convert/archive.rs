//! Packages that are made of archives, which version 1.0 brought: what plugins say of them, and what they are told while they
//! are made.

/// What plugins answer.
pub(crate) mod from_wit {
    use opkg_interface::archive::{
        Archive, ArchiveContainer, ArchiveEntry, ArchiveFormat, ArchiveMetadata, DetachedSignature,
        DigestAlgorithm, DirectoryEntries, DirectoryMode, EmbeddedSignature, ExtendedHeader, FileLayout,
        FileSelection, HeaderValue, Member, MemberContent, NestedArchive, SignatureScheme,
    };
    use opkg_interface::artefacts::Compression;
    use opkg_interface::built::{IndexContent, IndexFile, IndexNeeds};

    use crate::bindings::v1::exports::opkg::plugin::containers as wit;
    use crate::bindings::v1::opkg::plugin::artefacts;
    use crate::convert::attributes::refuse_attributes;
    use crate::validate_words::ValidationError;

    pub(crate) fn archive_container(
        raw: artefacts::ArchiveContainer,
    ) -> Result<ArchiveContainer, ValidationError> {
        refuse_attributes(&raw.attributes)?;
        let mut metadata = ArchiveMetadata::empty();
        for (what, told) in [
            (ArchiveMetadata::RELATIONS, artefacts::ArchiveMetadata::RELATIONS),
            (ArchiveMetadata::SCRIPTLETS, artefacts::ArchiveMetadata::SCRIPTLETS),
            (ArchiveMetadata::CHANGELOG, artefacts::ArchiveMetadata::CHANGELOG),
            (ArchiveMetadata::CONFIGURATION, artefacts::ArchiveMetadata::CONFIGURATION),
            (ArchiveMetadata::TRIGGERS, artefacts::ArchiveMetadata::TRIGGERS),
            (ArchiveMetadata::FIELDS, artefacts::ArchiveMetadata::FIELDS),
            (ArchiveMetadata::GHOSTS, artefacts::ArchiveMetadata::GHOSTS),
            (ArchiveMetadata::DIRECTORIES, artefacts::ArchiveMetadata::DIRECTORIES),
        ] {
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
}

/// What plugins are told.
pub(crate) mod to_wit {
    use opkg_interface::archive::{
        Archive, ArchiveContainer, ArchiveEntry, ArchiveFormat, ArchiveMetadata, DetachedSignature,
        DigestAlgorithm, DirectoryEntries, DirectoryMode, ExtendedHeader, FileSelection, HeaderValue, Member,
        MemberContent, SignatureScheme,
    };
    use opkg_interface::artefacts::Compression;
    use opkg_interface::built::{
        BuiltArchive, BuiltFile, Digests, FileKind, PackageFile, PackageSource, Segment, SigningKey,
    };

    use crate::bindings::v1::exports::opkg::plugin::containers as wit;
    use crate::bindings::v1::opkg::plugin::artefacts;

    pub(crate) fn archive_container(container: &ArchiveContainer) -> artefacts::ArchiveContainer {
        let mut metadata = artefacts::ArchiveMetadata::empty();
        for (what, told) in [
            (ArchiveMetadata::RELATIONS, artefacts::ArchiveMetadata::RELATIONS),
            (ArchiveMetadata::SCRIPTLETS, artefacts::ArchiveMetadata::SCRIPTLETS),
            (ArchiveMetadata::CHANGELOG, artefacts::ArchiveMetadata::CHANGELOG),
            (ArchiveMetadata::CONFIGURATION, artefacts::ArchiveMetadata::CONFIGURATION),
            (ArchiveMetadata::TRIGGERS, artefacts::ArchiveMetadata::TRIGGERS),
            (ArchiveMetadata::FIELDS, artefacts::ArchiveMetadata::FIELDS),
            (ArchiveMetadata::GHOSTS, artefacts::ArchiveMetadata::GHOSTS),
            (ArchiveMetadata::DIRECTORIES, artefacts::ArchiveMetadata::DIRECTORIES),
        ] {
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
                HeaderValue::Digest(algorithm) => {
                    artefacts::HeaderValue::Digest(digest_algorithm(*algorithm))
                }
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
        wit::SigningKey {
            name: key.name.clone(),
            owner: key.owner.clone(),
            bits: key.bits,
            pem: key.pem.clone(),
        }
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
}
