//! Source packages of format `3.0 (quilt)`: an archive of upstream, an archive of packaging, and a
//! control file (`.dsc`) that holds their checksums. See deb-src-control(5) and dsc(5).

use std::io;

use opkg_runtime::artefacts::{Field, QuiltSource, TextFile};

use crate::compress::{gzip, xz};
use crate::deb822::put;
use crate::digest::{self, Sums};
use crate::source::Source;
use crate::tarball::Tarball;
use crate::tree::Tree;
use crate::{Error, mode};

/// Writes the two archives and the control file into `tree`; returns the file names, control file last.
pub(crate) fn write(
    package: &QuiltSource,
    meta_files: &[TextFile],
    source: Source<'_>,
    tree: &Tree<'_>,
) -> Result<Vec<String>, Error> {
    let version = package.version.split_once(':').map_or(package.version.as_str(), |(_, rest)| rest);
    let Some((upstream, _)) = version.rsplit_once('-') else {
        return Err(Error::Unpackable(format!(
            "a quilt source package needs a revision, and the version `{version}` has none"
        )));
    };
    let name = &package.name;
    let original = (format!("{name}_{upstream}.orig.tar.gz"), original(package, source)?);
    let packaging = (format!("{name}_{version}.debian.tar.xz"), packaging(package, meta_files, source)?);
    let archives = [original, packaging];
    let control = (format!("{name}_{version}.dsc"), control(package, &archives)?.into_bytes());

    let mut names = Vec::new();
    for (name, contents) in archives.into_iter().chain([control]) {
        tree.write(&name, &contents, mode(false))?;
        names.push(name);
    }
    Ok(names)
}

fn original(package: &QuiltSource, source: Source<'_>) -> Result<Vec<u8>, Error> {
    let mut archive = Tarball::new(gzip(Vec::new(), 6), source.time());
    archive.sources(source, &package.directory)?;
    Ok(archive.finish()?.finish()?)
}

fn packaging(package: &QuiltSource, meta_files: &[TextFile], source: Source<'_>) -> io::Result<Vec<u8>> {
    let mut archive = Tarball::new(Vec::new(), source.time());
    for file in meta_files {
        // The archive holds the folder `debian` itself; anything else has no place in it.
        if let Some(path) = file.path.strip_prefix(&format!("{}/", package.directory))
            && path.starts_with("debian/")
        {
            archive.text(path, file)?;
        }
    }
    xz(&archive.finish()?)
}

fn control(package: &QuiltSource, archives: &[(String, Vec<u8>)]) -> Result<String, Error> {
    let mut text = String::new();
    put(&mut text, "Format", "3.0 (quilt)")?;
    put(&mut text, "Source", &package.name)?;
    put(&mut text, "Version", &package.version)?;
    for Field { name, value } in &package.fields {
        put(&mut text, name, value)?;
    }
    let sums =
        archives.iter().map(|(_, contents)| Sums::of(contents.as_slice())).collect::<Result<Vec<_>, _>>()?;
    let files = || archives.iter().map(|(name, _)| name.as_str()).zip(&sums);
    put(&mut text, "Checksums-Sha1", &digest::list(files(), |it| &it.sha1))?;
    put(&mut text, "Checksums-Sha256", &digest::list(files(), |it| &it.sha256))?;
    put(&mut text, "Files", &digest::list(files(), |it| &it.md5))?;
    Ok(text)
}
