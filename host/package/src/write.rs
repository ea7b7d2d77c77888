//! Everything that is made of one OPKG for one target.

use std::time::Instant;

use opkg_interface::artefacts::Output;

use crate::build_options::{BuildMode, BuildOptions};
use crate::direct::Selection;
use crate::document::{CompletePackage, write_documents};
use crate::error::Error;
use crate::meta::write_sources;
use crate::output_tree::OutputTree;
use crate::source::OpkgSource;
use crate::written::OutputKind;
use crate::{direct, native, upload};

/// Writes meta-files and source packages, and with a builder the binary packages, into `tree`. Returns the paths in there.
pub(crate) fn write_into(
    tree: &OutputTree<'_>,
    output: &Output,
    source: OpkgSource<'_>,
    options: BuildOptions<'_>,
) -> Result<Vec<(String, OutputKind)>, Error> {
    let started = Instant::now();
    let BuildOptions { builder, signer, .. } = options;
    let mut written = write_sources(output, source, tree, signer)?;
    let selection = if builder == BuildMode::Direct { Selection::All } else { Selection::Source };
    written.extend(direct::write_packages(output, selection, source, tree, options)?);
    if let BuildMode::Native { verbose } = builder {
        let names = native::run_native_build(output, source, tree, verbose)?;
        for name in names {
            let documents = describe(&name, output, source, tree, options)?;
            written.push((name, OutputKind::BinaryPackage));
            written.extend(documents);
        }
    }
    if builder == BuildMode::Direct {
        let of =
            |wanted| written.iter().filter(move |(_, role)| *role == wanted).map(|(path, _)| path.as_str());
        let records = upload::write_upload_files(
            output,
            &of(OutputKind::SourcePackage).collect::<Vec<_>>(),
            source,
            tree,
            signer,
        )?;
        written.extend(records.into_iter().map(|path| (path, OutputKind::BuildRecord)));
    }
    tracing::debug!(package = source.opkg.name, files = written.len(), elapsed = ?started.elapsed(), "staged");
    Ok(written)
}

/// Lays documents about a package of a native build into `tree`, beside it.
fn describe(
    name: &str,
    output: &Output,
    source: OpkgSource<'_>,
    tree: &OutputTree<'_>,
    options: BuildOptions<'_>,
) -> Result<Vec<(String, OutputKind)>, Error> {
    let Some(writer) = options.documents else { return Ok(Vec::new()) };
    let record = output.packages.iter().find(|package| package.file_name == name);
    let record = record.ok_or_else(|| Error::InvalidOutput(format!("there is no record of {name}")))?;
    let path = tree.path(name);
    let package = CompletePackage { record, source, file_name: name, path: &path };
    write_documents(package, writer, tree, options.signer)
}

/// The same of the one package of this name alone, without anything that it is made of.
///
/// # Errors
/// Also where there is no such package.
pub(crate) fn write_binary_package_into(
    tree: &OutputTree<'_>,
    output: &Output,
    name: &str,
    source: OpkgSource<'_>,
    options: BuildOptions<'_>,
) -> Result<Vec<(String, OutputKind)>, Error> {
    let package = output.packages.iter().find(|package| package.name == name);
    let package = package.ok_or_else(|| Error::InvalidOutput(format!("there is no package {name}")))?;
    let only = Output { packages: vec![package.clone()], ..output.clone() };
    direct::write_packages(&only, Selection::Binaries, source, tree, options)
}
