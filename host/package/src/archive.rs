//! Packages that are a tar archive: members with a meaning of their own, then what is installed.

use opkg_runtime::artefacts::{BinaryPackage, Compression};

use crate::contents::{self, Body, Item};
use crate::source::Source;
use crate::tarball::Tarball;
use crate::{Error, compress};

/// Writes one package.
pub(crate) fn write(
    package: &BinaryPackage,
    compression: Compression,
    source: Source<'_>,
) -> Result<Vec<u8>, Error> {
    let mut tar = Tarball::new(Vec::new(), source.time());
    for member in &package.members {
        tar.text(&member.path, member)?;
    }
    for item in contents::read(package, source)? {
        append(&mut tar, item.path.trim_start_matches('/'), &item)?;
    }
    let tar = tar.finish()?;
    Ok(match compression {
        Compression::None => tar,
        Compression::Gzip => compress::gzip_bytes(&tar)?,
        Compression::Xz => compress::xz(&tar)?,
        Compression::Zstd => compress::zstd(&tar)?,
    })
}

/// Puts something that a package installs into an archive, under a path of the archive's own kind.
pub(crate) fn append(tar: &mut Tarball<Vec<u8>>, path: &str, item: &Item) -> Result<(), Error> {
    match &item.body {
        Body::File(bytes) => tar.file(path, item.mode, bytes.len() as u64, &mut bytes.as_slice())?,
        Body::Directory => tar.directory(path, item.mode)?,
        Body::Link(to) => tar.link(path, to)?,
    }
    Ok(())
}
