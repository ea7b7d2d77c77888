//! Any file, by its contents.

use std::path::Path;

use fs_err as fs;
use sha2::{Digest, Sha256};

use crate::archive;
use crate::error::{Error, FormatError};
use crate::file::read_regular_file;
use crate::limits::{Budget, MAX_TEXT_BYTES};
use crate::package::{FileEntry, FileKind, Package, PackageFormat};
use crate::{deb, decompress, dsc, rpm};
use opkg::digest::hex;

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
    let bytes = read_regular_file(path)?;
    let directory = path.parent();
    parse(&bytes, path, directory).map_err(|unsound| unsound.with_path(path))
}

/// Reads a file that is in memory; its name says which format is meant where contents leave that open.
///
/// # Errors
/// When it is a package that is not sound.
pub fn read_bytes(bytes: &[u8], name: &Path) -> Result<Package, Error> {
    parse(bytes, name, None).map_err(|unsound| unsound.with_path(name))
}

fn parse(bytes: &[u8], path: &Path, directory: Option<&Path>) -> Result<Package, FormatError> {
    let name = path.to_string_lossy();
    let budget = Budget::new();
    if bytes.starts_with(&[0xed, 0xab, 0xee, 0xdb]) {
        return rpm::read(bytes, &budget);
    }
    if bytes.starts_with(b"!<arch>\n") && name.ends_with(".deb") {
        return deb::read(bytes, &budget);
    }
    if name.ends_with(".dsc") {
        return dsc::read(&decompress::lossy_text(bytes), directory, &budget);
    }
    if name.contains(".tar") || name.ends_with(".tgz") {
        let files = archive::read_compressed_tar(bytes, |_| false, &budget)?;
        return Ok(Package { files: files.entries, ..Package::new(PackageFormat::Archive) });
    }
    Ok(plain_file(bytes))
}

/// A file that is no package.
fn plain_file(bytes: &[u8]) -> Package {
    let mut package = Package::new(PackageFormat::Plain);
    if bytes.len() as u64 <= MAX_TEXT_BYTES && decompress::is_text(bytes) {
        package.texts.insert("contents".into(), decompress::lossy_text(bytes));
    } else {
        let digest = Some(hex(&Sha256::digest(bytes)));
        let entry = FileEntry { size: Some(bytes.len() as u64), digest, ..FileEntry::default() };
        package.files.insert("contents".into(), entry);
    }
    package
}
