//! All or nothing: what one build writes appears in the output directory when it is complete.

use std::io;
use std::path::{Path, PathBuf};

use crate::Error;
use fs_err as fs;
use opkg_scratch::ScratchDir;

/// A hidden directory inside the output directory, so that moving its contents out is a rename.
pub(crate) struct StagingDir {
    directory: ScratchDir,
}

impl StagingDir {
    /// Creates the output directory as well, if need be.
    pub(crate) fn new(output: &Path) -> Result<Self, Error> {
        fs::create_dir_all(output)?;
        let directory = ScratchDir::new(".opkgc-", Some(output))?;
        fs::create_dir(directory.path().join("new"))?;
        Ok(Self { directory })
    }

    /// Where to write.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("new")
    }

    /// Moves the given paths, relative to the stage, to the same places in the output directory. A file or
    /// directory of that name makes room, and so does what is there under the `obsolete` paths; should one move
    /// fail, what was moved before is moved back.
    pub(crate) fn publish(self, output: &Path, paths: &[String], obsolete: &[String]) -> Result<(), Error> {
        // Not in the middle of the program's being told to stop.
        let _hold = opkg_scratch::block_cleanup();
        let aside = self.directory.path().join("old");
        let mut done: Vec<&String> = Vec::new();
        let removals = obsolete.iter().map(|path| (path, false));
        for (path, is_new) in paths.iter().map(|path| (path, true)).chain(removals) {
            if let Err(error) = self.swap_in(output, &aside, path, is_new) {
                for path in done.into_iter().rev() {
                    // What can be undone is undone; the first error is the one that counts.
                    let _ = fs::rename(output.join(path), self.path().join(path));
                    let _ = fs::rename(aside.join(path), output.join(path));
                }
                return Err(error.into());
            }
            done.push(path);
        }
        Ok(())
    }

    fn swap_in(&self, output: &Path, aside: &Path, path: &str, is_new: bool) -> io::Result<()> {
        let (new, place, old) = (self.path().join(path), output.join(path), aside.join(path));
        for file in [&place, &old] {
            if let Some(parent) = file.parent() {
                fs::create_dir_all(parent)?;
            }
        }
        let was_there = match fs::rename(&place, &old) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if !is_new {
            return Ok(());
        }
        fs::rename(&new, &place).inspect_err(|_| {
            if was_there {
                let _ = fs::rename(&old, &place);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn strings(paths: &[&str]) -> Vec<String> {
        paths.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn files_and_directories_make_room() {
        let output = tempfile::tempdir().unwrap();
        fs::create_dir(output.path().join("tree")).unwrap();
        fs::write(output.path().join("tree/leftover"), "old").unwrap();
        fs::write(output.path().join("file"), "old").unwrap();
        fs::write(output.path().join("relic"), "old").unwrap();
        let stage = StagingDir::new(output.path()).unwrap();
        fs::create_dir(stage.path().join("tree")).unwrap();
        fs::write(stage.path().join("tree/fresh"), "new").unwrap();
        fs::write(stage.path().join("file"), "new").unwrap();
        stage.publish(output.path(), &strings(&["tree", "file"]), &strings(&["relic", "nothing"])).unwrap();
        assert_eq!(fs::read_to_string(output.path().join("file")).unwrap(), "new");
        assert!(output.path().join("tree/fresh").exists());
        assert!(!output.path().join("tree/leftover").exists());
        assert_eq!(fs::read_dir(output.path()).unwrap().count(), 2, "the stage and the relic are gone");
    }

    #[test]
    fn a_failure_leaves_everything_as_it_was() {
        let output = tempfile::tempdir().unwrap();
        fs::write(output.path().join("a"), "old").unwrap();
        fs::write(output.path().join("relic"), "old").unwrap();
        let stage = StagingDir::new(output.path()).unwrap();
        fs::write(stage.path().join("a"), "new").unwrap();
        assert!(stage.publish(output.path(), &strings(&["a", "missing"]), &strings(&["relic"])).is_err());
        assert_eq!(fs::read_to_string(output.path().join("a")).unwrap(), "old");
        assert_eq!(fs::read_dir(output.path()).unwrap().count(), 2);
    }
}
