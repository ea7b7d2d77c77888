//! Any file, by its contents.

use std::io::Read;
use std::path::Path;

use fs_err as fs;
use sha2::{Digest, Sha256};

use crate::archive::{self, LONGEST_TEXT, hex};
use crate::error::{Error, Unsound};
use crate::package::{Entry, Format, Kind, Package};
use crate::{deb, decompress, dsc, rpm};

/// Bytes of a file that is read at all. All formats have trouble above it.
const LARGEST: u64 = 2 << 30;

/// Reads a file, and for the control file of a source package the archives beside it. A link is not followed.
///
/// # Errors
/// When it cannot be read, or is a package that is not sound.
pub fn read(path: &Path) -> Result<Package, Error> {
    if fs::symlink_metadata(path)?.is_symlink() {
        let mut package = Package::new(Format::Plain);
        let target = Some(fs::read_link(path)?.to_string_lossy().into_owned());
        let entry = Entry { kind: Kind::Link, target, ..Entry::default() };
        package.files.insert("link".into(), entry);
        return Ok(package);
    }
    let bytes = regular(path)?;
    let directory = path.parent();
    any(&bytes, path, directory).map_err(|unsound| unsound.at(path))
}

/// Reads a file that is in memory; its name says which format is meant where contents leave that open.
///
/// # Errors
/// When it is a package that is not sound.
pub fn read_bytes(bytes: &[u8], name: &Path) -> Result<Package, Error> {
    any(bytes, name, None).map_err(|unsound| unsound.at(name))
}

/// All of a regular file.
pub(crate) fn regular(path: &Path) -> Result<Vec<u8>, Error> {
    let unsound = |reason: String| Error::Unsound { path: path.to_owned(), reason };
    // Asked before it is opened: opening a pipe would wait.
    let is_regular = fs::metadata(path)?.is_file();
    if !is_regular {
        return Err(unsound("it is no regular file".into()));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(unsound(format!("it is larger than {} GiB", LARGEST >> 30)));
    }
    Ok(bytes)
}

fn any(bytes: &[u8], path: &Path, directory: Option<&Path>) -> Result<Package, Unsound> {
    let name = path.to_string_lossy();
    if bytes.starts_with(&[0xed, 0xab, 0xee, 0xdb]) {
        return rpm::read(bytes);
    }
    if bytes.starts_with(b"!<arch>\n") && name.ends_with(".deb") {
        return deb::read(bytes);
    }
    if name.ends_with(".dsc") {
        return dsc::read(&decompress::text(bytes), directory);
    }
    if name.contains(".tar") || name.ends_with(".tgz") {
        let files = archive::tar(decompress::reader(bytes)?, |_| false)?;
        return Ok(Package { files: files.entries, ..Package::new(Format::Archive) });
    }
    Ok(plain(bytes))
}

/// A file that is no package.
fn plain(bytes: &[u8]) -> Package {
    let mut package = Package::new(Format::Plain);
    if bytes.len() as u64 <= LONGEST_TEXT && decompress::is_text(bytes) {
        package.texts.insert("contents".into(), decompress::text(bytes));
    } else {
        let digest = Some(hex(&Sha256::digest(bytes)));
        let entry = Entry { size: Some(bytes.len() as u64), digest, ..Entry::default() };
        package.files.insert("contents".into(), entry);
    }
    package
}
