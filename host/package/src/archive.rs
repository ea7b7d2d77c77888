//! Packages that are a tar archive: members with a meaning of their own, then what is installed.

use opkg_interface::artefacts::{BinaryPackage, Compression};

use crate::compress::CompressionEffort;
use crate::entries::{self, EntryContent, PackageEntry};
use crate::source::OpkgSource;
use crate::tar_writer::{Attributes, TarWriter};
use crate::{Error, compress};

/// Writes one package.
pub(crate) fn build_archive(
    package: &BinaryPackage,
    compression: Compression,
    effort: CompressionEffort,
    source: OpkgSource<'_>,
) -> Result<Vec<u8>, Error> {
    let mut tar = TarWriter::new(Vec::new(), source.timestamp());
    for member in &package.members {
        tar.append_text(&member.path, member)?;
    }
    for item in entries::collect_entries(package, source)? {
        append_entry(&mut tar, item.path.trim_start_matches('/'), &item)?;
    }
    Ok(compress::compress(tar.finish()?, compression, effort)?)
}

/// Puts something that a package installs into an archive, under a path of the archive's own kind.
pub(crate) fn append_entry(
    tar: &mut TarWriter<Vec<u8>>,
    path: &str,
    item: &PackageEntry,
) -> Result<(), Error> {
    let attributes = Attributes { mode: item.mode, owner: &item.owner, group: &item.group };
    match &item.content {
        EntryContent::File(bytes) => {
            tar.append_file(path, attributes, bytes.len() as u64, &mut bytes.as_slice())?
        }
        EntryContent::Directory => tar.append_directory(path, attributes)?,
        EntryContent::Symlink(to) => {
            tar.append_symlink(path, to, Attributes { mode: 0o777, ..attributes })?
        }
    }
    Ok(())
}
