//! What reading one package may take, whoever made it. Each limit is far above all packages that are in use.

use std::cell::Cell;
use std::io::{self, Read};

use crate::error::FormatError;

/// Bytes that all compressed streams of a package unpack to, which are hashed and forgotten: as much as an OPKG may hold.
pub(crate) const MAX_UNPACKED_BYTES: u64 = opkg::limits::MAX_TOTAL_BYTES;

/// Files of a package, in all its archives.
pub(crate) const MAX_FILES: usize = 500_000;

/// Bytes of all that is kept of a package: names and marks of files, texts.
pub(crate) const MAX_KEPT_BYTES: usize = 256 << 20;

/// Bytes of a path, or of a set of extended attributes of one.
pub(crate) const MAX_NAME_BYTES: u64 = 64 << 10;

/// Bytes of a text that is kept.
pub(crate) const MAX_TEXT_BYTES: u64 = 1 << 20;

/// Members of an `ar`; a package has three or four.
pub(crate) const MAX_AR_MEMBERS: usize = 100;

/// Bytes of memory that a decoder of xz may take: more than its highest preset needs.
pub(crate) const MAX_XZ_MEMORY: u64 = 256 << 20;

/// Two to the power of this are the bytes of memory that a decoder of zstd may take, as its own default is.
pub(crate) const MAX_ZSTD_WINDOW_LOG: u32 = 27;

/// Files of one directory of packages, with all below it.
pub(crate) const MAX_DIRECTORY_FILES: usize = 100_000;

/// What is left of the limits for one package.
#[derive(Debug)]
pub(crate) struct Budget {
    unpacked: Cell<u64>,
    files: Cell<usize>,
    kept: Cell<usize>,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self::with(MAX_UNPACKED_BYTES, MAX_FILES, MAX_KEPT_BYTES)
    }

    fn with(unpacked: u64, files: usize, kept: usize) -> Self {
        Self { unpacked: Cell::new(unpacked), files: Cell::new(files), kept: Cell::new(kept) }
    }

    /// Counts a file by its name.
    pub(crate) fn take_file(&self, name: &str) -> Result<(), FormatError> {
        let left = self.files.get().checked_sub(1);
        self.files
            .set(left.ok_or_else(|| FormatError::corrupt(format!("it has more than {MAX_FILES} files")))?);
        self.take_bytes(name.len())
    }

    /// Counts bytes that are kept.
    pub(crate) fn take_bytes(&self, count: usize) -> Result<(), FormatError> {
        let left = self.kept.get().checked_sub(count);
        self.kept.set(left.ok_or_else(|| {
            let most = MAX_KEPT_BYTES >> 20;
            FormatError::corrupt(format!("its names and texts are longer than {most} MiB together"))
        })?);
        Ok(())
    }

    /// A stream that counts what comes out of it.
    pub(crate) fn limit<'a, R: Read>(&'a self, inner: R) -> LimitedReader<'a, R> {
        LimitedReader { inner, unpacked: &self.unpacked }
    }
}

/// Fails instead of giving more than is left.
pub(crate) struct LimitedReader<'a, R> {
    inner: R,
    unpacked: &'a Cell<u64>,
}

impl<R: Read> Read for LimitedReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let left = self.unpacked.get().checked_sub(count as u64);
        self.unpacked.set(left.ok_or_else(|| {
            io::Error::other(format!("it unpacks to more than {} GiB", MAX_UNPACKED_BYTES >> 30))
        })?);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn streams_end_at_the_limit_that_they_share() {
        let budget = Budget::with(1000, 0, 0);
        let mut first = budget.limit(&[1; 600][..]);
        assert_eq!(io::copy(&mut first, &mut io::sink()).unwrap(), 600);
        let error = io::copy(&mut budget.limit(io::repeat(1)), &mut io::sink()).unwrap_err();
        assert_eq!(error.to_string(), "it unpacks to more than 256 GiB");
    }

    #[test]
    fn files_and_bytes_are_counted() {
        let budget = Budget::with(0, 2, 10);
        budget.take_file("four").unwrap();
        budget.take_bytes(4).unwrap();
        assert!(budget.take_bytes(3).unwrap_err().to_string().contains("256 MiB"));
        budget.take_file("xy").unwrap();
        assert_eq!(budget.take_file("").unwrap_err().to_string(), "it has more than 500000 files");
    }
}
