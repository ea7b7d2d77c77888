//! Source packages of format `3.0 (quilt)`: an archive of upstream, an archive of packaging, and a
//! control file (`.dsc`) that holds their checksums. See deb-src-control(5) and dsc(5).

use std::io::{self, BufWriter};

use opkg_interface::artefacts::{Field, QuiltSource, TextFile};

use crate::checksums::{self, AllDigests, Checksums, DigestWriter};
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
    let original = format!("{name}_{upstream}.orig.tar.gz");
    let packaging = format!("{name}_{version}.debian.tar.xz");
    let original_sums = write_orig_archive(&original, package, source, tree)?;
    let contents = build_debian_archive(package, meta_files, source)?;
    let packaging_sums = Checksums::compute(contents.as_slice())?;
    tree.write(&packaging, &contents, file_mode(false))?;
    let text = format_dsc(package, &[(&original, original_sums), (&packaging, packaging_sums)])?;
    let text = match signer {
        Some(signer) => signer.sign_cleartext(&text, source.timestamp())?,
        None => text,
    };
    let control = format!("{name}_{version}.dsc");
    tree.write(&control, text.as_bytes(), file_mode(false))?;
    Ok(vec![original, packaging, control])
}

fn write_orig_archive(
    name: &str,
    package: &QuiltSource,
    source: OpkgSource<'_>,
    tree: &OutputTree<'_>,
) -> Result<Checksums, Error> {
    let file = DigestWriter::new(tree.create(name)?, AllDigests::default());
    // The compressor has some work with each piece, however small.
    let mut archive = TarWriter::new(BufWriter::new(gzip(file, 6)), source.timestamp());
    archive.append_sources(source, &package.directory)?;
    let gzip = archive.finish()?.into_inner().map_err(|error| Error::Io(error.into_error()))?;
    let (file, size, digests) = gzip.finish()?.into_parts();
    tree.set_metadata(&file, file_mode(false))?;
    Ok(Checksums::new(size, digests))
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

fn format_dsc(package: &QuiltSource, archives: &[(&str, Checksums)]) -> Result<String, Error> {
    let mut text = String::new();
    write_field(&mut text, "Format", "3.0 (quilt)")?;
    write_field(&mut text, "Source", &package.name)?;
    write_field(&mut text, "Version", &package.version)?;
    for Field { name, value } in &package.fields {
        write_field(&mut text, name, value)?;
    }
    let files = || archives.iter().map(|(name, sums)| (*name, sums));
    write_field(&mut text, "Checksums-Sha1", &checksums::format_checksum_list(files(), |it| &it.sha1))?;
    write_field(&mut text, "Checksums-Sha256", &checksums::format_checksum_list(files(), |it| &it.sha256))?;
    write_field(&mut text, "Files", &checksums::format_checksum_list(files(), |it| &it.md5))?;
    Ok(text)
}
