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
/// created if need be. What stood there under the same names is replaced. With a signer, packages are signed that
/// have a place for signatures of their own, except those of a native build.
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
    let mut written = write_sources(output, source, &OutputTree::new(&root, source.timestamp()))?;
    let tree = OutputTree::new(&root, source.timestamp());
    written.extend(
        direct::build_source_package(output, source, &tree, signer)?
            .map(|path| (path, OutputKind::SourcePackage)),
    );
    let packages = match builder {
        BuildMode::None => Vec::new(),
        BuildMode::Direct => direct::build_packages(output, source, &tree, signer)?,
        BuildMode::Native { verbose } => native::run_native_build(output, source, &stage, verbose)?,
    };
    written.extend(packages.into_iter().map(|path| (path, OutputKind::BinaryPackage)));
    if builder == BuildMode::Direct {
        let of =
            |wanted| written.iter().filter(move |(_, role)| *role == wanted).map(|(path, _)| path.as_str());
        let records = upload::write_upload_files(
            output,
            &of(OutputKind::SourcePackage).collect::<Vec<_>>(),
            source,
            &tree,
        )?;
        written.extend(records.into_iter().map(|path| (path, OutputKind::BuildRecord)));
    }
    let paths: Vec<String> = written.iter().map(|(path, _)| path.clone()).collect();
    stage.publish(directory, &paths, &[])?;
    tracing::debug!(directory = %directory.display(), files = paths.len(), elapsed = ?started.elapsed(), "written");
    Ok(written
        .into_iter()
        .map(|(path, role)| WrittenFile { path: directory.join(path), kind: role })
        .collect())
}
