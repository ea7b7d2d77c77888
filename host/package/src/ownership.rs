//! What may be replaced: the files and directories that this program writes, and nothing that merely stands in their
//! place.

use std::io;
use std::path::Path;

use fs_err as fs;

use crate::error::Error;

/// Whether the directory to publish into is there. A link, or anything else in its place, is an error.
pub(crate) fn check_place(place: &Path) -> Result<bool, Error> {
    match kind_of(place)? {
        None => Ok(false),
        Some(Kind::Directory) => Ok(true),
        Some(other) => Err(other.refuse(place)),
    }
}

/// Checks that a path within `place` leads there through directories, and that a file or a directory is at its end.
pub(crate) fn check_path(place: &Path, path: &str) -> Result<(), Error> {
    for (end, _) in path.match_indices('/') {
        let directory = place.join(&path[..end]);
        match kind_of(&directory)? {
            None | Some(Kind::Directory) => {}
            Some(other) => return Err(other.refuse(&directory)),
        }
    }
    let path = place.join(path);
    match kind_of(&path)? {
        None | Some(Kind::Directory | Kind::File) => Ok(()),
        Some(other) => Err(other.refuse(&path)),
    }
}

/// Checks that at a path there is nothing but a link that leads to a file beside it.
pub(crate) fn check_link(place: &Path, path: &str) -> Result<(), Error> {
    let path = place.join(path);
    match kind_of(&path)? {
        None => Ok(()),
        Some(Kind::Link) if fs::read_link(&path)?.components().count() == 1 => Ok(()),
        Some(other) => Err(other.refuse(&path)),
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    File,
    Directory,
    Link,
    Special,
}

impl Kind {
    fn refuse(self, path: &Path) -> Error {
        let what = match self {
            Self::File => "a file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Special => "a device, a pipe or a socket",
        };
        Error::NotWrittenByUs { path: path.to_owned(), what }
    }
}

fn kind_of(path: &Path) -> Result<Option<Kind>, Error> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(Some(Kind::Directory)),
        Ok(found) if found.is_file() => Ok(Some(Kind::File)),
        Ok(found) if found.is_symlink() => Ok(Some(Kind::Link)),
        Ok(_) => Ok(Some(Kind::Special)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
