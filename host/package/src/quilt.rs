//! Source packages of format `3.0 (quilt)`: an archive of upstream, an archive of packaging, and a
//! control file (`.dsc`) that holds their checksums. See deb-src-control(5) and dsc(5).

use std::io;

use opkg_interface::artefacts::{Field, QuiltSource, TextFile};

use crate::checksums::{self, Checksums};
use crate::compress::{CompressionEffort, gzip, xz};
use crate::deb822::write_field;
use crate::error::Error;
use crate::output_tree::OutputTree;
use crate::permissions::file_mode;
use crate::sign::Signer;
use crate::source::OpkgSource;
use crate::tar_writer::TarWriter;

/// Writes the two archives and the control file into `tree`; returns the file names, control file last.
pub(crate) fn write_source_package(
    package: &QuiltSource,
    meta_files: &[TextFile],
    source: OpkgSource<'_>,
    tree: &OutputTree<'_>,
    signer: Option<&Signer>,
) -> Result<Vec<String>, Error> {
    let version = package.version.split_once(':').map_or(package.version.as_str(), |(_, rest)| rest);
    let Some((upstream, _)) = version.rsplit_once('-') else {
        return Err(Error::InvalidOutput(format!(
            "a quilt source package needs a revision, and the version `{version}` has none"
        )));
    };
    let name = &package.name;
    let original = (format!("{name}_{upstream}.orig.tar.gz"), build_orig_archive(package, source)?);
    let packaging =
        (format!("{name}_{version}.debian.tar.xz"), build_debian_archive(package, meta_files, source)?);
    let archives = [original, packaging];
    let text = format_dsc(package, &archives)?;
    let text = match signer {
        Some(signer) => signer.sign_cleartext(&text, source.timestamp())?,
        None => text,
    };
    let control = (format!("{name}_{version}.dsc"), text.into_bytes());

    let mut names = Vec::new();
    for (name, contents) in archives.into_iter().chain([control]) {
        tree.write(&name, &contents, file_mode(false))?;
        names.push(name);
    }
    Ok(names)
}

fn build_orig_archive(package: &QuiltSource, source: OpkgSource<'_>) -> Result<Vec<u8>, Error> {
    let mut archive = TarWriter::new(gzip(Vec::new(), 6), source.timestamp());
    archive.append_sources(source, &package.directory)?;
    Ok(archive.finish()?.finish()?)
}

fn build_debian_archive(
    package: &QuiltSource,
    meta_files: &[TextFile],
    source: OpkgSource<'_>,
) -> io::Result<Vec<u8>> {
    let mut archive = TarWriter::new(Vec::new(), source.timestamp());
    for file in meta_files {
        // The archive holds the folder `debian` itself; anything else has no place in it.
        if let Some(path) = file.path.strip_prefix(&format!("{}/", package.directory))
            && path.starts_with("debian/")
        {
            archive.append_text(path, file)?;
        }
    }
    xz(&archive.finish()?, CompressionEffort::Auto)
}

fn format_dsc(package: &QuiltSource, archives: &[(String, Vec<u8>)]) -> Result<String, Error> {
    let mut text = String::new();
    write_field(&mut text, "Format", "3.0 (quilt)")?;
    write_field(&mut text, "Source", &package.name)?;
    write_field(&mut text, "Version", &package.version)?;
    for Field { name, value } in &package.fields {
        write_field(&mut text, name, value)?;
    }
    let sums = archives
        .iter()
        .map(|(_, contents)| Checksums::compute(contents.as_slice()))
        .collect::<Result<Vec<_>, _>>()?;
    let files = || archives.iter().map(|(name, _)| name.as_str()).zip(&sums);
    write_field(&mut text, "Checksums-Sha1", &checksums::format_checksum_list(files(), |it| &it.sha1))?;
    write_field(&mut text, "Checksums-Sha256", &checksums::format_checksum_list(files(), |it| &it.sha256))?;
    write_field(&mut text, "Files", &checksums::format_checksum_list(files(), |it| &it.md5))?;
    Ok(text)
}
