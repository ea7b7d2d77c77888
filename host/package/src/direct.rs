//! Packages written by this crate, from the records that a plugin returned.

use opkg_interface::archive::DetachedSignature;
use opkg_interface::artefacts::{
    BinaryPackage, Container, Output, RpmFormat, RpmFormatVersion, SourcePackage,
};

use crate::build_options::BuildOptions;
use crate::content::FileContent;
use crate::document::{CompletePackage, write_documents};
use crate::error::Error;
use crate::output_tree::OutputTree;
use crate::permissions::file_mode;
use crate::source::OpkgSource;
use crate::spool::PiecedFile;
use crate::written::OutputKind;
use crate::{archives, deb, rpm};

/// A file that was made and is to be written, by its name.
type MadeFile = (String, PiecedFile, OutputKind);

/// Which of the packages of an OPKG are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selection {
    /// The source package alone.
    Source,
    /// The binary packages alone.
    Binaries,
    /// All of them.
    All,
}

/// Writes packages into `tree`, each under its own name: the source package that the container's format has beside what
/// was laid into `tree` before (of a spec and the archive that feeds it), and the binary ones, with signatures of those
/// that have no place for one in themselves. Returns the names, and what is behind each. They are made on so many
/// threads, and are the same whatever their number.
pub(crate) fn write_packages(
    output: &Output,
    selection: Selection,
    source: OpkgSource<'_>,
    tree: &OutputTree<'_>,
    options: BuildOptions<'_>,
) -> Result<Vec<(String, OutputKind)>, Error> {
    let has_source = selection != Selection::Binaries;
    let binaries = if selection == Selection::Source { &[] } else { output.packages.as_slice() };
    let work: Vec<Option<&BinaryPackage>> =
        has_source.then_some(None).into_iter().chain(binaries.iter().map(Some)).collect();
    let made = opkg_parallel::map(options.threads, &work, |package| match package {
        None => make_source_package(output, source, tree, options),
        Some(package) => make_binary_package(package, output, source, tree, options),
    });
    let mut written = Vec::new();
    for (package, files) in work.iter().zip(made) {
        for (name, mut file, kind) in files? {
            tree.write_from(&name, &mut file.reader()?, file_mode(false))?;
            drop(file);
            let described = package.filter(|_| kind == OutputKind::BinaryPackage).zip(options.documents);
            let documents = described.map(|(record, writer)| {
                let package = CompletePackage { record, source, file_name: &name, path: &tree.path(&name) };
                write_documents(package, writer, tree, options.signer)
            });
            written.push((name, kind));
            written.extend(documents.transpose()?.into_iter().flatten());
        }
    }
    Ok(written)
}

/// The format in the version that is asked for, or else in that of the target's own tools.
fn choose_version(format: RpmFormat, asked: Option<RpmFormatVersion>) -> Result<RpmFormat, Error> {
    match asked {
        Some(asked) if asked > format.newest_version => {
            Err(Error::UnreadableFormat { asked, newest: format.newest_version })
        }
        Some(version) => Ok(RpmFormat { version, ..format }),
        None => Ok(format),
    }
}

fn make_binary_package(
    package: &BinaryPackage,
    output: &Output,
    source: OpkgSource<'_>,
    tree: &OutputTree<'_>,
    BuildOptions { signer, effort, rpm_format, members, .. }: BuildOptions<'_>,
) -> Result<Vec<MadeFile>, Error> {
    let directory = tree.root();
    let mut signature = None;
    let mut file: PiecedFile = match &package.container {
        Container::Rpm(format) => {
            let main = output.packages.first().unwrap_or(package);
            let format = choose_version(*format, rpm_format)?;
            rpm::build_binary(package, format, effort, main, source, (directory, signer))?
        }
        Container::Deb(compression) => deb::build_deb(package, *compression, effort, source, directory)?,
        Container::Archives(container) => {
            signature = container.signature.as_ref();
            archives::build_package(package, container, effort, source, (directory, members), signer)?
        }
    };
    let name = package.file_name.clone();
    let signable = signature.zip(signer).filter(|(signature, signer)| signer.can_sign(signature.scheme));
    let signature = match signable {
        Some((DetachedSignature { suffix, scheme }, signer)) => {
            let signature = signer.sign(*scheme, file.reader()?, source.timestamp())?;
            Some((format!("{name}{suffix}"), signature.into(), OutputKind::Signature))
        }
        None => None,
    };
    Ok([(name, file, OutputKind::BinaryPackage)].into_iter().chain(signature).collect())
}

/// Nothing, where the format has none.
fn make_source_package(
    output: &Output,
    source: OpkgSource<'_>,
    tree: &OutputTree<'_>,
    BuildOptions { signer, effort, rpm_format, .. }: BuildOptions<'_>,
) -> Result<Vec<MadeFile>, Error> {
    let (Some(Container::Rpm(format)), SourcePackage::Tarball(tarball)) =
        (output.main_container(), &output.source)
    else {
        return Ok(Vec::new());
    };
    let format = choose_version(*format, rpm_format)?;
    let spec = output.meta_files.iter().find(|file| file.path.ends_with(".spec"));
    let (Some(spec), Some(main)) = (spec, output.packages.first()) else {
        return Ok(Vec::new());
    };
    let name = rpm::source_file_name(main);
    let path = tree.path(&tarball.path);
    let archive = FileContent::Made { size: fs_err::metadata(&path)?.len(), path };
    let tarball = (tarball.path.as_str(), archive);
    let way = (tree.root(), signer);
    let file = rpm::build_source(&output.packages, format, effort, spec, tarball, source, way)?;
    Ok(vec![(name, file, OutputKind::SourcePackage)])
}
