//! For file systems that cannot exchange directories, such as NFS: one file after the other, each of them in one step.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::error::Error;

/// Moves the `new` paths from `next` into `place`, in their order, and then what is at the `obsolete` ones to `old`.
/// Should one of the moves fail, what was moved before is moved back.
pub(super) fn move_in_order<'a>(
    next: &Path,
    place: &Path,
    old: &Path,
    new: impl Iterator<Item = &'a str>,
    obsolete: impl Iterator<Item = &'a str>,
) -> Result<(), Error> {
    let moves = Moves { next, place, old };
    let mut done: Vec<&str> = Vec::new();
    for (path, is_new) in new.map(|path| (path, true)).chain(obsolete.map(|path| (path, false))) {
        let moved = if is_new { moves.replace(path) } else { moves.set_aside(path).map(|_| ()) };
        if let Err(error) = moved {
            for path in done.into_iter().rev() {
                moves.undo(path);
            }
            return Err(error.into());
        }
        done.push(path);
    }
    let directories: BTreeSet<PathBuf> =
        done.iter().filter_map(|path| Some(place.join(path).parent()?.to_owned())).collect();
    for directory in directories {
        opkg_scratch::sync_directory(&directory)?;
    }
    Ok(())
}

struct Moves<'a> {
    next: &'a Path,
    place: &'a Path,
    old: &'a Path,
}

impl Moves<'_> {
    fn replace(&self, path: &str) -> io::Result<()> {
        let (new, place, old) = (self.next.join(path), self.place.join(path), self.old.join(path));
        create_parent(&place)?;
        // A second name for what is there, so that the first one never goes without a file; a directory, and any file
        // where there are no second names, has to make room.
        create_parent(&old)?;
        let was_set_aside = match fs::hard_link(&place, &old) {
            Ok(()) => false,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(_) => self.set_aside(path)?,
        };
        fs::rename(&new, &place).inspect_err(|_| {
            if was_set_aside {
                let _ = fs::rename(&old, &place);
            }
        })
    }

    /// Moves what is at a path away. The answer is whether something was there.
    fn set_aside(&self, path: &str) -> io::Result<bool> {
        let (place, old) = (self.place.join(path), self.old.join(path));
        create_parent(&old)?;
        match fs::rename(&place, &old) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What can be undone is undone; the error that led to this is the one that counts.
    fn undo(&self, path: &str) {
        let _ = fs::rename(self.place.join(path), self.next.join(path));
        let _ = fs::rename(self.old.join(path), self.place.join(path));
    }
}

fn create_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A directory with `next`, `place` and `old`.
    fn new_root(next: &[(&str, &str)], place: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (directory, files) in [("next", next), ("place", place)] {
            fs::create_dir(root.path().join(directory)).unwrap();
            for (path, text) in files {
                let file = root.path().join(directory).join(path);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
        }
        root
    }

    fn run(root: &tempfile::TempDir, new: &[&str], obsolete: &[&str]) -> Result<(), Error> {
        let at = |name: &str| root.path().join(name);
        let (new, obsolete) = (new.iter().copied(), obsolete.iter().copied());
        move_in_order(&at("next"), &at("place"), &at("old"), new, obsolete)
    }

    fn read(root: &tempfile::TempDir, path: &str) -> Option<String> {
        fs::read_to_string(root.path().join("place").join(path)).ok()
    }

    #[test]
    fn files_and_directories_make_room() {
        let root = new_root(
            &[("tree/fresh", "new"), ("file", "new"), ("deep/er", "new")],
            &[("tree/leftover", "old"), ("file", "old"), ("relic", "old"), ("other", "mine")],
        );
        run(&root, &["tree", "file", "deep/er"], &["relic", "nothing"]).unwrap();
        assert_eq!(read(&root, "file").unwrap(), "new");
        assert_eq!(read(&root, "tree/fresh").unwrap(), "new");
        assert_eq!(read(&root, "deep/er").unwrap(), "new");
        assert_eq!(read(&root, "other").unwrap(), "mine");
        assert_eq!((read(&root, "tree/leftover"), read(&root, "relic")), (None, None));
    }

    #[test]
    fn a_failure_leaves_everything_as_it_was() {
        let root = new_root(
            &[("a", "new"), ("tree/fresh", "new")],
            &[("a", "old"), ("tree/old", "old"), ("relic", "old")],
        );
        assert!(run(&root, &["a", "tree", "missing"], &["relic"]).is_err());
        assert_eq!(read(&root, "a").unwrap(), "old");
        assert_eq!(read(&root, "tree/old").unwrap(), "old");
        assert_eq!(read(&root, "tree/fresh"), None);
        assert_eq!(fs::read_dir(root.path().join("place")).unwrap().count(), 3);
    }
}
