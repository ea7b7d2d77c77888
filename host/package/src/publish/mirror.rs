//! A directory made anew: of links to the files of the one that it is going to replace.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use fs_err as fs;
use rustix::fs::{XattrFlags, getxattr, listxattr, setxattr};

use crate::repository;

/// Entries of a directory and everything below it. One that holds more is not made for packages.
const MAX_ENTRIES: usize = 200_000;

/// Bytes of the names of extended attributes of a directory, and of the value of one.
const MAX_ATTRIBUTE_BYTES: usize = 64 << 10;

/// Makes `to` a directory that cannot be told from `from`: links to its files, and directories with the same rights.
///
/// # Errors
/// When that cannot be done; then `to` may be there in part.
pub(super) fn link_tree(from: &Path, to: &Path) -> io::Result<()> {
    link_directory(from, to, &mut MAX_ENTRIES.clone())
}

fn link_directory(from: &Path, to: &Path, room: &mut usize) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        *room = room.checked_sub(1).ok_or_else(|| io::Error::other("too many files"))?;
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            link_directory(&entry.path(), &place, room)?;
            continue;
        }
        match fs::hard_link(entry.path(), &place) {
            // It has gone meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
    }
    copy_attributes(from, to)
}

/// Owner, extended attributes (access control lists are some), mode and time of a directory.
fn copy_attributes(from: &Path, to: &Path) -> io::Result<()> {
    let (original, copy) = (fs::metadata(from)?, fs::metadata(to)?);
    if (original.uid(), original.gid()) != (copy.uid(), copy.gid()) {
        std::os::unix::fs::chown(to, Some(original.uid()), Some(original.gid()))?;
    }
    let mut names = vec![0; MAX_ATTRIBUTE_BYTES];
    let mut value = vec![0; MAX_ATTRIBUTE_BYTES];
    let length = match listxattr(from, &mut names) {
        Err(rustix::io::Errno::NOTSUP) => 0,
        other => other?,
    };
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        // The policy of the system labels what is new; users may not.
        if name != b"security.selinux" {
            let length = getxattr(from, name, &mut value)?;
            setxattr(to, name, &value[..length], XattrFlags::empty())?;
        }
    }
    fs::set_permissions(to, std::fs::Permissions::from_mode(original.mode() & 0o7777))?;
    fs::File::open(to)?.set_modified(original.modified()?)
}

/// Puts the files into `to` that an index is made of, and the index that there is: links, or else copies. For a
/// directory that is only looked at. The caller has made sure that paths of the index lead through directories.
pub(super) fn copy_indexed_files(from: &Path, to: &Path) -> io::Result<()> {
    copy_files(from, to)?;
    for path in repository::INDEX_DIRS {
        if from.join(path).is_dir() {
            fs::create_dir_all(to.join(path))?;
            copy_files(&from.join(path), &to.join(path))?;
        }
    }
    Ok(())
}

fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_file() && fs::hard_link(entry.path(), &place).is_err() {
            match fs::copy(entry.path(), &place) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => drop(other?),
            }
        }
    }
    Ok(())
}

/// Moves a file or directory to a path within `directory`, in place of what is there.
pub(super) fn replace(from: &Path, directory: &Path, path: &str) -> io::Result<()> {
    let to = directory.join(path);
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    remove(&to)?;
    fs::rename(from, to)
}

/// Removes a file, a link or a directory, if there is one.
fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// After the exchange: what somebody else wrote into the old directory while the new one was made comes into the new
/// one. What this run has `replaced` does not.
pub(super) fn bring_back(old: &Path, place: &Path, replaced: &BTreeSet<&str>) -> io::Result<()> {
    bring_back_below(old, place, "", replaced)
}

fn bring_back_below(old: &Path, place: &Path, below: &str, replaced: &BTreeSet<&str>) -> io::Result<()> {
    for entry in fs::read_dir(old)? {
        let entry = entry?;
        let (name, here) = (entry.file_name(), place.join(entry.file_name()));
        // What this program writes has names in UTF-8.
        let path =
            name.to_str().map(|name| if below.is_empty() { name.into() } else { format!("{below}/{name}") });
        if path.as_deref().is_some_and(|path| replaced.contains(path)) {
            continue;
        }
        let found = fs::symlink_metadata(&here);
        let meanwhile = entry.metadata()?;
        match (&path, found) {
            (Some(path), Ok(found)) if found.is_dir() && meanwhile.is_dir() => {
                bring_back_below(&entry.path(), &here, path, replaced)?;
            }
            (_, Ok(found)) if (found.dev(), found.ino()) == (meanwhile.dev(), meanwhile.ino()) => {}
            (_, Ok(found)) if found.is_dir() || meanwhile.is_dir() => {}
            _ => fs::rename(entry.path(), here)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_came_meanwhile_is_brought_back() {
        let root = tempfile::tempdir().unwrap();
        let (old, place) = (root.path().join("old"), root.path().join("place"));
        let write = |path: &str, text: &str| {
            let file = old.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        write("stays", "mine");
        write("package", "old");
        write("deep/stays", "mine");
        write("tree/file", "old");
        write("changes", "before");
        link_tree(&old, &place).unwrap();
        for (path, text) in [("package", "new"), ("tree/file", "new")] {
            fs::remove_file(place.join(path)).unwrap();
            fs::write(place.join(path), text).unwrap();
        }
        // Of somebody else, while the new one was made.
        write("late", "mine");
        write("deep/late", "mine");
        write("other/late", "mine");
        fs::remove_file(old.join("changes")).unwrap();
        write("changes", "meanwhile");
        bring_back(&old, &place, &BTreeSet::from(["package", "tree"])).unwrap();
        let read = |path: &str| fs::read_to_string(place.join(path)).unwrap();
        for path in ["stays", "deep/stays", "late", "deep/late", "other/late"] {
            assert_eq!(read(path), "mine", "{path}");
        }
        assert_eq!((read("package"), read("tree/file")), ("new".to_owned(), "new".to_owned()));
        assert_eq!(read("changes"), "meanwhile");
    }
}
