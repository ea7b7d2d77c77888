//! Meta-files and source packages, as a plugin returned them.

use std::io::BufWriter;

use opkg_interface::artefacts::{Output, SourcePackage};

use crate::compress;
use crate::error::Error;
use crate::output_tree::OutputTree;
use crate::permissions::file_mode;
use crate::quilt;
use crate::sign::Signer;
use crate::source::OpkgSource;
use crate::tar_writer::TarWriter;
use crate::written::OutputKind;

/// Lays meta-files and source package into a directory. Returns what to call its own, in the order written:
/// single files, and the topmost directory of an unpacked tree. A control file is signed, if there is a signer.
pub(crate) fn write_sources(
    output: &Output,
    source: OpkgSource<'_>,
    tree: &OutputTree<'_>,
    signer: Option<&Signer>,
) -> Result<Vec<(String, OutputKind)>, Error> {
    tree.write_texts(&output.meta_files)?;
    let unpacked = match &output.source {
        SourcePackage::Tarball(_) => None,
        SourcePackage::Quilt(quilt) => Some(&quilt.directory),
        SourcePackage::Tree(directory) => Some(directory),
    };
    let mut written = Vec::new();
    if let Some(directory) = unpacked {
        tree.write_sources(source, directory)?;
        let topmost = directory.split('/').next().unwrap_or(directory);
        written.push((topmost.to_owned(), OutputKind::MetaFile));
    }
    for file in &output.meta_files {
        if !written.iter().any(|(path, _)| file.path.starts_with(&format!("{path}/"))) {
            written.push((file.path.clone(), OutputKind::MetaFile));
        }
    }
    match &output.source {
        SourcePackage::Tarball(tarball) => {
            let file = tree.create(&tarball.path)?;
            let gzip = compress::gzip(file, 6);
            // The compressor has some work with each piece, however small.
            let mut archive = TarWriter::new(BufWriter::new(gzip), source.timestamp());
            archive.append_sources(source, &tarball.prefix)?;
            let gzip = archive.finish()?.into_inner().map_err(|error| Error::Io(error.into_error()))?;
            let file = gzip.finish()?;
            tree.set_metadata(&file, file_mode(false))?;
            written.push((tarball.path.clone(), OutputKind::SourcePackage));
        }
        SourcePackage::Quilt(quilt) => {
            let names = quilt::write_source_package(quilt, &output.meta_files, source, tree, signer)?;
            written.extend(names.into_iter().map(|name| (name, OutputKind::SourcePackage)));
        }
        SourcePackage::Tree(_) => {}
    }
    Ok(written)
}
