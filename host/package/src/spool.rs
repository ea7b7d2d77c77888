//! What is made before it is known what comes in front of it: kept in memory while it is small, in a file without a name
//! otherwise.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use tempfile::{SpooledTempFile, spooled_tempfile_in};

/// Bytes of one that are kept in memory.
const MAX_MEMORY_BYTES: usize = 16 << 20;

/// Data that is written once and read afterwards.
pub(crate) struct Spool {
    file: SpooledTempFile,
    size: u64,
}

impl Spool {
    /// An empty one; what does not stay in memory lies in this directory.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { file: spooled_tempfile_in(MAX_MEMORY_BYTES, directory), size: 0 }
    }

    /// In bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// All of it, from its beginning.
    pub(crate) fn reader(&mut self) -> io::Result<impl Read + '_> {
        self.file.seek(SeekFrom::Start(0))?;
        Ok(&mut self.file)
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file of several pieces, one after the other.
#[derive(Default)]
pub(crate) struct PiecedFile(Vec<Piece>);

/// A part of a file.
pub(crate) enum Piece {
    Bytes(Vec<u8>),
    Spool(Spool),
}

impl PiecedFile {
    pub(crate) fn push(&mut self, piece: Piece) {
        self.0.push(piece);
    }

    /// All of it, from its beginning.
    pub(crate) fn reader(&mut self) -> io::Result<Box<dyn Read + '_>> {
        let mut whole: Box<dyn Read + '_> = Box::new(io::empty());
        for piece in &mut self.0 {
            whole = match piece {
                Piece::Bytes(bytes) => Box::new(whole.chain(bytes.as_slice())),
                Piece::Spool(spool) => Box::new(whole.chain(spool.reader()?)),
            };
        }
        Ok(whole)
    }
}

impl From<Vec<u8>> for PiecedFile {
    fn from(bytes: Vec<u8>) -> Self {
        Self(vec![Piece::Bytes(bytes)])
    }
}

impl From<Spool> for PiecedFile {
    fn from(spool: Spool) -> Self {
        Self(vec![Piece::Spool(spool)])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pieces_are_read_in_order_and_more_than_once() {
        let directory = tempfile::tempdir().unwrap();
        let mut large = Spool::new(directory.path());
        let pattern: Vec<u8> = (0..=255).cycle().take(MAX_MEMORY_BYTES + 1000).collect();
        large.write_all(&pattern).unwrap();
        assert_eq!(large.size(), pattern.len() as u64);
        // It has no name.
        assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 0);
        let mut file = PiecedFile::from(b"head".to_vec());
        file.push(Piece::Spool(large));
        file.push(Piece::Bytes(b"tail".to_vec()));
        for _ in 0..2 {
            let mut bytes = Vec::new();
            file.reader().unwrap().read_to_end(&mut bytes).unwrap();
            assert!(bytes == [b"head", &pattern[..], b"tail"].concat());
        }
    }
}
