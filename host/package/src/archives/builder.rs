//! The archives of a file, one after the other: each is made as a whole before the next one begins.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::Path;

use opkg_interface::archive::{
    Archive, ArchiveEntry, ArchiveFormat, DirectoryEntries, EmbeddedSignature, FileLayout, Member,
    MemberContent, NestedArchive, SignatureScheme,
};
use opkg_interface::artefacts::Compression;
use opkg_interface::built::{BuiltArchive, Digests};

use super::ar::ArStream;
use super::contents::PackageContents;
use super::cpio::CpioStream;
use super::digest_set::DigestSet;
use super::entry::{Data, Entry, EntryError, OTHER_FORMAT, Paths, refuse};
use super::tar::{TarDialect, TarStream};
use super::{concatenation, layout};
use crate::Error;
use crate::checksums::DigestWriter;
use crate::compress::{CompressingWriter, CompressionEffort};
use crate::entries::EntryContent;
use crate::sign::Signer;
use crate::spool::{PiecedFile, Spool};

/// Makes a file of archives.
pub(crate) struct ArchiveBuilder<'a> {
    /// Its name, for messages.
    pub(crate) file_name: &'a str,
    /// Of everything in the archives, in seconds since 1970.
    pub(crate) mtime: u64,
    pub(crate) effort: CompressionEffort,
    /// For what does not stay in memory.
    pub(crate) directory: &'a Path,
    /// Makes the signatures that stand in the archives.
    pub(crate) signer: Option<&'a Signer>,
    /// Of a package; an index has no files and no slots.
    pub(super) contents: Option<&'a PackageContents<'a>>,
}

/// An archive that is whole.
struct Made {
    /// Until another one holds it.
    stored: Option<Spool>,
    told: BuiltArchive,
}

impl Made {
    /// An archive of no bytes, not even those with which its format ends.
    fn empty(archive: &Archive, directory: &Path) -> Self {
        let digests = DigestSet::default().finish();
        let told = BuiltArchive { name: archive.name.clone(), size: 0, unpacked_size: 0, digests };
        Self { stored: Some(Spool::new(directory)), told }
    }
}

/// What is written into an archive, as far as it is stored.
type Stored = DigestWriter<Spool, Option<DigestSet>>;

/// What comes before it is compressed, counted.
type Unpacked = DigestWriter<CompressingWriter<Stored>, ()>;

impl<'a> ArchiveBuilder<'a> {
    /// One of archives that hold nothing but what they say themselves.
    pub(crate) fn of_index(
        file_name: &'a str,
        mtime: u64,
        directory: &'a Path,
        signer: Option<&'a Signer>,
    ) -> Self {
        Self { file_name, mtime, effort: CompressionEffort::Auto, directory, signer, contents: None }
    }

    /// Makes all of them. The last one is the file.
    pub(crate) fn build(&self, archives: &[Archive]) -> Result<PiecedFile, Error> {
        let named = layout::named_paths(archives);
        let mut made: Vec<Made> = Vec::new();
        for (index, archive) in archives.iter().enumerate() {
            let is_told = archives[index + 1..].iter().flat_map(|it| &it.entries).any(is_slot);
            if self.is_empty(archive) {
                for signature in archive.signatures() {
                    self.signed_archive(archive, signature, &mut made)?;
                }
                made.push(Made::empty(archive, self.directory));
                continue;
            }
            let mut writer = ArchiveWriter::new(self, archive, is_told)?;
            for (number, entry) in archive.entries.iter().enumerate() {
                match entry {
                    ArchiveEntry::Files(layout) => writer.append_files(layout, &named)?,
                    ArchiveEntry::Member(member) => writer.append_member(member)?,
                    ArchiveEntry::Slot(slot) => {
                        let told: Vec<BuiltArchive> = made.iter().map(|it| it.told.clone()).collect();
                        for member in self.package_contents()?.slot_members(slot, &told)? {
                            writer.append_member(&member)?;
                        }
                    }
                    ArchiveEntry::Archive(nested) => {
                        let later = archives[index + 1..].iter().flat_map(|it| &it.entries);
                        let mut later = archive.entries[number + 1..].iter().chain(later);
                        let is_kept =
                            later.any(|it| it.as_signature().is_some_and(|it| it.name == nested.name));
                        writer.append_archive(nested, &mut made, is_kept)?;
                    }
                    ArchiveEntry::Signature(signature) => writer.append_signature(signature, &mut made)?,
                }
            }
            made.push(writer.finish()?);
        }
        let last = made.pop().and_then(|it| it.stored);
        last.map(PiecedFile::from).ok_or_else(|| self.invalid("has no archive".into()))
    }

    /// Who signs by a scheme, if anybody does.
    fn signer_of(&self, scheme: SignatureScheme) -> Option<&'a Signer> {
        self.signer.filter(|signer| signer.can_sign(scheme))
    }

    /// Whether nothing but signatures would stand in an archive, and nobody makes them.
    fn is_empty(&self, archive: &Archive) -> bool {
        let is_left_out =
            |entry: &ArchiveEntry| entry.as_signature().is_some_and(|it| self.signer_of(it.scheme).is_none());
        !archive.entries.is_empty() && archive.entries.iter().all(is_left_out)
    }

    /// What a signature is over.
    fn signed_archive<'m>(
        &self,
        archive: &Archive,
        EmbeddedSignature { name, .. }: &EmbeddedSignature,
        made: &'m mut [Made],
    ) -> Result<&'m mut Spool, Error> {
        let found = made.iter_mut().find(|it| it.told.name == *name);
        found.and_then(|it| it.stored.as_mut()).ok_or_else(|| {
            self.invalid(format!("has no archive `{name}` for a signature in `{}`", archive.name))
        })
    }

    fn package_contents(&self) -> Result<&'a PackageContents<'a>, Error> {
        self.contents.ok_or_else(|| self.invalid("is no package, and has no files or slots".into()))
    }

    fn invalid(&self, what: String) -> Error {
        Error::InvalidOutput(format!("{} {what}", self.file_name))
    }
}

fn is_slot(entry: &ArchiveEntry) -> bool {
    matches!(entry, ArchiveEntry::Slot(_))
}

enum Stream {
    Tar(TarStream<Unpacked>),
    Ar(ArStream<Unpacked>),
    Cpio(CpioStream<Unpacked>),
    Concatenation(Unpacked),
}

/// One archive being written.
struct ArchiveWriter<'a> {
    builder: &'a ArchiveBuilder<'a>,
    archive: &'a Archive,
    stream: Stream,
    paths: Paths,
}

impl<'a> ArchiveWriter<'a> {
    /// `is_told` says whether somebody is told the digests of the archive.
    fn new(builder: &'a ArchiveBuilder<'a>, archive: &'a Archive, is_told: bool) -> Result<Self, Error> {
        let spool = Spool::new(builder.directory);
        let stored = DigestWriter::new(spool, is_told.then(DigestSet::default));
        let packed = match archive.level {
            None => CompressingWriter::new(stored, archive.compression, builder.effort),
            Some(level) => {
                let writer = CompressingWriter::with_level(stored, archive.compression, level);
                writer.map_err(|reason| {
                    builder.invalid(format!("has an archive `{}` {reason}", archive.name))
                })?
            }
        };
        let to = DigestWriter::new(packed, ());
        let mtime = builder.mtime;
        let stream = match archive.format {
            ArchiveFormat::Tar => Stream::Tar(TarStream::new(to, TarDialect::Posix, mtime)),
            ArchiveFormat::TarGnu => Stream::Tar(TarStream::new(to, TarDialect::Gnu, mtime)),
            ArchiveFormat::Ar => Stream::Ar(ArStream::new(to, mtime)),
            ArchiveFormat::Cpio => Stream::Cpio(CpioStream::new(to, mtime)),
            ArchiveFormat::Concatenation => Stream::Concatenation(to),
        };
        Ok(Self { builder, archive, stream, paths: Paths::default() })
    }

    fn append_files(&mut self, layout: &FileLayout, named: &BTreeSet<&str>) -> Result<(), Error> {
        let contents = self.builder.package_contents()?;
        for index in layout::select_entries(layout, &contents.entries, named) {
            let entry = &contents.entries[index];
            let path = layout::archive_path(layout, &entry.path);
            match layout.directories {
                DirectoryEntries::None if matches!(entry.content, EntryContent::Directory) => continue,
                DirectoryEntries::None | DirectoryEntries::Owned => {}
                DirectoryEntries::Parents => self.append_parents(layout, &path)?,
            }
            self.append_file(layout, &path, index)?;
        }
        Ok(())
    }

    /// The directories that a path leads through, as the package has them where it owns them.
    fn append_parents(&mut self, layout: &FileLayout, path: &str) -> Result<(), Error> {
        let contents = self.builder.package_contents()?;
        for (end, _) in path.match_indices('/') {
            let parent = &path[..end];
            if parent.is_empty() || self.paths.contains(parent) {
                continue;
            }
            let installed = parent.strip_prefix(layout.prefix.as_str()).map(|rest| format!("/{rest}"));
            let owned = installed.as_ref().and_then(|path| {
                let found = contents.entries.binary_search_by(|entry| entry.path.as_str().cmp(path)).ok()?;
                matches!(contents.entries[found].content, EntryContent::Directory).then_some(found)
            });
            match owned {
                Some(index) => self.append_file(layout, parent, index)?,
                None => {
                    let mode = installed.map_or(0o755, |path| layout::parent_mode(layout, &path));
                    let data = Data::Directory;
                    let headers = &[];
                    let (owner, group) = ("root", "root");
                    self.append(Entry { path: parent, mode, owner, group, headers, data })?;
                }
            }
        }
        Ok(())
    }

    fn append_file(&mut self, layout: &FileLayout, path: &str, index: usize) -> Result<(), Error> {
        let contents = self.builder.package_contents()?;
        let entry = &contents.entries[index];
        let headers = layout::file_records(layout, contents.built_file(index));
        let mut reader: Box<dyn Read + '_>;
        let (mode, data) = match &entry.content {
            EntryContent::File(content) => {
                reader = content.open()?;
                (entry.mode, Data::File(content.size(), &mut reader))
            }
            EntryContent::Directory => (entry.mode, Data::Directory),
            EntryContent::Symlink(to) => (0o777, Data::Link(to)),
        };
        let (owner, group) = (entry.owner.as_str(), entry.group.as_str());
        self.append(Entry { path, mode, owner, group, headers: &headers, data })
    }

    fn append_member(&mut self, member: &Member) -> Result<(), Error> {
        let effort = self.builder.effort;
        let packed;
        let bytes: Option<&[u8]> = match &member.content {
            MemberContent::Text(text) => Some(text.as_bytes()),
            MemberContent::Bytes(bytes) => Some(bytes),
            MemberContent::Compressed(text, compression) => {
                packed = compress_text(text, *compression, effort)?;
                Some(&packed)
            }
            MemberContent::Directory | MemberContent::Link(_) => None,
        };
        let mut reader = bytes.unwrap_or_default();
        let data = match (&member.content, bytes) {
            (MemberContent::Link(to), _) => Data::Link(to),
            (_, Some(bytes)) => Data::File(bytes.len() as u64, &mut reader),
            (_, None) => Data::Directory,
        };
        let headers = layout::header_records(&member.headers, |algorithm| match (&member.content, bytes) {
            (MemberContent::Link(to), _) => layout::digest_bytes(algorithm, to.as_bytes()),
            (_, bytes) => layout::digest_bytes(algorithm, bytes?),
        });
        let Member { path, mode, owner, group, .. } = member;
        let path = if matches!(data, Data::Directory) { path.trim_end_matches('/') } else { path };
        self.append(Entry { path, mode: *mode, owner, group, headers: &headers, data })
    }

    /// `is_kept` says whether somebody needs the archive afterwards.
    fn append_archive(
        &mut self,
        nested: &NestedArchive,
        made: &mut [Made],
        is_kept: bool,
    ) -> Result<(), Error> {
        let found = made.iter_mut().find(|it| it.told.name == nested.name);
        let place = found.map(|it| &mut it.stored);
        let Some((mut spool, place)) = place.and_then(|place| Some((place.take()?, place))) else {
            let what = format!("has no archive `{}` for `{}`", nested.name, self.archive.name);
            return Err(self.builder.invalid(what));
        };
        let size = spool.size();
        let mut contents = spool.reader()?;
        let data = Data::File(size, &mut contents);
        let path = nested.path.as_str();
        self.append(Entry { path, mode: 0o644, owner: "root", group: "root", headers: &[], data })?;
        drop(contents);
        *place = is_kept.then_some(spool);
        Ok(())
    }

    /// Nothing, where nobody signs.
    fn append_signature(&mut self, signature: &EmbeddedSignature, made: &mut [Made]) -> Result<(), Error> {
        let EmbeddedSignature { path_prefix, path_suffix, scheme, .. } = signature;
        let spool = self.builder.signed_archive(self.archive, signature, made)?;
        let Some(signer) = self.builder.signer_of(*scheme) else { return Ok(()) };
        let bytes = signer.sign(*scheme, spool.reader()?, self.builder.mtime)?;
        let is_nameless = path_prefix.is_empty() && path_suffix.is_empty();
        let path = match self.archive.format {
            ArchiveFormat::Concatenation if is_nameless => String::new(),
            _ => format!("{path_prefix}{}{path_suffix}", signer.name()),
        };
        let data = Data::File(bytes.len() as u64, &mut bytes.as_slice());
        self.append(Entry { path: &path, mode: 0o644, owner: "root", group: "root", headers: &[], data })
    }

    fn append(&mut self, entry: Entry<'_>) -> Result<(), Error> {
        let path = entry.path.to_owned();
        self.try_append(entry).map_err(|error| match error {
            EntryError::Failed(error) => error,
            EntryError::Refused(reason, remedy) => Error::CannotHold {
                file: self.builder.file_name.to_owned(),
                archive: self.archive.name.clone(),
                path,
                reason,
                remedy,
            },
        })
    }

    fn try_append(&mut self, entry: Entry<'_>) -> Result<(), EntryError> {
        if !entry.headers.is_empty() && !matches!(self.stream, Stream::Tar(_)) {
            return refuse("only a tar of POSIX has extended headers", OTHER_FORMAT);
        }
        if let Stream::Concatenation(to) = &mut self.stream {
            return concatenation::append(to, entry);
        }
        if !self.paths.admit(&entry)? {
            return Ok(());
        }
        match &mut self.stream {
            Stream::Tar(tar) => tar.append(entry),
            Stream::Ar(ar) => ar.append(entry),
            Stream::Cpio(cpio) => cpio.append(entry),
            Stream::Concatenation(to) => concatenation::append(to, entry),
        }
    }

    fn finish(self) -> Result<Made, Error> {
        let to = match self.stream {
            Stream::Tar(tar) => tar.finish(self.archive.end_marker)?,
            Stream::Ar(ar) => ar.finish()?,
            Stream::Cpio(cpio) => cpio.finish()?,
            Stream::Concatenation(to) => to,
        };
        let (packed, unpacked_size, ()) = to.into_parts();
        let (spool, size, digests) = packed.finish()?.into_parts();
        let nothing = || Digests {
            md5: String::new(),
            sha1: String::new(),
            sha256: String::new(),
            sha512: String::new(),
        };
        let digests = digests.map_or_else(nothing, DigestSet::finish);
        let told = BuiltArchive { name: self.archive.name.clone(), size, unpacked_size, digests };
        Ok(Made { stored: Some(spool), told })
    }
}

fn compress_text(text: &str, compression: Compression, effort: CompressionEffort) -> io::Result<Vec<u8>> {
    let mut writer = CompressingWriter::new(Vec::new(), compression, effort);
    writer.write_all(text.as_bytes())?;
    writer.finish()
}
