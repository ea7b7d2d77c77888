//! Why something could not be compared.

use std::path::{Path, PathBuf};

/// Why something could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refuses to read it; the message names the file.
    #[error(transparent)]
    Io(#[from] std::io::Error),

    /// It is no sound package.
    #[error("{} cannot be read: {reason}", path.display())]
    InvalidPackage {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A file can only be compared with a file, a directory with a directory.
    #[error("{} is a directory and {} is none", .0.display(), .1.display())]
    KindMismatch(PathBuf, PathBuf),
}

/// What is wrong with a package.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormatError {
    /// The container.
    #[error("{0}")]
    Corrupt(String),

    /// A compressed stream, or an archive in one.
    #[error("{0}")]
    Stream(#[from] std::io::Error),

    /// The headers of an RPM.
    #[error("{0}")]
    Rpm(#[from] opkg_package::rpm::reader::ReadError),
}

impl From<opkg_package::tar_reader::TarReadError> for FormatError {
    fn from(error: opkg_package::tar_reader::TarReadError) -> Self {
        match error {
            opkg_package::tar_reader::TarReadError::Io(error) => Self::Stream(error),
            damaged => Self::Corrupt(damaged.to_string()),
        }
    }
}

impl FormatError {
    pub(crate) fn corrupt(how: impl Into<String>) -> Self {
        Self::Corrupt(how.into())
    }

    /// Names the part of the package that is wrong.
    pub(crate) fn in_member(self, member: &str) -> Self {
        Self::Corrupt(format!("{}: {self}", member.escape_debug()))
    }

    pub(crate) fn with_path(self, path: &Path) -> Error {
        Error::InvalidPackage { path: path.to_owned(), reason: self.to_string() }
    }
}
