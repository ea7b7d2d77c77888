//! What was written.

use std::path::{Path, PathBuf};

use crate::repository::UnsignedReason;

/// What a written file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputKind {
    /// What a distribution's tools read: a spec, a directory of packaging.
    MetaFile,
    /// A source package, or a piece of one.
    SourcePackage,
    /// A binary package.
    BinaryPackage,
    /// What says what was built: lists of files with their checksums.
    BuildRecord,
    /// What tells of a package and goes beside it.
    Document,
    /// What vouches for another file, which has no place for it in itself.
    Signature,
    /// What lists the packages of a directory.
    Index,
}

/// The index of a directory, as it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WrittenIndex {
    /// Its files; none where no index was asked for.
    pub files: Vec<WrittenFile>,
    /// Why it is not signed, although there is a key.
    pub unsigned: Option<UnsignedReason>,
}

/// A file or directory that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    /// Within the output directory.
    pub path: PathBuf,
    /// What it is.
    pub kind: OutputKind,
}

impl WrittenFile {
    /// The same file by another path of its directory.
    pub(crate) fn in_directory(self, path: &Path, other_path: &Path) -> Self {
        match self.path.strip_prefix(path) {
            Ok(rest) => Self { path: other_path.join(rest), ..self },
            Err(_) => self,
        }
    }
}
