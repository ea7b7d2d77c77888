//! Whether a package is damaged, found out while its file is read for the checksum of the whole.

use std::io::{self, Chain, Cursor, Read, Seek, SeekFrom};

use crate::rpm::integrity::check_digests;
use crate::rpm::reader::RpmHeaders;

/// What is wrong with a package, as a sentence about its file; nothing where its own checksums hold. `rest` is what is behind
/// the headers in the file, and is read to its end.
pub(super) fn find_damage(headers: &[u8], rest: impl Read, rpm: &RpmHeaders) -> io::Result<Option<String>> {
    let checks = check_digests(&mut HeadersInMemory(Cursor::new(headers).chain(rest)), rpm)?;
    let damaged = checks.into_iter().find(|check| !check.holds);
    Ok(damaged.map(|check| format!("it is damaged: the {} is not what it says itself", check.what)))
}

/// A file whose headers have been read: there is a way back within these alone.
struct HeadersInMemory<'a, R>(Chain<Cursor<&'a [u8]>, R>);

impl<R: Read> Read for HeadersInMemory<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: Read> Seek for HeadersInMemory<'_, R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.0.get_mut().0.seek(position)
    }
}
