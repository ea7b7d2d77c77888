//! What the archives of a package are made of: what it installs, and what the plugin says of it in slots.

use opkg_interface::archive::{ArchiveContainer, ArchiveEntry, HeaderValue, Member};
use opkg_interface::artefacts::{BinaryPackage, FileMarks};
use opkg_interface::built::{Built, BuiltArchive, BuiltFile, FileKind, MemberSource};

use super::digest_set::DigestSet;
use super::layout;
use crate::Error;
use crate::checksums::DigestReader;
use crate::entries::{self, EntryContent, PackageEntry};
use crate::source::{OpkgSource, into_error};

/// What archives of a package are made of besides what the plugin wrote into them.
pub(super) struct PackageContents<'a> {
    package: &'a BinaryPackage,
    /// Without ghosts, sorted by path.
    pub(super) entries: Vec<PackageEntry<'a>>,
    /// The same, as they were read; none where nobody needs it.
    built: Vec<BuiltFile>,
    members: Option<&'a dyn MemberSource>,
}

impl<'a> PackageContents<'a> {
    /// Reads the files, where somebody is told what they hold before they are laid in.
    pub(super) fn new(
        package: &'a BinaryPackage,
        container: &ArchiveContainer,
        source: OpkgSource<'a>,
        members: Option<&'a dyn MemberSource>,
    ) -> Result<Self, Error> {
        reject_lost_files(package)?;
        let mut entries = entries::collect_entries(package, source)?;
        entries.retain(|entry| !entry.marks.contains(FileMarks::GHOST));
        layout::check_complete(&container.archives, &entries)?;
        let built = if needs_built_files(container) { describe_files(&entries)? } else { Vec::new() };
        Ok(Self { package, entries, built, members })
    }

    /// What is known of an entry.
    pub(super) fn built_file(&self, index: usize) -> Option<&BuiltFile> {
        self.built.get(index)
    }

    /// What stands in a slot.
    pub(super) fn slot_members(&self, slot: &str, archives: &[BuiltArchive]) -> Result<Vec<Member>, Error> {
        let size = |file: &BuiltFile| match &file.kind {
            FileKind::Regular(size, _) => *size,
            FileKind::Directory | FileKind::Link(_) => 0,
        };
        let built = Built {
            package: self.package,
            files: &self.built,
            installed_size: self.built.iter().map(size).sum(),
            archives,
        };
        let package = &self.package.file_name;
        let members = self.members.ok_or_else(|| "there is nobody to ask".to_owned());
        members.and_then(|source| source.members(slot, &built)).map_err(|reason| Error::NoMembers {
            package: package.clone(),
            slot: slot.to_owned(),
            reason,
        })
    }
}

/// What archives have no place for: a plugin that asks for it hears of it before.
fn reject_lost_files(package: &BinaryPackage) -> Result<(), Error> {
    let of_rpm = FileMarks::REPLACED | FileMarks::MISSING_OK;
    match package.files.iter().find(|file| file.capabilities.is_some() || file.marks.intersects(of_rpm)) {
        Some(file) => Err(Error::InvalidOutput(format!(
            "{}: {} has capabilities or marks that are lost in an archive",
            package.file_name, file.path
        ))),
        None => Ok(()),
    }
}

/// Whether somebody is told what the files hold before they are laid in.
fn needs_built_files(container: &ArchiveContainer) -> bool {
    let has_slot = |entry: &ArchiveEntry| matches!(entry, ArchiveEntry::Slot(_));
    container.archives.iter().flat_map(|archive| &archive.entries).any(has_slot)
        || layout::layouts(&container.archives)
            .flat_map(|layout| &layout.headers)
            .any(|header| matches!(header.value, HeaderValue::Digest(_)))
}

/// Reads all files for their sizes and digests.
fn describe_files(entries: &[PackageEntry<'_>]) -> Result<Vec<BuiltFile>, Error> {
    let describe = |entry: &PackageEntry<'_>| {
        let kind = match &entry.content {
            EntryContent::File(content) => {
                let reader = DigestReader::<_, DigestSet>::new(content.open()?);
                let (size, digests) = reader.finish().map_err(into_error)?;
                FileKind::Regular(size, digests.finish())
            }
            EntryContent::Directory => FileKind::Directory,
            EntryContent::Symlink(to) => FileKind::Link(to.clone()),
        };
        Ok(BuiltFile {
            path: entry.path.clone(),
            // Links are written so, whatever the record says.
            mode: if matches!(kind, FileKind::Link(_)) { 0o777 } else { entry.mode },
            kind,
            owner: entry.owner.clone(),
            group: entry.group.clone(),
            is_configuration: entry.marks.contains(FileMarks::CONFIGURATION),
        })
    };
    entries.iter().map(describe).collect()
}
