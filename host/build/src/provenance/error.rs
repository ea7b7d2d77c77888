//! Why a provenance could not be determined.

use std::path::{Path, PathBuf};

/// Why a provenance could not be determined.
#[derive(Debug, thiserror::Error)]
pub enum ProvenanceError {
    /// A file cannot be read.
    #[error("{}: {source}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A manifest or lock file is not one.
    #[error("{}: {problem}", .file.display())]
    Toml {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A record is not one.
    #[error("{}: {source}", .file.display())]
    Record {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The compiler read a file from outside the workspace, which nobody else has.
    #[error("{} is outside the workspace, so nobody could build the same component", .0.display())]
    OutsideWorkspace(PathBuf),
}

/// All of a file.
pub(super) fn read_file(file: &Path) -> Result<Vec<u8>, ProvenanceError> {
    std::fs::read(file).map_err(|source| ProvenanceError::Io { file: file.to_owned(), source })
}
