//! Directories of packages as package managers take them: with an index of everything that is in them.
//!
//! The format of the packages decides on that of the index. The bytes depend on the packages alone: where a
//! time is asked for, it is that of the newest package. Only where that lies in the future, which package managers
//! refuse, it is the clock's.

mod ar_member;
mod archive_file;
mod archive_index;
mod by_hash;
mod client_config;
mod contents;
mod deb;
mod deb_file;
mod index_files;
mod index_signatures;
mod rpm_md;
mod segments;
mod tar_paths;
mod xml;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use fs_err as fs;

use self::archive_index::ArchiveIndex;
use self::index_files::IndexFiles;
pub use self::index_files::UnsignedReason;
use crate::Error;
use crate::index_request::IndexRequest;
use crate::ownership;

/// Directories that are the index's own, within that of the packages.
pub(crate) const INDEX_DIRS: [&str; 2] = [rpm_md::REPODATA_DIR, by_hash::BY_HASH_DIR];

/// Packages that one index lists, and entries that a directory of packages may have.
const MAX_PACKAGES: usize = 50_000;
const MAX_ENTRIES: usize = 1_000_000;

/// What becomes of the files in a directory when it gets a new index. Paths are relative to it.
#[derive(Debug, Default)]
pub(crate) struct IndexChange {
    /// Written, those last that readers begin with.
    pub(crate) written: Vec<String>,
    /// Of the earlier index, and gone.
    pub(crate) obsolete: Vec<String>,
    /// Why one of the indices is not signed, although there is a key.
    pub(crate) unsigned: Option<UnsignedReason>,
}

impl IndexChange {
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.written.iter().chain(&self.obsolete).map(String::as_str)
    }
}

/// Writes the index of all packages in `directory`, which nobody else looks into yet.
///
/// # Errors
/// When there is nothing to index, or something that must not get into an index: a damaged package, two that claim to
/// be the same; and when the index that is there has something that this one cannot have.
pub(crate) fn write_into(directory: &Path, request: IndexRequest<'_>) -> Result<IndexChange, Error> {
    let files = list_file_names(directory)?;
    let [debs, sources, rpms] = OWN_SUFFIXES.map(|suffix| -> Vec<String> {
        files.iter().filter(|file| file.ends_with(suffix)).cloned().collect()
    });
    let maker = match request.maker {
        Some(source) => ArchiveIndex::describe(directory, source)?,
        None => None,
    };
    let claims =
        |name: &String| !has_own_index(name) && maker.as_ref().is_some_and(|maker| maker.claims(name));
    let claimed: Vec<String> = files.iter().filter(|name| claims(name)).cloned().collect();
    if debs.len() + sources.len() + rpms.len() + claimed.len() > MAX_PACKAGES {
        return Err(too_much(directory, format!("more than {MAX_PACKAGES} packages")));
    }
    let mut indices = Vec::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if !debs.is_empty() || !sources.is_empty() {
        indices.push(deb::build_index(directory, &debs, &sources, request, now)?);
    }
    if !rpms.is_empty() {
        indices.push(rpm_md::build_index(directory, &rpms, request, now)?);
    }
    if let Some(maker) = maker.filter(|_| !claimed.is_empty()) {
        indices.push(maker.build(directory, &claimed, request, now)?);
    }
    if indices.is_empty() {
        return Err(Error::NothingToIndex(directory.to_owned()));
    }
    replace_index(directory, indices)
}

/// How packages are called whose index is made without a plugin.
const OWN_SUFFIXES: [&str; 3] = [".deb", ".dsc", ".rpm"];

/// Whether a file is called as a package whose index is made without a plugin.
#[must_use]
pub fn has_own_index(file_name: &str) -> bool {
    OWN_SUFFIXES.iter().any(|suffix| file_name.ends_with(suffix))
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
        if names.len() == MAX_ENTRIES {
            return Err(too_much(directory, format!("more than {MAX_ENTRIES} files")));
        }
        // One that is not UTF-8 has no place in an index; should it be a package, it is refused by its name.
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn too_much(directory: &Path, what: String) -> Error {
    Error::TooMuchToIndex { directory: directory.to_owned(), what }
}

/// Puts the new indices into the place of the old ones.
fn replace_index(directory: &Path, indices: Vec<IndexFiles>) -> Result<IndexChange, Error> {
    let mut change = IndexChange::default();
    for index in &indices {
        let copies = index.copies.iter().map(|(path, _)| path);
        for path in index.files.iter().map(|(path, _)| path).chain(copies).chain(&index.obsolete) {
            ownership::check_path(directory, path)?;
        }
        for (path, _) in &index.links {
            ownership::check_link(directory, path)?;
        }
    }
    for index in indices {
        change.obsolete.extend(index.obsolete);
        change.unsigned = change.unsigned.or(index.unsigned);
        for (path, contents) in &index.files {
            write_file(directory, path, contents)?;
        }
        for (path, original) in index.copies {
            copy_file(directory, &path, &original)?;
            change.written.push(path);
        }
        for (path, to) in index.links {
            let place = directory.join(&path);
            remove_file(&place)?;
            fs_err::os::unix::fs::symlink(to, place)?;
            change.written.push(path);
        }
        change.written.extend(index.files.into_iter().map(|(path, _)| path));
    }
    change.obsolete.retain(|path| !change.written.contains(path));
    for path in &change.obsolete {
        remove_file(&directory.join(path))?;
    }
    Ok(change)
}

/// Writes a file for everybody to read, whatever the umask says: packages are often fetched by a user with fewer
/// rights. What is there may have other names elsewhere, and is not written to.
fn write_file(directory: &Path, path: &str, contents: &[u8]) -> Result<(), Error> {
    create_parents(directory, path)?;
    let path = directory.join(path);
    remove_file(&path)?;
    // Files keep the time of their writing: readers ask whether an index is newer than the one they have, and one with
    // another package may well be made of the same newest package.
    let mut file = fs::File::create_new(&path)?;
    file.write_all(contents)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
    Ok(())
}

/// Copies a file that was written. No other name for the same file: what has several is taken for a file of the last index, which
/// is on the disk already.
fn copy_file(directory: &Path, path: &str, original: &str) -> Result<(), Error> {
    create_parents(directory, path)?;
    let (path, original) = (directory.join(path), directory.join(original));
    remove_file(&path)?;
    fs::copy(&original, &path)?;
    Ok(())
}

/// Creates the directories within `directory` that a path leads through.
fn create_parents(directory: &Path, path: &str) -> Result<(), Error> {
    for (end, _) in path.match_indices('/') {
        let parent = directory.join(&path[..end]);
        match fs::create_dir(&parent) {
            Ok(()) => fs::set_permissions(parent, std::fs::Permissions::from_mode(0o755))?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
