//! `ar` as dpkg reads it, see deb(5): regular files of root with short names, one behind the other.

use std::io::{self, Write};

use super::entry::{Data, Entry, EntryError, OTHER_FORMAT, refuse};
use crate::source::into_error;

/// What it begins with.
const MAGIC: &[u8] = b"!<arch>\n";

/// Bytes of a member: its header has ten digits for them.
pub(crate) const MAX_MEMBER_BYTES: u64 = 9_999_999_999;

/// Bytes of a name, before the blank.
const MAX_NAME_BYTES: usize = 15;

/// What stands before a member of an `ar`: name, time, root twice, mode, size. Nothing for one that is too large.
pub(crate) fn format_ar_header(name: &str, size: u64, time: u64, mode: u32) -> Option<String> {
    let mode = format!("{:o}", 0o100_000 | mode);
    let header = || format!("{name:<16}{time:<12}{:<6}{:<6}{mode:<8}{size:<10}`\n", 0, 0);
    (size <= MAX_MEMBER_BYTES).then(header)
}

/// An `ar` being written.
pub(super) struct ArStream<W> {
    to: W,
    mtime: u64,
    is_begun: bool,
}

impl<W: Write> ArStream<W> {
    pub(super) fn new(to: W, mtime: u64) -> Self {
        Self { to, mtime, is_begun: false }
    }

    pub(super) fn append(&mut self, entry: Entry<'_>) -> Result<(), EntryError> {
        let Data::File(size, contents) = entry.data else {
            return refuse("an `ar` has regular files alone", OTHER_FORMAT);
        };
        let is_plain = |c: char| c.is_ascii_graphic() && c != '/';
        if entry.path.len() > MAX_NAME_BYTES || entry.path.contains(|c| !is_plain(c)) {
            let what =
                format!("names in an `ar` have up to {MAX_NAME_BYTES} letters, digits and signs, no `/`");
            return refuse(what, OTHER_FORMAT);
        }
        if (entry.owner, entry.group) != ("root", "root") {
            return refuse("everything in an `ar` belongs to root", OTHER_FORMAT);
        }
        let Some(header) = format_ar_header(entry.path, size, self.mtime, entry.mode) else {
            return refuse(format!("a file in an `ar` has up to {MAX_MEMBER_BYTES} bytes"), OTHER_FORMAT);
        };
        self.begin()?;
        self.to.write_all(header.as_bytes())?;
        if io::copy(contents, &mut self.to).map_err(into_error)? != size {
            return Err(io::Error::other("a file changed its size while the package was being built").into());
        }
        self.to.write_all(if size % 2 == 1 { b"\n" } else { b"" })?;
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.begin()?;
        Ok(self.to)
    }

    fn begin(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.is_begun, true) {
            true => Ok(()),
            false => self.to.write_all(MAGIC),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn members_have_ten_digits_for_their_size() {
        let header = format_ar_header("data.tar.xz", MAX_MEMBER_BYTES, 1_400_000_000, 0o644).unwrap();
        assert_eq!(header.len(), 60);
        assert!(header.ends_with("0     0     100644  9999999999`\n"), "{header:?}");
        assert_eq!(format_ar_header("data.tar.xz", MAX_MEMBER_BYTES + 1, 1_400_000_000, 0o644), None);
    }

    #[test]
    fn an_archive_is_of_the_bytes_that_dpkg_reads() {
        let mut ar = ArStream::new(Vec::new(), 7);
        for (path, mode, contents) in [("odd", 0o755, "abc"), ("even", 0o644, "de")] {
            let mut reader = contents.as_bytes();
            let data = Data::File(contents.len() as u64, &mut reader);
            ar.append(Entry { path, mode, owner: "root", group: "root", headers: &[], data }).unwrap();
        }
        let text = String::from_utf8(ar.finish().unwrap()).unwrap();
        let expected = "!<arch>\n\
                        odd             7           0     0     100755  3         `\nabc\n\
                        even            7           0     0     100644  2         `\nde";
        assert_eq!(text, expected);
        assert_eq!(ArStream::new(Vec::new(), 7).finish().unwrap(), MAGIC);
    }

    #[test]
    fn what_has_no_place_is_refused() {
        let try_append = |path, owner, data: Data<'_>| {
            let mut ar = ArStream::new(Vec::new(), 7);
            let entry = Entry { path, mode: 0o644, owner, group: "root", headers: &[], data };
            matches!(ar.append(entry), Err(EntryError::Refused(..)))
        };
        let refused = |path, owner, size| try_append(path, owner, Data::File(size, &mut io::empty()));
        assert!(refused("sixteen-letters!", "root", 0));
        assert!(!refused("fifteen-letters", "root", 0));
        for name in ["a/b", "a b", "é", "a\n"] {
            assert!(refused(name, "root", 0), "{name:?}");
        }
        assert!(refused("a", "daemon", 0));
        assert!(refused("a", "root", MAX_MEMBER_BYTES + 1));
        assert!(try_append("a", "root", Data::Directory));
        assert!(try_append("a", "root", Data::Link("b")));
    }
}
