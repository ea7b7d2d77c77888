//! Files and directories that are in a root for a while only.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use opkg_oda::crash::crash_point;
use rustix::fs::{AtFlags, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;

use super::root::TargetRoot;
use super::temp_record::{Entry, RECORDS_DIR, TempRecord};

/// What is in a root for a while only. Removed when this is dropped; what is recorded also where this process does not live
/// to do that.
#[derive(Debug)]
pub(crate) struct TempFiles<'a> {
    root: &'a TargetRoot,
    files: Vec<PathBuf>,
    directories: Vec<PathBuf>,
    is_recorded: bool,
    record: Option<TempRecord>,
}

impl<'a> TempFiles<'a> {
    /// None yet.
    pub(crate) fn new(root: &'a TargetRoot) -> Self {
        Self::with_record(root, false)
    }

    /// None yet. The names of all files begin as those of package managers do, with `opkg-`, and the next process finds
    /// them where this one is killed.
    pub(crate) fn recorded(root: &'a TargetRoot) -> Self {
        Self::with_record(root, true)
    }

    fn with_record(root: &'a TargetRoot, is_recorded: bool) -> Self {
        Self { root, files: Vec::new(), directories: Vec::new(), is_recorded, record: None }
    }

    /// Makes a directory, and those above it, where there are none.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn create_dir_all(&mut self, path: &Path) -> io::Result<()> {
        for directory in self.root.missing_dirs(path)? {
            self.note(Entry::Directory(directory.clone()))?;
            self.create_dir(directory)?;
        }
        Ok(())
    }

    /// Writes a file, with the directories above it, in place of what an earlier run may have left there.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn write_file(&mut self, path: &Path, contents: &[u8], executable: bool) -> io::Result<()> {
        if let Some(parent) = path.parent() {
            self.create_dir_all(parent)?;
        }
        self.note(Entry::File(path.to_owned()))?;
        let (parent, name) = self.root.open_parent(path)?;
        match unlinkat(&parent, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&parent, name, flags, Mode::from_raw_mode(0o600))?);
        self.files.push(path.to_owned());
        crash_point("addition.made");
        file.write_all(contents)?;
        // Whatever the umask of this process.
        file.set_permissions(PermissionsExt::from_mode(if executable { 0o755 } else { 0o644 }))
    }

    /// Writes a file for everybody, unless something is there that is more than what an earlier run may have left.
    ///
    /// # Errors
    /// It cannot be written, or the directory is not there.
    pub(crate) fn write_in_place(&mut self, path: &Path, contents: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW;
        let mut file = File::from(self.root.open_at(path, flags, Mode::from_raw_mode(0o644))?);
        self.files.push(path.to_owned());
        crash_point("addition.made");
        file.write_all(contents)
    }

    /// From here on they belong to the root.
    pub(crate) fn keep(mut self) {
        self.files.clear();
        self.directories.clear();
    }

    fn create_dir(&mut self, directory: PathBuf) -> io::Result<()> {
        self.root.create_dir(&directory)?;
        self.directories.push(directory);
        crash_point("addition.directory");
        Ok(())
    }

    /// Records what is about to be made.
    fn note(&mut self, entry: Entry) -> io::Result<()> {
        if !self.is_recorded {
            return Ok(());
        }
        let mut record = match self.record.take() {
            Some(record) => record,
            None => self.begin_record()?,
        };
        let noted = record.add(&entry);
        self.record = Some(record);
        noted
    }

    /// The directories of the record itself are made without one: nothing but they is left where that is cut off.
    fn begin_record(&mut self) -> io::Result<TempRecord> {
        for directory in self.root.missing_dirs(Path::new(RECORDS_DIR))? {
            self.create_dir(directory)?;
        }
        let mut record = TempRecord::create(self.root)?;
        let noted = self.directories.iter().try_for_each(|made| record.add(&Entry::Directory(made.clone())));
        match noted {
            Ok(()) => Ok(record),
            Err(error) => {
                record.remove();
                Err(error)
            }
        }
    }
}

impl Drop for TempFiles<'_> {
    fn drop(&mut self) {
        if !self.files.is_empty() {
            crash_point("addition.remove");
        }
        // Somebody else may have removed them, or put something into a directory, which then stays.
        let mut are_gone = true;
        for file in &self.files {
            let removed = self.root.unlink(file, AtFlags::empty());
            are_gone &= removed.map_or_else(|error| error.kind() == ErrorKind::NotFound, |()| true);
        }
        // Whoever comes next tries again what could not be removed.
        if let Some(record) = self.record.take().filter(|_| are_gone) {
            record.remove();
        }
        for directory in self.directories.iter().rev() {
            let _ = self.root.unlink(directory, AtFlags::REMOVEDIR);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::super::temp_record::remove_leftovers;
    use super::*;

    fn root() -> (tempfile::TempDir, TargetRoot) {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().join("root");
        fs::create_dir_all(top.join("etc")).unwrap();
        let root = TargetRoot::open(&top).unwrap();
        (directory, root)
    }

    /// Every path in a root.
    fn paths(root: &TargetRoot) -> Vec<String> {
        let (mut found, mut open) = (Vec::new(), vec![root.path().to_owned()]);
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                found.push(path.strip_prefix(root.path()).unwrap().display().to_string());
                open.extend(path.is_dir().then_some(path));
            }
        }
        found.sort();
        found
    }

    #[test]
    fn additions_leave_no_trace() {
        let (directory, root) = root();
        let outside = directory.path().join("elsewhere");
        fs::create_dir(&outside).unwrap();
        symlink(&outside, root.path().join("srv")).unwrap();
        for mut additions in [TempFiles::new(&root), TempFiles::recorded(&root)] {
            // A link to what is outside, where nothing is inside.
            assert!(additions.write_file(Path::new("/srv/x/file"), b"1", false).is_err());
            additions.write_file(Path::new("/etc/a/b/opkg-x"), b"1", false).unwrap();
            additions.write_file(Path::new("/etc/a/opkg-y"), b"2", true).unwrap();
            additions.write_file(Path::new("/etc/a/opkg-y"), b"3", true).unwrap();
            assert_eq!(fs::read(root.path().join("etc/a/opkg-y")).unwrap(), b"3");
            let mode = fs::metadata(root.path().join("etc/a/opkg-y")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o755);
            fs::write(root.path().join("etc/other"), "").unwrap();
            drop(additions);
            assert!(fs::read_dir(&outside).unwrap().next().is_none());
            assert_eq!(paths(&root), ["etc", "etc/other", "srv"]);
        }
    }

    /// Files as a killed process leaves them.
    fn leave_behind(root: &TargetRoot, paths: &[&str]) {
        let mut files = TempFiles::recorded(root);
        for path in paths {
            files.write_file(Path::new(path), b"of that run", false).unwrap();
        }
        files.record.as_ref().unwrap().unlock();
        std::mem::forget(files);
    }

    #[test]
    fn what_a_killed_process_left_is_removed() {
        let (_directory, root) = root();
        let mut in_use = TempFiles::recorded(&root);
        in_use.write_file(Path::new("/etc/opkg-in-use"), b"", false).unwrap();
        leave_behind(&root, &["/etc/sources/opkg-1.repo", "/etc/opkg-sources"]);
        leave_behind(&root, &["/etc/opkg-1.sources"]);
        fs::write(root.path().join("etc/opkg-of-the-site"), "").unwrap();
        let mut removed = remove_leftovers(&root).unwrap();
        removed.sort();
        let expected = ["/etc/opkg-1.sources", "/etc/opkg-sources", "/etc/sources/opkg-1.repo"];
        assert_eq!(removed, expected.map(PathBuf::from));
        assert!(root.path().join("etc/opkg-in-use").exists(), "this process lives");
        drop(in_use);
        assert_eq!(paths(&root), ["etc", "etc/opkg-of-the-site"]);
        assert!(remove_leftovers(&root).unwrap().is_empty());
    }

    #[test]
    fn a_record_names_nothing_but_what_is_ours() {
        let (_directory, root) = root();
        let records = root.path().join(RECORDS_DIR.trim_start_matches('/'));
        fs::create_dir_all(&records).unwrap();
        fs::create_dir(root.path().join("etc/full")).unwrap();
        for file in ["etc/passwd", "etc/opkg-x", "etc/full/file", "etc/opkg-cut-off"] {
            fs::write(root.path().join(file), "").unwrap();
        }
        let record = records.join("temporary-1-1");
        fs::write(&record, b"f/etc/passwd\0x/etc/y\0f\0f/etc/opkg-x\0d/etc/full\0f/etc/opkg-cut").unwrap();
        symlink("/etc/passwd", records.join("temporary-link")).unwrap();
        assert_eq!(remove_leftovers(&root).unwrap(), [PathBuf::from("/etc/opkg-x")]);
        for file in ["etc/passwd", "etc/full/file", "etc/opkg-cut-off"] {
            assert!(root.path().join(file).exists(), "{file}");
        }
        assert!(!record.exists());
    }
}
