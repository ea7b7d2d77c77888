//! Packages that are made of archives.

use std::path::Path;

use opkg_interface::archive::ArchiveContainer;
use opkg_interface::artefacts::BinaryPackage;
use opkg_interface::built::MemberSource;

use super::builder::ArchiveBuilder;
use super::contents::PackageContents;
use crate::Error;
use crate::compress::CompressionEffort;
use crate::sign::Signer;
use crate::source::OpkgSource;
use crate::spool::PiecedFile;

/// Makes one package; what does not stay in memory lies in `directory` meanwhile.
pub(crate) fn build_package(
    package: &BinaryPackage,
    container: &ArchiveContainer,
    effort: CompressionEffort,
    source: OpkgSource<'_>,
    (directory, members): (&Path, Option<&dyn MemberSource>),
    signer: Option<&Signer>,
) -> Result<PiecedFile, Error> {
    let contents = PackageContents::new(package, container, source, members)?;
    let (file_name, mtime) = (package.file_name.as_str(), source.timestamp());
    let builder = ArchiveBuilder { file_name, mtime, effort, directory, signer, contents: Some(&contents) };
    builder.build(&container.archives)
}
