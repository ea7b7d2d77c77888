//! Which file belongs to which: packages of two directories are matched by what they are, other files by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::differences::{Difference, compare};
use crate::error::Error;
use crate::file::open_regular_file;
use crate::limits::MAX_DIRECTORY_FILES;
use crate::read::read;
use opkg::digest::sha256_of;

/// Two files that belong together, or one that nothing belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePair {
    /// How to call them: a path within the directory, or name and architecture.
    pub name: String,
    /// Of the first directory.
    pub first: Option<PathBuf>,
    /// Of the second.
    pub second: Option<PathBuf>,
}

impl FilePair {
    /// In what the two differ; `None` if only one of them is there.
    ///
    /// # Errors
    /// When one of them cannot be read, or is a package that is not sound.
    pub fn compare(&self) -> Result<Option<Vec<Difference>>, Error> {
        let (first, second) = match (&self.first, &self.second) {
            (Some(first), Some(second)) => (first, second),
            (lone, other) => {
                // A damaged package has no name by which it could be matched.
                lone.iter().chain(other).try_for_each(|path| read(path).map(drop))?;
                return Ok(None);
            }
        };
        let mut found = compare(&read(first)?, &read(second)?);
        let is_link = |path: &Path| Ok::<_, Error>(fs::symlink_metadata(path)?.is_symlink());
        if found.is_empty() && !is_link(first)? {
            let [first, second] = [digest_file(first)?, digest_file(second)?];
            if first != second {
                found.push(Difference {
                    about: "bytes",
                    name: "compressed otherwise, or signed".to_owned(),
                    attribute: None,
                    first: Some(first),
                    second: Some(second),
                    lines: Vec::new(),
                });
            }
        }
        Ok(Some(found))
    }
}

/// SHA-256 in hexadecimal.
fn digest_file(path: &Path) -> Result<String, Error> {
    Ok(sha256_of(open_regular_file(path)?)?)
}

/// What is to be compared: two files, or those of two directories that belong together.
///
/// # Errors
/// When something cannot be read, or one is a directory and the other is none.
pub fn match_files(first: &Path, second: &Path) -> Result<Vec<FilePair>, Error> {
    match (fs::metadata(first)?.is_dir(), fs::metadata(second)?.is_dir()) {
        (false, false) => {
            let name = second.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // Who names a link means what is behind it.
            Ok(vec![FilePair {
                name,
                first: Some(fs::canonicalize(first)?),
                second: Some(fs::canonicalize(second)?),
            }])
        }
        (true, true) => {
            let (mut first, mut second) = (files_by_name(first)?, files_by_name(second)?);
            let all: std::collections::BTreeSet<String> =
                first.keys().chain(second.keys()).cloned().collect();
            let pair =
                |name: String| FilePair { first: first.remove(&name), second: second.remove(&name), name };
            Ok(all.into_iter().map(pair).collect())
        }
        (true, false) => Err(Error::KindMismatch(first.to_owned(), second.to_owned())),
        (false, true) => Err(Error::KindMismatch(second.to_owned(), first.to_owned())),
    }
}

/// What the files of a directory are called.
fn files_by_name(root: &Path) -> Result<BTreeMap<String, PathBuf>, Error> {
    let mut files = Vec::new();
    collect_files(root, &mut files)?;
    let mut names: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        names.entry(match_name(root, &file)).or_default().push(file);
    }
    let mut single = BTreeMap::new();
    for (name, files) in names {
        match <[PathBuf; 1]>::try_from(files) {
            Ok([file]) => {
                single.insert(name, file);
            }
            // Several versions of a package are told apart by the names of their files.
            Err(files) => single.extend(files.into_iter().map(|file| (relative_path(root, &file), file))),
        }
    }
    Ok(single)
}

/// `rhel-9/opkg-x noarch` of a package that says so, the path of anything else. What is wrong with a package is
/// told when it is compared.
fn match_name(root: &Path, file: &Path) -> String {
    let path = relative_path(root, file);
    let is_package = [".rpm", ".deb", ".dsc"].iter().any(|end| path.ends_with(end));
    let identity = if is_package { read(file).ok().and_then(|it| it.identity) } else { None };
    match (identity, path.rsplit_once('/')) {
        (None, _) => path,
        (Some(identity), None) => identity,
        (Some(identity), Some((directory, _))) => format!("{directory}/{identity}"),
    }
}

fn relative_path(root: &Path, file: &Path) -> String {
    file.strip_prefix(root).unwrap_or(file).to_string_lossy().into_owned()
}

/// All files below a directory. Special files are none; nothing behind a link is looked at.
fn collect_files(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect_files(&entry.path(), files)?;
        } else if kind.is_file() || kind.is_symlink() {
            files.push(entry.path());
        }
        if files.len() > MAX_DIRECTORY_FILES {
            let reason = format!("there are more than {MAX_DIRECTORY_FILES} files in it");
            return Err(Error::InvalidPackage { path: directory.to_owned(), reason });
        }
    }
    Ok(())
}
