//! The bytes of a file that goes into a package: at hand, or read when they are needed, so that a package may be larger
//! than memory.

use std::io::{self, Read};
use std::path::PathBuf;

use fs_err as fs;
use opkg::model::SourceFile;

use crate::Error;
use crate::source::OpkgSource;

/// What a file of a package holds.
pub(crate) enum FileContent<'a> {
    /// Made here.
    Bytes(Vec<u8>),
    /// A file of the OPKG.
    Source { source: OpkgSource<'a>, file: &'a SourceFile },
    /// A file that was made before, and its size.
    Made { path: PathBuf, size: u64 },
}

impl FileContent<'_> {
    /// In bytes.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Source { file, .. } => file.size,
            Self::Made { size, .. } => *size,
        }
    }

    /// A stream that has exactly so many bytes, or fails.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) fn open(&self) -> Result<Box<dyn Read + '_>, Error> {
        Ok(match self {
            Self::Bytes(bytes) => Box::new(bytes.as_slice()),
            Self::Source { source, file } => Box::new(source.open(file)?),
            Self::Made { path, size } => {
                let file = fs::File::open(path)?;
                if file.metadata()?.len() != *size {
                    return Err(Error::FileChanged(path.clone()));
                }
                Box::new(file)
            }
        })
    }

    /// Hands its bytes on. Returns the first of them, at most so many.
    ///
    /// # Errors
    /// When it cannot be read, or is no longer what was checked.
    pub(crate) fn copy_to(&self, to: &mut impl io::Write, head_bytes: usize) -> Result<Vec<u8>, Error> {
        let mut reader = self.open()?;
        let mut head = Vec::new();
        reader.by_ref().take(head_bytes as u64).read_to_end(&mut head).map_err(crate::source::into_error)?;
        to.write_all(&head)?;
        let rest = io::copy(&mut reader, to).map_err(crate::source::into_error)?;
        if head.len() as u64 + rest != self.size() {
            return Err(Error::Io(io::Error::other(
                "a file changed its size while the package was being built",
            )));
        }
        Ok(head)
    }
}
