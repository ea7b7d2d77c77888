//! What was made of one OPKG, complete but not in its place yet.

use std::path::Path;

use crate::written::{OutputKind, WrittenFile};

/// The files that were made of one OPKG for one target. A run keeps those of thousands until it ends, so they take
/// little more room than their names.
#[derive(Debug, Clone)]
pub struct StagedPackages {
    /// Each followed by a byte that is in no path.
    paths: Box<str>,
    kinds: Box<[OutputKind]>,
}

impl StagedPackages {
    /// Of paths below the directory of a target, in the order in which they were written.
    pub(crate) fn new(files: &[(String, OutputKind)]) -> Self {
        let mut paths = String::with_capacity(files.iter().map(|(path, _)| path.len() + 1).sum());
        for (path, _) in files {
            paths.push_str(path);
            paths.push('\0');
        }
        Self { paths: paths.into(), kinds: files.iter().map(|(_, kind)| *kind).collect() }
    }

    /// What each of the files is, in the order in which they were written.
    pub fn kinds(&self) -> impl Iterator<Item = OutputKind> {
        self.kinds.iter().copied()
    }

    /// Their paths below the directory of their target.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.split_terminator('\0')
    }

    /// The files, as soon as they are in this directory.
    pub fn files_in(&self, directory: &Path) -> impl Iterator<Item = WrittenFile> {
        self.paths().zip(self.kinds()).map(|(path, kind)| WrittenFile { path: directory.join(path), kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_files_is_lost() {
        let files = [
            ("a.spec", OutputKind::MetaFile),
            ("tree with blanks/é\n", OutputKind::MetaFile),
            ("a_1.deb", OutputKind::BinaryPackage),
        ];
        for count in 0..=files.len() {
            let files: Vec<(String, OutputKind)> =
                files[..count].iter().map(|(path, kind)| ((*path).to_owned(), *kind)).collect();
            let staged = StagedPackages::new(&files);
            let found: Vec<(String, OutputKind)> =
                staged.paths().map(str::to_owned).zip(staged.kinds()).collect();
            assert_eq!(found, files);
            let places = files.iter().map(|(path, kind)| (Path::new("out").join(path), *kind));
            let written: Vec<_> =
                staged.files_in(Path::new("out")).map(|file| (file.path, file.kind)).collect();
            assert_eq!(written, places.collect::<Vec<_>>());
        }
    }
}
