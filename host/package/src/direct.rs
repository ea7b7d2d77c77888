//! Packages written by this crate, from the records that a plugin returned.

use opkg_interface::artefacts::{Container, Output, SourcePackage};

use crate::entries::MAX_PACKAGE_BYTES;
use crate::error::Error;
use crate::output_tree::OutputTree;
use crate::permissions::file_mode;
use crate::sign::Signer;
use crate::source::OpkgSource;
use crate::written::OutputKind;
use crate::{archive, deb, rpm};

/// Writes all binary packages into `tree`, each under its own name, and signatures of those that have no place for one
/// in themselves. Returns the names, and what is behind each.
pub(crate) fn build_packages(
    output: &Output,
    source: OpkgSource<'_>,
    tree: &OutputTree<'_>,
    signer: Option<&Signer>,
) -> Result<Vec<(String, OutputKind)>, Error> {
    let source_name = rpm::source_file_name(&output.packages).unwrap_or_default();
    let mut names = Vec::with_capacity(output.packages.len());
    for package in &output.packages {
        let bytes = match &output.container {
            Container::Rpm(format) => rpm::build_binary(package, *format, &source_name, source, signer)?,
            Container::Deb(compression) => deb::build_deb(package, *compression, source)?,
            Container::Archive(compression) => archive::build_archive(package, *compression, source)?,
        };
        tree.write(&package.file_name, &bytes, file_mode(false))?;
        names.push((package.file_name.clone(), OutputKind::BinaryPackage));
        if let (Container::Archive(_), Some(signer)) = (&output.container, signer) {
            let name = format!("{}.sig", package.file_name);
            tree.write(&name, &signer.sign_detached(&bytes, source.timestamp())?, file_mode(false))?;
            names.push((name, OutputKind::Signature));
        }
    }
    Ok(names)
}

/// Writes the source package that the container's format has beside what [`crate::lay_out`] laid into
/// `tree`: of a spec and the archive that feeds it. Returns its name.
pub(crate) fn build_source_package(
    output: &Output,
    source: OpkgSource<'_>,
    tree: &OutputTree<'_>,
    signer: Option<&Signer>,
) -> Result<Option<String>, Error> {
    let (Container::Rpm(format), SourcePackage::Tarball(tarball)) = (&output.container, &output.source)
    else {
        return Ok(None);
    };
    let spec = output.meta_files.iter().find(|file| file.path.ends_with(".spec"));
    let (Some(spec), Some(name)) = (spec, rpm::source_file_name(&output.packages)) else {
        return Ok(None);
    };
    let Some(archive) = tree.read(&tarball.path, MAX_PACKAGE_BYTES)? else {
        return Err(Error::TooLarge(name));
    };
    let bytes = rpm::build_source(&output.packages, *format, spec, (&tarball.path, archive), source, signer)?;
    tree.write(&name, &bytes, file_mode(false))?;
    Ok(Some(name))
}
