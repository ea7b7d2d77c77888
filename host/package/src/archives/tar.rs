//! A tar being written, in either dialect.

use std::io::{self, Write};

use tar::{EntryType, Header};

use super::entry::{Data, Entry, EntryError};
use super::tar_header::{BLOCK_BYTES, new_header};
use super::{pax, tar_gnu};
use crate::source::into_error;

/// How a tar says what the header of an entry has no room for.
#[derive(Debug, Clone, Copy)]
pub(super) enum TarDialect {
    Posix,
    Gnu,
}

/// A tar being written.
pub(super) struct TarStream<W> {
    to: W,
    dialect: TarDialect,
    mtime: u64,
}

impl<W: Write> TarStream<W> {
    pub(super) fn new(to: W, dialect: TarDialect, mtime: u64) -> Self {
        Self { to, dialect, mtime }
    }

    pub(super) fn append(&mut self, entry: Entry<'_>) -> Result<(), EntryError> {
        let (kind, target) = match &entry.data {
            Data::File(..) => (EntryType::Regular, None),
            Data::Directory => (EntryType::Directory, None),
            Data::Link(to) => (EntryType::Symlink, Some(*to)),
        };
        let path = match kind {
            EntryType::Directory => format!("{}/", entry.path),
            _ => entry.path.to_owned(),
        };
        let empty = match self.dialect {
            TarDialect::Posix => Header::new_ustar(),
            TarDialect::Gnu => Header::new_gnu(),
        };
        let mut header = new_header(empty, kind, entry.mode, self.mtime);
        header.set_size(entry.data.size());
        let preceding = match self.dialect {
            TarDialect::Posix => pax::prepare(&mut header, &path, target, &entry)?,
            TarDialect::Gnu => tar_gnu::prepare(&mut header, &path, target, &entry)?,
        };
        self.to.write_all(&preceding)?;
        header.set_cksum();
        self.to.write_all(header.as_bytes())?;
        if let Data::File(size, contents) = entry.data {
            let count = io::copy(contents, &mut self.to).map_err(into_error)?;
            if count != size {
                return Err(
                    io::Error::other("a file changed its size while the package was being built").into()
                );
            }
            self.to.write_all(&[0; BLOCK_BYTES][..missing_bytes(size)])?;
        }
        Ok(())
    }

    /// The end; two blocks of zeros mark it.
    pub(super) fn finish(mut self, end_marker: bool) -> io::Result<W> {
        if end_marker {
            self.to.write_all(&[0; 2 * BLOCK_BYTES])?;
        }
        Ok(self.to)
    }
}

/// Bytes up to the next block.
fn missing_bytes(size: u64) -> usize {
    (BLOCK_BYTES - (size % BLOCK_BYTES as u64) as usize) % BLOCK_BYTES
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Read;

    use proptest::prelude::*;

    use super::*;

    fn entry<'a>(path: &'a str, headers: &'a [(String, String)], data: Data<'a>) -> Entry<'a> {
        Entry { path, mode: 0o640, owner: "root", group: "adm", headers, data }
    }

    #[test]
    fn without_the_mark_of_its_end_another_archive_may_follow() {
        let mut both = Vec::new();
        for (name, end_marker) in [("one", false), ("two", true)] {
            let mut tar = TarStream::new(Vec::new(), TarDialect::Posix, 7);
            tar.append(entry(name, &[], Data::File(3, &mut &b"abc"[..]))).unwrap();
            let bytes = tar.finish(end_marker).unwrap();
            assert_eq!(bytes.len() % 512, 0);
            assert_eq!(bytes.len(), if end_marker { 2048 } else { 1024 });
            both.extend(bytes);
        }
        let mut archive = tar::Archive::new(&both[..]);
        let names = archive.entries().unwrap().map(|it| it.unwrap().path().unwrap().into_owned());
        assert_eq!(names.collect::<Vec<_>>(), [std::path::Path::new("one"), std::path::Path::new("two")]);
    }

    #[test]
    fn keywords_of_the_host_are_refused() {
        for keyword in ["path", "size", "GNU.sparse.name", "a=b", ""] {
            let headers = [(keyword.to_owned(), "x".to_owned())];
            let mut tar = TarStream::new(Vec::new(), TarDialect::Posix, 7);
            let found = tar.append(entry("a", &headers, Data::Directory));
            assert!(matches!(found, Err(EntryError::Refused(..))), "{keyword}");
        }
    }

    /// What GNU tar itself reads of an archive: a line for each entry.
    fn listed_by_tar(bytes: &[u8]) -> String {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        let arguments = ["--quoting-style=literal", "--full-time", "--utc", "-tvf"];
        let output = std::process::Command::new("tar").args(arguments).arg(file.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn gnu_tar_reads_its_own_dialect() {
        let mut tar = TarStream::new(Vec::new(), TarDialect::Gnu, 7);
        let long = format!("{}/é", "x".repeat(100));
        tar.append(entry("Ünï ☃", &[], Data::File(3, &mut &b"abc"[..]))).unwrap();
        tar.append(entry(&long, &[], Data::Link(&long))).unwrap();
        tar.append(entry("d", &[], Data::Directory)).unwrap();
        let bytes = tar.finish(true).unwrap();
        // No header is an extended one.
        assert!(bytes.chunks(512).all(|block| block[156] != b'x' || !block[257..].starts_with(b"ustar")));
        let expected = format!(
            "-rw-r----- root/adm 3 1970-01-01 00:00:07 Ünï ☃\n\
             lrw-r----- root/adm 0 1970-01-01 00:00:07 {long} -> {long}\n\
             drw-r----- root/adm 0 1970-01-01 00:00:07 d/\n"
        );
        let listed = listed_by_tar(&bytes);
        let folded: Vec<String> =
            listed.lines().map(|it| it.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(folded.join("\n") + "\n", expected);
    }

    #[test]
    fn gnu_has_no_room_for_records_and_long_accounts() {
        let records = [("X.keyword".to_owned(), "x".to_owned())];
        let owner = "x".repeat(32);
        let entries = [
            entry("a", &records, Data::Directory),
            Entry { owner: &owner, ..entry("a", &[], Data::Directory) },
        ];
        for entry in entries {
            let mut tar = TarStream::new(Vec::new(), TarDialect::Gnu, 7);
            assert!(matches!(tar.append(entry), Err(EntryError::Refused(..))));
        }
    }

    /// Lays in a file and a link, and reads them with another library. Returns the records of the file's extended header.
    fn round_trip(
        dialect: TarDialect,
        (path, target): (&str, &str),
        headers: &[(String, String)],
        contents: &[u8],
    ) -> Result<Vec<(String, Vec<u8>)>, TestCaseError> {
        let fail = |error: EntryError| TestCaseError::fail(format!("{error:?}"));
        let link = format!("{path}.link");
        let mut tar = TarStream::new(Vec::new(), dialect, 7);
        let file = Data::File(contents.len() as u64, &mut &contents[..]);
        tar.append(entry(path, headers, file)).map_err(fail)?;
        tar.append(entry(&link, &[], Data::Link(target))).map_err(fail)?;
        let bytes = tar.finish(true).unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let mut entries = archive.entries().unwrap();
        let mut found = entries.next().unwrap().unwrap();
        prop_assert_eq!(found.path_bytes().into_owned(), path.as_bytes());
        let records = found.pax_extensions().unwrap().into_iter().flatten().map(|it| it.unwrap());
        let records = records.map(|it| (it.key().unwrap().to_owned(), it.value_bytes().to_vec())).collect();
        let mut read = Vec::new();
        found.read_to_end(&mut read).unwrap();
        prop_assert_eq!(read, contents);
        let found = entries.next().unwrap().unwrap();
        prop_assert_eq!(found.link_name_bytes().unwrap().into_owned(), target.as_bytes());
        prop_assert_eq!(found.path_bytes().into_owned(), link.as_bytes());
        prop_assert!(entries.next().is_none());
        Ok(records)
    }

    proptest! {
        #[test]
        fn what_was_laid_in_is_read(
            path in "[a-zé]{1,120}(/[a-z ]{1,120}){0,3}",
            target in "[a-zé/.]{1,130}",
            value in "[ -~é]{0,40}",
            contents in proptest::collection::vec(any::<u8>(), 0..1500),
        ) {
            let headers = [("X.keyword".to_owned(), value.clone())];
            let records = round_trip(TarDialect::Posix, (&path, &target), &headers, &contents)?;
            prop_assert!(records.contains(&("X.keyword".to_owned(), value.into_bytes())));
            let records = round_trip(TarDialect::Gnu, (&path, &target), &[], &contents)?;
            prop_assert!(records.is_empty());
        }
    }
}
