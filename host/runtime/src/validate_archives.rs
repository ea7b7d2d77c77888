//! Packages that are made of archives, as a plugin describes them: what is named is there, each file is in one place, paths
//! stay where they belong, and nothing of the package is lost.

use std::collections::{BTreeMap, BTreeSet};

use opkg_interface::archive::{
    Archive, ArchiveContainer, ArchiveEntry, ArchiveFormat, ArchiveMetadata, DetachedSignature,
    DirectoryEntries, EmbeddedSignature, ExtendedHeader, FileLayout, FileSelection, Member, MemberContent,
};
use opkg_interface::artefacts::{BinaryPackage, Content, FileMarks, PackedFile};
use opkg_interface::built::{IndexContent, IndexFile, IndexNeeds};
use opkg_interface::text::quote;

use crate::limits::Limits;
use crate::validate_words::{
    ValidationError, invalid, validate_absolute, validate_account, validate_file_name, validate_non_empty,
    validate_relative, validate_single_line,
};

/// Archives of one package, and entries of one archive.
const MAX_ARCHIVES: usize = 100;
const MAX_ENTRIES: usize = 100_000;

/// Records of the extended header of a file.
const MAX_HEADERS: usize = 20;

/// Directories of a distribution whose modes are told.
const MAX_PARENT_MODES: usize = 1000;

/// Checks how a package is made of archives.
///
/// # Errors
/// The first thing that breaks a rule.
pub(crate) fn validate_archives(
    package: &BinaryPackage,
    container: &ArchiveContainer,
) -> Result<(), ValidationError> {
    let mut files = Selected::new(package);
    validate_chain(&container.archives, Some(&mut files))?;
    files.validate_complete()?;
    if let Some(signature) = &container.signature {
        validate_signature(signature)?;
    }
    match lost(package, container.metadata) {
        Some(what) => return invalid(format!("{what}, which the metadata of its archives does not say")),
        None if container.metadata.contains(ArchiveMetadata::DIRECTORIES) => return Ok(()),
        None => {}
    }
    match files.lost_directory() {
        Some(path) => invalid(format!(
            "the directory {}, which no archive makes as it should be, and the metadata of its archives does not say",
            quote(path)
        )),
        None => Ok(()),
    }
}

/// What a package has that its members do not say.
fn lost(package: &BinaryPackage, metadata: ArchiveMetadata) -> Option<&'static str> {
    let has_mark = |mark| package.files.iter().any(|file: &PackedFile| file.marks.contains(mark));
    [
        (!package.scriptlets.is_empty(), ArchiveMetadata::SCRIPTLETS, "scriptlets"),
        (!package.relations.is_empty(), ArchiveMetadata::RELATIONS, "relations"),
        (!package.fields.is_empty(), ArchiveMetadata::FIELDS, "fields"),
        (!package.changelog.is_empty(), ArchiveMetadata::CHANGELOG, "a changelog"),
        (has_mark(FileMarks::CONFIGURATION), ArchiveMetadata::CONFIGURATION, "files marked as configuration"),
        (has_mark(FileMarks::GHOST), ArchiveMetadata::GHOSTS, "ghosts"),
    ]
    .into_iter()
    .find_map(|(is_there, flag, what)| (is_there && !metadata.contains(flag)).then_some(what))
}

/// Which of a package's files have a place, and whether directories are left out there.
struct Selected<'a> {
    known: &'a BinaryPackage,
    taken: BTreeMap<&'a str, DirectoryEntries>,
    /// Of all that are not taken.
    rest: Option<DirectoryEntries>,
}

impl<'a> Selected<'a> {
    fn new(known: &'a BinaryPackage) -> Self {
        Self { known, taken: BTreeMap::new(), rest: None }
    }

    fn take(&mut self, layout: &FileLayout) -> Result<(), ValidationError> {
        let FileSelection::Paths(paths) = &layout.select else {
            if self.rest.replace(layout.directories).is_some() {
                return invalid("two entries for the rest of the files");
            }
            return Ok(());
        };
        for path in paths {
            // They are sorted: that is checked before.
            let files = &self.known.files;
            let found = files.binary_search_by(|file| file.path.as_str().cmp(path)).ok();
            let Some(file) =
                found.map(|index| &files[index]).filter(|file| !file.marks.contains(FileMarks::GHOST))
            else {
                return invalid(format!("an entry for {}, which is no file of the package", quote(path)));
            };
            if self.taken.insert(&file.path, layout.directories).is_some() {
                return invalid(format!("two entries for {}", quote(path)));
            }
        }
        Ok(())
    }

    /// A directory in no archive that is not simply made when a file in it is unpacked: that has nothing in it, or another mode
    /// or owner.
    fn lost_directory(&self) -> Option<&'a str> {
        let entries_at = |path: &str| self.taken.get(path).copied().or(self.rest);
        let files = &self.known.files;
        let is_directory = |file: &&PackedFile| matches!(file.content, Content::Directory);
        let mut left_out = files
            .iter()
            .filter(|file| is_directory(file) && entries_at(&file.path) == Some(DirectoryEntries::None))
            .peekable();
        left_out.peek()?;
        let unpacked =
            files.iter().filter(|file| !is_directory(file) && !file.marks.contains(FileMarks::GHOST));
        let above = |file: &'a PackedFile| file.path.match_indices('/').map(|(end, _)| &file.path[..end]);
        let made: BTreeSet<&str> = unpacked.flat_map(above).collect();
        let is_lost = |directory: &&PackedFile| {
            directory.mode != 0o755
                || (directory.owner.as_str(), directory.group.as_str()) != ("root", "root")
                || !made.contains(directory.path.as_str())
        };
        left_out.find(is_lost).map(|file| file.path.as_str())
    }

    fn validate_complete(&self) -> Result<(), ValidationError> {
        if self.rest.is_some() {
            return Ok(());
        }
        let is_missing = |file: &&PackedFile| {
            !file.marks.contains(FileMarks::GHOST) && !self.taken.contains_key(file.path.as_str())
        };
        match self.known.files.iter().find(is_missing) {
            Some(file) => {
                invalid(format!("the file {}, which is in none of its archives", quote(&file.path)))
            }
            None => Ok(()),
        }
    }
}

/// Archives of which each is made of those before it, and all are needed for the last one.
fn validate_chain(archives: &[Archive], mut files: Option<&mut Selected<'_>>) -> Result<(), ValidationError> {
    if archives.is_empty() || archives.len() > MAX_ARCHIVES {
        return invalid(format!("{} archives, where 1 to {MAX_ARCHIVES} can be", archives.len()));
    }
    let mut open: BTreeSet<&str> = BTreeSet::new();
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for archive in archives {
        validate_non_empty("name of an archive", &archive.name)?;
        if !names.insert(&archive.name) {
            return invalid(format!("two archives {}", quote(&archive.name)));
        }
        if archive.entries.len() > MAX_ENTRIES {
            return invalid(format!("more than {MAX_ENTRIES} entries of an archive"));
        }
        for entry in &archive.entries {
            match (entry, files.as_deref_mut()) {
                (ArchiveEntry::Files(layout), Some(files)) => {
                    validate_layout(layout, archive)?;
                    files.take(layout)?;
                }
                (ArchiveEntry::Slot(name), Some(_)) => validate_non_empty("name of a slot", name)?,
                (ArchiveEntry::Files(_) | ArchiveEntry::Slot(_), None) => {
                    return invalid("files or a slot in an index, which has none");
                }
                (ArchiveEntry::Member(member), _) => {
                    validate_member(member, archive.format)?;
                    validate_headers(&member.headers, archive.format)?;
                }
                (ArchiveEntry::Signature(signature), _) => {
                    if signature.name == archive.name || !names.contains(signature.name.as_str()) {
                        return invalid(format!(
                            "a signature over the archive {}, which is none before it",
                            quote(&signature.name)
                        ));
                    }
                    validate_embedded_signature(signature, archive.format)?;
                }
                (ArchiveEntry::Archive(nested), _) => {
                    if !open.remove(nested.name.as_str()) {
                        return invalid(format!(
                            "the archive {} in {}, which is none before it that has no place yet",
                            quote(&nested.name),
                            quote(&archive.name)
                        ));
                    }
                    validate_member_path(&nested.path, archive.format)?;
                }
            }
        }
        open.insert(&archive.name);
    }
    match open.len() {
        1 => Ok(()),
        _ => invalid("an archive that is in no other one, and not the last"),
    }
}

fn validate_layout(layout: &FileLayout, archive: &Archive) -> Result<(), ValidationError> {
    match archive.format {
        ArchiveFormat::Concatenation => {
            return invalid("files in a concatenation, which has no place for their names");
        }
        ArchiveFormat::Ar => return invalid("files in an `ar`, which has no place for their paths"),
        ArchiveFormat::Tar | ArchiveFormat::TarGnu | ArchiveFormat::Cpio => {}
    }
    if !matches!(layout.prefix.as_str(), "" | "./" | "/") {
        let inner = layout.prefix.strip_prefix("./").unwrap_or(&layout.prefix);
        match inner.strip_suffix('/') {
            Some(path) => validate_relative(path)?,
            None => {
                return invalid(format!("the prefix {}, without a `/` at its end", quote(&layout.prefix)));
            }
        }
    }
    if layout.parent_modes.len() > MAX_PARENT_MODES {
        return invalid(format!("the modes of more than {MAX_PARENT_MODES} directories"));
    }
    for parent in &layout.parent_modes {
        validate_absolute(&parent.path)?;
        if parent.mode > 0o7777 {
            return invalid(format!("the mode {:o} of the directory {}", parent.mode, quote(&parent.path)));
        }
    }
    validate_headers(&layout.headers, archive.format)
}

fn validate_headers(headers: &[ExtendedHeader], format: ArchiveFormat) -> Result<(), ValidationError> {
    if !headers.is_empty() && format != ArchiveFormat::Tar {
        return invalid("extended headers, which only a tar of POSIX has");
    }
    if headers.len() > MAX_HEADERS {
        return invalid(format!("more than {MAX_HEADERS} records of an extended header"));
    }
    headers.iter().try_for_each(|header| {
        validate_non_empty("keyword of an extended header", &header.keyword)?;
        match header.keyword.contains('=') {
            true => invalid(format!("the keyword {} of an extended header", quote(&header.keyword))),
            false => Ok(()),
        }
    })
}

fn validate_member(member: &Member, format: ArchiveFormat) -> Result<(), ValidationError> {
    validate_member_path(&member.path, format)?;
    if member.mode > 0o7777 {
        return invalid(format!("the mode {:o} of the member {}", member.mode, quote(&member.path)));
    }
    validate_account(&member.owner)?;
    validate_account(&member.group)?;
    let is_file = !matches!(member.content, MemberContent::Directory | MemberContent::Link(_));
    if !is_file && matches!(format, ArchiveFormat::Ar | ArchiveFormat::Concatenation) {
        return invalid(format!("the member {}, which is no file", quote(&member.path)));
    }
    match &member.content {
        MemberContent::Link(to) => validate_non_empty("target of a link", to),
        _ => Ok(()),
    }
}

/// `.INFO`, `./install`, `./`; the name of a file in an `ar`; nothing in a concatenation.
fn validate_member_path(path: &str, format: ArchiveFormat) -> Result<(), ValidationError> {
    match format {
        ArchiveFormat::Concatenation if path.is_empty() => Ok(()),
        ArchiveFormat::Concatenation => invalid(format!("the path {} in a concatenation", quote(path))),
        ArchiveFormat::Ar if path.len() > 15 => {
            invalid(format!("the name {}, of more than 15 bytes, in an `ar`", quote(path)))
        }
        ArchiveFormat::Ar => validate_file_name(path),
        _ if matches!(path, "." | "./") => Ok(()),
        ArchiveFormat::Tar | ArchiveFormat::TarGnu | ArchiveFormat::Cpio => {
            validate_relative(path.strip_prefix("./").unwrap_or(path))
        }
    }
}

fn validate_signature(signature: &DetachedSignature) -> Result<(), ValidationError> {
    validate_file_name(&format!("x{}", signature.suffix))?;
    match signature.suffix.starts_with('.') {
        true => Ok(()),
        false => {
            invalid(format!("{}, where the end of a signature's name is meant", quote(&signature.suffix)))
        }
    }
}

/// How keys that sign are called.
const KEY_NAME: &str = "opkg-0123456789abcdef";

/// With the name of the key before it, the end of the path is the name of its file.
fn validate_embedded_signature(
    signature: &EmbeddedSignature,
    format: ArchiveFormat,
) -> Result<(), ValidationError> {
    let EmbeddedSignature { path_prefix, path_suffix, .. } = signature;
    if format == ArchiveFormat::Concatenation && path_prefix.is_empty() && path_suffix.is_empty() {
        return Ok(());
    }
    validate_file_name(&format!("{KEY_NAME}{path_suffix}"))?;
    validate_member_path(&format!("{path_prefix}{KEY_NAME}{path_suffix}"), format)
}

/// Checks the members of a slot as far as they are the same in any archive; what only some formats hold is refused by
/// what writes them.
///
/// # Errors
/// The first thing that breaks a rule.
pub(crate) fn validate_members(members: &[Member], limits: &Limits) -> Result<(), ValidationError> {
    if members.len() > MAX_ENTRIES {
        return invalid(format!("more than {MAX_ENTRIES} members of a slot"));
    }
    if members.iter().map(|member| member.content.size()).sum::<usize>() > limits.text_bytes {
        return invalid(format!("more than {} MiB in the members of a slot", limits.text_bytes >> 20));
    }
    members.iter().try_for_each(|member| {
        let format = if member.path.is_empty() { ArchiveFormat::Concatenation } else { ArchiveFormat::Tar };
        validate_member(member, format)?;
        validate_headers(&member.headers, format)
    })
}

/// Checks what an index is said to be made of.
///
/// # Errors
/// The first thing that breaks a rule.
pub(crate) fn validate_index_needs(needs: &IndexNeeds) -> Result<(), ValidationError> {
    if needs.suffixes.is_empty() || needs.suffixes.len() > MAX_ARCHIVES || needs.members.len() > MAX_ARCHIVES
    {
        return invalid("an index of no packages, or of too many kinds of them");
    }
    for suffix in &needs.suffixes {
        validate_file_name(&format!("x{suffix}"))?;
        if !suffix.starts_with('.') {
            return invalid(format!("{}, where the end of a package's name is meant", quote(suffix)));
        }
    }
    needs.members.iter().try_for_each(|path| validate_single_line("path of a member", path))
}

/// Checks the files of an index.
///
/// # Errors
/// The first thing that breaks a rule.
pub(crate) fn validate_index(files: &[IndexFile], limits: &Limits) -> Result<(), ValidationError> {
    let mut names = BTreeSet::new();
    let mut members = 0;
    for file in files {
        validate_file_name(&file.path)?;
        if !names.insert(&file.path) {
            return invalid(format!("two files {} of an index", quote(&file.path)));
        }
        match &file.content {
            IndexContent::Archives(archives) => {
                validate_chain(archives, None)?;
                members += archives.iter().map(|archive| archive.entries.len()).sum::<usize>();
            }
            IndexContent::Link(to) => validate_file_name(to)?,
        }
        if let Some(signature) = &file.signature {
            validate_signature(signature)?;
        }
    }
    match members > limits.files {
        true => invalid(format!("{members} members of an index, where {} are the limit", limits.files)),
        false => Ok(()),
    }
}
