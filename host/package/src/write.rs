//! Everything for one target, into a directory: all of it or nothing.

use std::path::Path;
use std::time::Instant;

use opkg_interface::artefacts::Output;

use crate::error::Error;
use crate::meta::write_sources;
use crate::output_tree::OutputTree;
use crate::sign::Signer;
use crate::source::OpkgSource;
use crate::staging::StagingDir;
use crate::written::{OutputKind, WrittenFile};
use crate::{direct, native, upload};

/// Who makes the binary packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildMode {
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

/// Writes meta-files and source packages, and with a builder the binary packages, into `directory`, which is
/// created if need be. What stood there under the same names is replaced. With a signer, what is written is signed, except
/// packages of a native build: RPMs have a place for signatures, an archive gets its own file, `.sig`, and for debs it is
/// the control file of the source package and the descriptions of the upload.
///
/// # Errors
/// On any error nothing new is left in `directory`, and what was there still is.
pub fn write_packages(
    output: &Output,
    source: OpkgSource<'_>,
    directory: &Path,
    builder: BuildMode,
    signer: Option<&Signer>,
) -> Result<Vec<WrittenFile>, Error> {
    let started = Instant::now();
    let stage = StagingDir::new(directory)?;
    let root = stage.path();
    let mut written = write_sources(output, source, &OutputTree::new(&root, source.timestamp()), signer)?;
    let tree = OutputTree::new(&root, source.timestamp());
    written.extend(
        direct::build_source_package(output, source, &tree, signer)?
            .map(|path| (path, OutputKind::SourcePackage)),
    );
    let packages = match builder {
        BuildMode::None => Vec::new(),
        BuildMode::Direct => direct::build_packages(output, source, &tree, signer)?,
        BuildMode::Native { verbose } => {
            let names = native::run_native_build(output, source, &stage, verbose)?;
            names.into_iter().map(|path| (path, OutputKind::BinaryPackage)).collect()
        }
    };
    written.extend(packages);
    if builder == BuildMode::Direct {
        let of =
            |wanted| written.iter().filter(move |(_, role)| *role == wanted).map(|(path, _)| path.as_str());
        let records = upload::write_upload_files(
            output,
            &of(OutputKind::SourcePackage).collect::<Vec<_>>(),
            source,
            &tree,
            signer,
        )?;
        written.extend(records.into_iter().map(|path| (path, OutputKind::BuildRecord)));
    }
    let paths = written.len();
    let written = publish(stage, directory, written)?;
    tracing::debug!(directory = %directory.display(), files = paths, elapsed = ?started.elapsed(), "written");
    Ok(written)
}

/// Writes the one package of this name, without anything that it is made of, as [`write_packages`] would.
///
/// # Errors
/// As of that; also where there is no such package.
pub fn write_binary_package(
    output: &Output,
    name: &str,
    source: OpkgSource<'_>,
    directory: &Path,
    signer: Option<&Signer>,
) -> Result<Vec<WrittenFile>, Error> {
    let package = output.packages.iter().find(|package| package.name == name);
    let package = package.ok_or_else(|| Error::InvalidOutput(format!("there is no package {name}")))?;
    let only = Output { packages: vec![package.clone()], ..output.clone() };
    let stage = StagingDir::new(directory)?;
    let written =
        direct::build_packages(&only, source, &OutputTree::new(&stage.path(), source.timestamp()), signer)?;
    publish(stage, directory, written)
}

fn publish(
    stage: StagingDir,
    directory: &Path,
    written: Vec<(String, OutputKind)>,
) -> Result<Vec<WrittenFile>, Error> {
    let paths: Vec<String> = written.iter().map(|(path, _)| path.clone()).collect();
    stage.publish(directory, &paths, &[])?;
    Ok(written
        .into_iter()
        .map(|(path, role)| WrittenFile { path: directory.join(path), kind: role })
        .collect())
}
