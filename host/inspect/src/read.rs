//! Any file, by its contents.

use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;

use fs_err as fs;

use crate::archive;
use crate::error::{Error, FormatError};
use crate::file::open_regular_file;
use crate::limits::{Budget, MAX_TEXT_BYTES};
use crate::package::{FileEntry, FileKind, Package, PackageFormat};
use crate::{deb, decompress, dsc, rpm};

/// Reads a file, and for the control file of a source package the archives beside it. A link is not followed.
///
/// # Errors
/// When it cannot be read, or is a package that is not sound.
pub fn read(path: &Path) -> Result<Package, Error> {
    if fs::symlink_metadata(path)?.is_symlink() {
        let mut package = Package::new(PackageFormat::Plain);
        let target = Some(fs::read_link(path)?.to_string_lossy().into_owned());
        let entry = FileEntry { kind: FileKind::Link, target, ..FileEntry::default() };
        package.files.insert("link".into(), entry);
        return Ok(package);
    }
    let file = open_regular_file(path)?;
    parse(file, path, path.parent()).map_err(|unsound| unsound.with_path(path))
}

/// Reads a file that is open, or in memory; its name says which format is meant where contents leave that open.
///
/// # Errors
/// When it is a package that is not sound.
pub fn read_from(stream: impl Read + Seek, name: &Path) -> Result<Package, Error> {
    parse(stream, name, None).map_err(|unsound| unsound.with_path(name))
}

fn parse(stream: impl Read + Seek, path: &Path, directory: Option<&Path>) -> Result<Package, FormatError> {
    let name = path.to_string_lossy();
    let budget = Budget::new();
    let mut stream = BufReader::with_capacity(64 << 10, stream);
    let start = stream.fill_buf()?;
    if start.starts_with(&[0xed, 0xab, 0xee, 0xdb]) {
        return rpm::read(stream, &budget);
    }
    if start.starts_with(b"!<arch>\n") && name.ends_with(".deb") {
        return deb::read(&mut stream, &budget);
    }
    if name.ends_with(".dsc") {
        let text = decompress::read_limited(stream, MAX_TEXT_BYTES)?
            .ok_or_else(|| FormatError::corrupt(format!("it is longer than {} MiB", MAX_TEXT_BYTES >> 20)))?;
        return dsc::read(&decompress::lossy_text(&text), directory, &budget);
    }
    // Packages that are made of archives have many names.
    if name.contains(".tar") || name.ends_with(".tgz") || is_tar(&mut stream, &budget)? {
        let files = archive::read_compressed_tar(stream, |_| false, &budget)?;
        return Ok(Package { files: files.entries, ..Package::new(PackageFormat::Archive) });
    }
    Ok(plain_file(stream)?)
}

/// Whether what it holds, compressed or not, begins as a tar does. Afterwards the stream is where it began.
fn is_tar(stream: &mut BufReader<impl Read + Seek>, budget: &Budget) -> Result<bool, FormatError> {
    let is_bzip2 = decompress::is_bzip2(stream.fill_buf()?);
    let begins = !is_bzip2
        && decompress::reader(&mut *stream, budget)
            .and_then(|mut reader| archive::begins_as_tar(&mut reader))
            // What looks compressed and is not is read as it is.
            .unwrap_or(false);
    stream.rewind()?;
    Ok(begins)
}

/// A file that is no package.
fn plain_file(mut stream: impl Read) -> io::Result<Package> {
    let mut package = Package::new(PackageFormat::Plain);
    let mut entry = FileEntry::default();
    let kept = archive::hash_contents(&mut stream, &mut entry, true)?;
    match kept.filter(|bytes| decompress::is_text(bytes)) {
        Some(text) => {
            package.texts.insert("contents".into(), decompress::lossy_text(&text));
        }
        None => {
            let FileEntry { size, digest, .. } = entry;
            package.files.insert("contents".into(), FileEntry { size, digest, ..FileEntry::default() });
        }
    }
    Ok(package)
}
