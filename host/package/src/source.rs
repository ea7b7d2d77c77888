//! The files of the OPKG, read a second time: they must still be what was checked.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use opkg::SourceDir;
use opkg::model::{Opkg, SourceFile};
use sha2::{Digest, Sha256};

use crate::Error;

/// An OPKG together with the directory that it was read from.
#[derive(Clone, Copy)]
pub struct OpkgSource<'a> {
    /// Read and checked.
    pub opkg: &'a Opkg,
    /// Where [`SourceFile::path`] starts.
    pub directory: &'a Path,
    /// Where it starts of files that come from a payload, in the directory that the payload's index names.
    pub payloads: Option<&'a Path>,
}

impl<'a> OpkgSource<'a> {
    /// Seconds since 1970 that every time stamp is set to.
    #[must_use]
    pub fn timestamp(self) -> u64 {
        u64::try_from(self.opkg.source_date.seconds).unwrap_or(0)
    }

    /// The files by what plugins call them.
    #[must_use]
    pub fn files_by_node(self) -> HashMap<u32, &'a SourceFile> {
        self.opkg.files.iter().map(|file| (file.at.0, file)).collect()
    }

    /// A regular file's contents, as a stream that fails at its end if they differ from what was checked.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(self, file: &SourceFile) -> Result<VerifyingReader, Error> {
        let directory = match (file.payload, self.payloads) {
            (Some(index), Some(payloads)) => payloads.join(index.to_string()),
            _ => self.directory.to_owned(),
        };
        let path = directory.join(&file.path);
        let opened = SourceDir::open(&directory).and_then(|source| source.open_file(&file.path));
        let opened = opened.map_err(|error| {
            Error::Io(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
        })?;
        let inner = opened.take(file.size.saturating_add(1));
        Ok(VerifyingReader { inner, hash: Sha256::new(), expected: file.sha256, remaining: file.size, path })
    }

    /// A regular file's contents as a whole.
    ///
    /// # Errors
    /// When it cannot be read, or is no longer what was checked.
    pub fn read(self, file: &SourceFile) -> Result<Vec<u8>, Error> {
        let mut contents = Vec::with_capacity(usize::try_from(file.size).unwrap_or(0));
        self.open(file)?.read_to_end(&mut contents).map_err(into_error)?;
        Ok(contents)
    }
}

/// Reads a file and compares it with its checksum on the way.
pub struct VerifyingReader {
    inner: io::Take<File>,
    hash: Sha256,
    expected: [u8; 32],
    remaining: u64,
    path: PathBuf,
}

impl Read for VerifyingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let differs = if count == 0 {
            self.remaining != 0 || self.hash.finalize_reset()[..] != self.expected
        } else {
            self.hash.update(&buffer[..count]);
            let over = count as u64 > self.remaining;
            self.remaining = self.remaining.saturating_sub(count as u64);
            over
        };
        // The end may be asked for more than once: what follows the first end is an empty stream.
        if count == 0 {
            self.expected = Sha256::new().finalize().into();
        }
        if differs {
            return Err(io::Error::other(FileChangedError(self.path.clone())));
        }
        Ok(count)
    }
}

/// Carries [`Error::Changed`] through interfaces that only know `io::Error`.
#[derive(Debug, thiserror::Error)]
#[error("{} changed while the package was being built", .0.display())]
struct FileChangedError(PathBuf);

/// Finds out whether an error is about a changed file.
pub(crate) fn into_error(error: io::Error) -> Error {
    let path =
        error.get_ref().and_then(|inner| inner.downcast_ref::<FileChangedError>()).map(|it| it.0.clone());
    path.map_or(Error::Io(error), Error::FileChanged)
}
