//! Packages written by this crate, from the records that a plugin returned.

use opkg_runtime::artefacts::{Container, Output, SourcePackage};

use crate::contents::LARGEST;
use crate::source::Source;
use crate::tree::Tree;
use crate::{Error, Signer, archive, deb, mode, rpm};

/// Writes all binary packages into `tree`, each under its own name. Returns the names.
pub(crate) fn packages(
    output: &Output,
    source: Source<'_>,
    tree: &Tree<'_>,
    signer: Option<&Signer>,
) -> Result<Vec<String>, Error> {
    let source_name = rpm::source_name(&output.packages).unwrap_or_default();
    let mut names = Vec::with_capacity(output.packages.len());
    for package in &output.packages {
        let bytes = match &output.container {
            Container::Rpm(compression) => rpm::binary(package, *compression, &source_name, source, signer)?,
            Container::Deb(compression) => deb::write(package, *compression, source)?,
            Container::Archive(compression) => archive::write(package, *compression, source)?,
        };
        tree.write(&package.file_name, &bytes, mode(false))?;
        names.push(package.file_name.clone());
    }
    Ok(names)
}

/// Writes the source package that the container's format has beside what [`crate::lay_out`] laid into
/// `tree`: of a spec and the archive that feeds it. Returns its name.
pub(crate) fn source(
    output: &Output,
    source: Source<'_>,
    tree: &Tree<'_>,
    signer: Option<&Signer>,
) -> Result<Option<String>, Error> {
    let (Container::Rpm(compression), SourcePackage::Tarball(tarball)) = (&output.container, &output.source)
    else {
        return Ok(None);
    };
    let spec = output.meta_files.iter().find(|file| file.path.ends_with(".spec"));
    let (Some(spec), Some(name)) = (spec, rpm::source_name(&output.packages)) else {
        return Ok(None);
    };
    let Some(archive) = tree.read(&tarball.path, LARGEST)? else { return Err(Error::TooLarge(name)) };
    let bytes = rpm::source(&output.packages, *compression, spec, (&tarball.path, archive), source, signer)?;
    tree.write(&name, &bytes, mode(false))?;
    Ok(Some(name))
}
