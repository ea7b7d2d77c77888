//! Packages that are made of archives.

use std::io::Write;
use std::path::Path;

use opkg_interface::archive::{ArchiveContainer, ArchiveEntry, MemberContent};
use opkg_interface::artefacts::BinaryPackage;
use opkg_interface::built::MemberSource;

use crate::Error;
use crate::compress::{CompressingWriter, CompressionEffort};
use crate::entries::{self, EntryContent, PackageEntry};
use crate::source::{OpkgSource, into_error};
use crate::spool::{PiecedFile, Spool};
use crate::tar_writer::{Attributes, TarWriter};

/// Makes one package.
pub(crate) fn build_archives(
    package: &BinaryPackage,
    container: &ArchiveContainer,
    effort: CompressionEffort,
    source: OpkgSource<'_>,
    (directory, _members): (&Path, Option<&dyn MemberSource>),
) -> Result<PiecedFile, Error> {
    let archive = container.archives.last().ok_or_else(|| Error::InvalidOutput("no archive".into()))?;
    let packed = CompressingWriter::new(Spool::new(directory), archive.compression, effort);
    let mut tar = TarWriter::new(packed, source.timestamp());
    for entry in &archive.entries {
        match entry {
            ArchiveEntry::Member(member) => {
                if let MemberContent::Text(text) = &member.content {
                    tar.append_file(&member.path, member.mode, text.len() as u64, &mut text.as_bytes())?;
                }
            }
            ArchiveEntry::Files(_) => {
                for item in entries::collect_entries(package, source)? {
                    append_entry(&mut tar, item.path.trim_start_matches('/'), &item)?;
                }
            }
            _ => return Err(Error::InvalidOutput("an entry".into())),
        }
    }
    Ok(tar.finish()?.finish()?.into())
}

/// Puts something that a package installs into an archive, under a path of the archive's own kind.
pub(crate) fn append_entry<W: Write>(
    tar: &mut TarWriter<W>,
    path: &str,
    item: &PackageEntry<'_>,
) -> Result<(), Error> {
    let attributes = Attributes { mode: item.mode, owner: &item.owner, group: &item.group };
    match &item.content {
        EntryContent::File(content) => {
            tar.append_file(path, attributes, content.size(), &mut content.open()?).map_err(into_error)?
        }
        EntryContent::Directory => tar.append_directory(path, attributes)?,
        EntryContent::Symlink(to) => {
            tar.append_symlink(path, to, Attributes { mode: 0o777, ..attributes })?
        }
    }
    Ok(())
}
