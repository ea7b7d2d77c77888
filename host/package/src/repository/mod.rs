//! Directories of packages as package managers take them: with an index of everything that is in them.
//!
//! The format of the packages decides on that of the index. The bytes depend on the packages alone: where a
//! time is asked for, it is that of the newest package. Only where that lies in the future, which package managers
//! refuse, it is the clock's.

mod deb;
mod deb_file;
mod index_files;
mod rpm_md;
mod xml;

use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use fs_err as fs;

use self::index_files::IndexFiles;
use crate::staging::StagingDir;
use crate::{Error, OutputKind, Signer, WrittenFile};

/// Writes the index of all packages in `directory`, those of earlier builds among them. `name` is what the
/// index says that it is called. With a signer it is signed, and the public key is beside it.
///
/// # Errors
/// When there is nothing to index, or something that must not get into an index: a damaged package, two that
/// claim to be the same. On any error the earlier index is left as it was.
pub fn write_index(directory: &Path, name: &str, signer: Option<&Signer>) -> Result<Vec<WrittenFile>, Error> {
    let files = list_file_names(directory)?;
    let of = |suffixes: &[&str]| -> Vec<String> {
        files.iter().filter(|file| suffixes.iter().any(|it| file.ends_with(it))).cloned().collect()
    };
    let mut indices = Vec::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (debs, sources) = (of(&[".deb"]), of(&[".dsc"]));
    if !debs.is_empty() || !sources.is_empty() {
        indices.push(deb::build_index(directory, &debs, &sources, name, now, signer)?);
    }
    let rpms = of(&[".rpm"]);
    if !rpms.is_empty() {
        indices.push(rpm_md::build_index(directory, &rpms, now, signer)?);
    }
    if indices.is_empty() {
        return Err(Error::NothingToIndex(directory.to_owned()));
    }
    publish_indices(directory, indices)
}

/// What index a directory has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexState {
    /// None.
    Missing,
    /// One that nobody vouches for.
    Unsigned,
    /// One with a signature, whoever made it.
    Signed,
}

/// Finds out what index a directory has, of packages of any format.
#[must_use]
pub fn index_state(directory: &Path) -> IndexState {
    let is_there =
        |names: &[&str]| names.iter().any(|name| fs::symlink_metadata(directory.join(name)).is_ok());
    if is_there(&["InRelease", "Release.gpg", "repodata/repomd.xml.asc"]) {
        IndexState::Signed
    } else if is_there(&["Release", "repodata/repomd.xml"]) {
        IndexState::Unsigned
    } else {
        IndexState::Missing
    }
}

/// The names of files in a directory, sorted.
fn list_file_names(directory: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        // One that is not UTF-8 has no place in an index; should it be a package, it is refused by its name.
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Puts the new indices into the place of the old ones.
fn publish_indices(directory: &Path, indices: Vec<IndexFiles>) -> Result<Vec<WrittenFile>, Error> {
    let stage = StagingDir::new(directory)?;
    let mut written: Vec<String> = Vec::new();
    let mut obsolete = Vec::new();
    for index in indices {
        for (path, contents) in index.files {
            let file = stage.path().join(&path);
            if let Some(parent) = file.parent() {
                fs::create_dir_all(parent)?;
            }
            // Files keep the time of their writing: readers ask whether an index is newer than the one they have,
            // and one with another package may well be made of the same newest package.
            fs::write(&file, contents)?;
            make_readable(&file)?;
            written.push(path);
        }
        obsolete.extend(index.obsolete);
    }
    obsolete.retain(|path| !written.contains(path));
    stage.publish(directory, &written, &obsolete)?;
    let index = |path: String| WrittenFile { path: directory.join(path), kind: OutputKind::Index };
    Ok(written.into_iter().map(index).collect())
}

/// For everybody, whatever the umask says: packages are often fetched by a user with fewer rights.
fn make_readable(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, std::fs::Permissions::from_mode(0o644))
}
