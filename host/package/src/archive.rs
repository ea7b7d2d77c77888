//! Packages that are a tar archive: members with a meaning of their own, then what is installed.

use std::io::Write;
use std::path::Path;

use opkg_interface::artefacts::{BinaryPackage, Compression};

use crate::Error;
use crate::compress::{CompressingWriter, CompressionEffort};
use crate::entries::{self, EntryContent, PackageEntry};
use crate::source::{OpkgSource, into_error};
use crate::spool::Spool;
use crate::tar_writer::{Attributes, TarWriter};

/// Makes one package.
pub(crate) fn build_archive(
    package: &BinaryPackage,
    compression: Compression,
    effort: CompressionEffort,
    source: OpkgSource<'_>,
    directory: &Path,
) -> Result<Spool, Error> {
    let packed = CompressingWriter::new(Spool::new(directory), compression, effort);
    let mut tar = TarWriter::new(packed, source.timestamp());
    for member in &package.members {
        tar.append_text(&member.path, member)?;
    }
    for item in entries::collect_entries(package, source)? {
        append_entry(&mut tar, item.path.trim_start_matches('/'), &item)?;
    }
    Ok(tar.finish()?.finish()?)
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
