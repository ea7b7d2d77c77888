//! Writes what a plugin returned: trees of meta-files, source packages, binary packages.
//!
//! This crate knows the formats of containers and nothing of who uses them. Everything it writes depends
//! on the OPKG and the plugin's answer alone: order, times, owners and modes are fixed.

mod archive;
mod compress;
mod contents;
mod deb;
mod deb822;
mod deb_changelog;
mod digest;
mod direct;
mod error;
mod hex;
mod native;
mod quilt;
mod repository;
pub mod rpm;
mod sign;
mod source;
mod stage;
mod tarball;
mod tree;
mod upload;

use std::path::{Path, PathBuf};

use opkg_runtime::artefacts::{Output, SourcePackage};

pub use crate::error::Error;
pub use crate::repository::index;
pub use crate::sign::{KeyError, Signer};
pub use crate::source::Source;
use crate::stage::Stage;
use crate::tarball::Tarball;
use crate::tree::Tree;

/// Who makes the binary packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    /// Nobody: only meta-files and the source package are written.
    None,
    /// This crate, without any program of a distribution.
    Direct,
    /// The distribution's own tools, as the plugin says.
    Native {
        /// Shows what they print.
        verbose: bool,
    },
}

/// What a written file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What a distribution's tools read: a spec, a directory of packaging.
    Meta,
    /// A source package, or a piece of one.
    Source,
    /// A binary package.
    Package,
    /// What says what was built: lists of files with their checksums.
    Record,
    /// What lists the packages of a directory.
    Index,
}

/// A file or directory that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Within the output directory.
    pub path: PathBuf,
    /// What it is.
    pub role: Role,
}

/// Writes meta-files and source packages, and with a builder the binary packages, into `directory`, which is
/// created if need be. What stood there under the same names is replaced. With a signer, packages are signed that
/// have a place for signatures of their own, except those of a native build.
///
/// # Errors
/// On any error nothing new is left in `directory`, and what was there still is.
pub fn write(
    output: &Output,
    source: Source<'_>,
    directory: &Path,
    builder: Builder,
    signer: Option<&Signer>,
) -> Result<Vec<Written>, Error> {
    let stage = Stage::new(directory)?;
    let root = stage.path();
    let mut written = lay_out(output, source, &Tree::new(&root, source.time()))?;
    let tree = Tree::new(&root, source.time());
    written.extend(direct::source(output, source, &tree, signer)?.map(|path| (path, Role::Source)));
    let packages = match builder {
        Builder::None => Vec::new(),
        Builder::Direct => direct::packages(output, source, &tree, signer)?,
        Builder::Native { verbose } => native::build(output, source, &stage, verbose)?,
    };
    written.extend(packages.into_iter().map(|path| (path, Role::Package)));
    if builder == Builder::Direct {
        let of =
            |wanted| written.iter().filter(move |(_, role)| *role == wanted).map(|(path, _)| path.as_str());
        let records = upload::write(output, &of(Role::Source).collect::<Vec<_>>(), source, &tree)?;
        written.extend(records.into_iter().map(|path| (path, Role::Record)));
    }
    let paths: Vec<String> = written.iter().map(|(path, _)| path.clone()).collect();
    stage.release(directory, &paths, &[])?;
    Ok(written.into_iter().map(|(path, role)| Written { path: directory.join(path), role }).collect())
}

/// Lays meta-files and source package into a directory. Returns what to call its own, in the order written:
/// single files, and the topmost directory of an unpacked tree.
fn lay_out(output: &Output, source: Source<'_>, tree: &Tree<'_>) -> Result<Vec<(String, Role)>, Error> {
    tree.texts(&output.meta_files)?;
    let unpacked = match &output.source {
        SourcePackage::Tarball(_) => None,
        SourcePackage::Quilt(quilt) => Some(&quilt.directory),
        SourcePackage::Tree(directory) => Some(directory),
    };
    let mut written = Vec::new();
    if let Some(directory) = unpacked {
        tree.sources(source, directory)?;
        let topmost = directory.split('/').next().unwrap_or(directory);
        written.push((topmost.to_owned(), Role::Meta));
    }
    for file in &output.meta_files {
        if !written.iter().any(|(path, _)| file.path.starts_with(&format!("{path}/"))) {
            written.push((file.path.clone(), Role::Meta));
        }
    }
    match &output.source {
        SourcePackage::Tarball(tarball) => {
            let file = tree.create(&tarball.path)?;
            let gzip = compress::gzip(std::io::BufWriter::new(file), 6);
            let mut archive = Tarball::new(gzip, source.time());
            archive.sources(source, &tarball.prefix)?;
            let file = archive.finish()?.finish()?.into_inner().map_err(|it| Error::Io(it.into_error()))?;
            tree.seal(&file, mode(false))?;
            written.push((tarball.path.clone(), Role::Source));
        }
        SourcePackage::Quilt(quilt) => {
            let names = quilt::write(quilt, &output.meta_files, source, tree)?;
            written.extend(names.into_iter().map(|name| (name, Role::Source)));
        }
        SourcePackage::Tree(_) => {}
    }
    Ok(written)
}

/// The mode of a file.
fn mode(executable: bool) -> u32 {
    if executable { 0o755 } else { 0o644 }
}
