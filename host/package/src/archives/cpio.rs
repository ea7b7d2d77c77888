//! cpio of the kind `newc`, see cpio(5): headers of hexadecimal digits, and at the end an entry that says so.

use std::io::{self, Write};

use super::entry::{Data, Entry, EntryError, OTHER_FORMAT, refuse};
use crate::source::into_error;

/// Bytes of a header before the name.
const HEADER_BYTES: u64 = 110;

/// What the whole ends at, as cpio(1) has it.
const BLOCK_BYTES: u64 = 512;

/// The name of the entry at the end.
const TRAILER: &str = "TRAILER!!!";

/// A cpio being written.
pub(super) struct CpioStream<W> {
    to: W,
    mtime: u32,
    /// Entries so far: each is a file of its own, and none another name of one before.
    count: u32,
    written: u64,
}

/// What a header says, besides what is the same in all of them.
struct Fields<'a> {
    name: &'a str,
    inode: u32,
    mode: u32,
    mtime: u32,
    size: u32,
}

impl<W: Write> CpioStream<W> {
    pub(super) fn new(to: W, mtime: u64) -> Self {
        Self { to, mtime: u32::try_from(mtime).unwrap_or(u32::MAX), count: 0, written: 0 }
    }

    pub(super) fn append(&mut self, entry: Entry<'_>) -> Result<(), EntryError> {
        if !entry.path.is_ascii() || entry.path == TRAILER {
            return refuse("names in a cpio are of ASCII, and one of them is taken", OTHER_FORMAT);
        }
        if (entry.owner, entry.group) != ("root", "root") {
            return refuse("a cpio has numbers in place of names, and only root's is known", OTHER_FORMAT);
        }
        let (kind, size) = match &entry.data {
            Data::File(size, _) => (0o100_000, *size),
            Data::Directory => (0o040_000, 0),
            Data::Link(to) => (0o120_000, to.len() as u64),
        };
        let Ok(size) = u32::try_from(size) else {
            return refuse("a file in a cpio has less than 4 GiB", OTHER_FORMAT);
        };
        self.count += 1;
        let (inode, mtime) = (self.count, self.mtime);
        self.write_header(Fields { name: entry.path, inode, mode: kind | entry.mode, mtime, size })?;
        match entry.data {
            Data::File(_, contents) => {
                let count = io::copy(contents, &mut self.to).map_err(into_error)?;
                if count != u64::from(size) {
                    let what = "a file changed its size while the package was being built";
                    return Err(io::Error::other(what).into());
                }
                self.written += count;
            }
            Data::Link(to) => self.write(to.as_bytes())?,
            Data::Directory => {}
        }
        Ok(self.pad(4)?)
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.write_header(Fields { name: TRAILER, inode: 0, mode: 0, mtime: 0, size: 0 })?;
        self.pad(BLOCK_BYTES)?;
        Ok(self.to)
    }

    fn write_header(&mut self, Fields { name, inode, mode, mtime, size }: Fields<'_>) -> io::Result<()> {
        let links = if mode & 0o170_000 == 0o040_000 { 2 } else { 1 };
        let name_bytes = name.len() + 1;
        // User and group, then links; after the size the device and what it stands for, in two halves each, and a checksum
        // behind the size of the name.
        let header = format!(
            "070701{inode:08x}{mode:08x}{:016x}{links:08x}{mtime:08x}{size:08x}{:032x}{name_bytes:08x}{:08x}{name}\0",
            0, 0, 0
        );
        debug_assert_eq!(header.len() as u64, HEADER_BYTES + name_bytes as u64);
        self.write(header.as_bytes())?;
        self.pad(4)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.to.write_all(bytes)
    }

    fn pad(&mut self, multiple: u64) -> io::Result<()> {
        let missing = self.written.next_multiple_of(multiple) - self.written;
        self.write(&[0; BLOCK_BYTES as usize][..missing as usize])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_has_no_place_is_refused() {
        let refused = |path, owner, size| {
            let mut cpio = CpioStream::new(Vec::new(), 7);
            let mut nothing = io::empty();
            let data = Data::File(size, &mut nothing);
            let entry = Entry { path, mode: 0o644, owner, group: "root", headers: &[], data };
            matches!(cpio.append(entry), Err(EntryError::Refused(..)))
        };
        assert!(refused("é", "root", 0));
        assert!(refused(TRAILER, "root", 0));
        assert!(refused("a", "daemon", 0));
        assert!(refused("a", "root", 1 << 32));
        assert!(!refused("a", "root", 0));
    }

    #[test]
    fn the_whole_ends_at_a_block() {
        assert_eq!(CpioStream::new(Vec::new(), 7).finish().unwrap().len(), 512);
    }
}
