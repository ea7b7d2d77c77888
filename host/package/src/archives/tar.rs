//! Tar as POSIX has it (IEEE 1003.1, pax): of headers of `ustar`, with an extended one before those that have no room for
//! what there is to say.

use std::io::{self, Write};

use tar::{EntryType, Header};

use super::entry::{Data, Entry, EntryError, PLUGIN_FAULT, refuse};
use crate::source::into_error;

/// What everything in a tar begins and ends at.
const BLOCK_BYTES: u64 = 512;

/// Bytes of a file whose size a header has eleven octal digits for.
const MAX_PLAIN_BYTES: u64 = (1 << 33) - 1;

/// Bytes of names of users and groups, before the zero.
const MAX_ACCOUNT_BYTES: usize = 31;

/// Keywords whose values the writer knows itself.
const OWN_KEYWORDS: [&str; 10] =
    ["path", "linkpath", "size", "uid", "gid", "uname", "gname", "mtime", "charset", "hdrcharset"];

/// A tar being written.
pub(super) struct TarStream<W> {
    to: W,
    mtime: u64,
}

impl<W: Write> TarStream<W> {
    pub(super) fn new(to: W, mtime: u64) -> Self {
        Self { to, mtime }
    }

    pub(super) fn append(&mut self, entry: Entry<'_>) -> Result<(), EntryError> {
        let (kind, size, target) = match &entry.data {
            Data::File(size, _) => (EntryType::Regular, *size, None),
            Data::Directory => (EntryType::Directory, 0, None),
            Data::Link(to) => (EntryType::Symlink, 0, Some(*to)),
        };
        let path = match kind {
            EntryType::Directory => format!("{}/", entry.path),
            _ => entry.path.to_owned(),
        };
        let mut header = new_header(kind, entry.mode, self.mtime);
        header.set_size(size);
        let mut records = own_records(&mut header, &path, target, &entry, size);
        for (keyword, value) in entry.headers {
            if OWN_KEYWORDS.contains(&keyword.as_str()) || keyword.starts_with("GNU.sparse.") {
                return refuse(
                    format!("`{keyword}` in an extended header is the host's to say"),
                    PLUGIN_FAULT,
                );
            }
            if keyword.is_empty() || keyword.contains(['=', '\n', '\0']) || value.contains('\0') {
                return refuse(format!("the record {keyword:?} of its extended header"), PLUGIN_FAULT);
            }
            push_record(&mut records, keyword, value);
        }
        if !records.is_empty() {
            self.append_records(&path, &records)?;
        }
        header.set_cksum();
        self.to.write_all(header.as_bytes())?;
        if let Data::File(size, contents) = entry.data {
            let count = io::copy(contents, &mut self.to).map_err(into_error)?;
            if count != size {
                return Err(
                    io::Error::other("a file changed its size while the package was being built").into()
                );
            }
            self.pad(size)?;
        }
        Ok(())
    }

    /// The end; two blocks of zeros mark it.
    pub(super) fn finish(mut self, end_marker: bool) -> io::Result<W> {
        if end_marker {
            self.to.write_all(&[0; 2 * BLOCK_BYTES as usize])?;
        }
        Ok(self.to)
    }

    /// An extended header, for the entry that follows.
    fn append_records(&mut self, path: &str, records: &[u8]) -> io::Result<()> {
        let mut header = new_header(EntryType::XHeader, 0o644, self.mtime);
        // Readers that know no extended headers unpack them under this name.
        let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let name: String = last.chars().filter(|c| c.is_ascii_graphic()).take(80).collect();
        fill(header.as_ustar_mut().map(|it| &mut it.name[..]), &format!("PaxHeaders/{name}"));
        fill(header.as_ustar_mut().map(|it| &mut it.uname[..]), "root");
        fill(header.as_ustar_mut().map(|it| &mut it.gname[..]), "root");
        header.set_size(records.len() as u64);
        header.set_cksum();
        self.to.write_all(header.as_bytes())?;
        self.to.write_all(records)?;
        self.pad(records.len() as u64)
    }

    fn pad(&mut self, size: u64) -> io::Result<()> {
        let missing = size.next_multiple_of(BLOCK_BYTES) - size;
        self.to.write_all(&[0; BLOCK_BYTES as usize][..missing as usize])
    }
}

fn new_header(kind: EntryType, mode: u32, mtime: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(mtime);
    header.set_uid(0);
    header.set_gid(0);
    // Neither is ever anything else; readers of old take blanks for no number.
    let _ = header.set_device_major(0);
    let _ = header.set_device_minor(0);
    header
}

/// Fills in the names of a header. What has no room there becomes records.
fn own_records(
    header: &mut Header,
    path: &str,
    target: Option<&str>,
    entry: &Entry<'_>,
    size: u64,
) -> Vec<u8> {
    let mut records = Vec::new();
    if let Some(target) = target
        && !(fill(header.as_ustar_mut().map(|it| &mut it.linkname[..]), target) && target.is_ascii())
    {
        push_record(&mut records, "linkpath", target);
    }
    if !fill_path(header, path) {
        push_record(&mut records, "path", path);
    }
    if size > MAX_PLAIN_BYTES {
        // The header has it as well, in the way of GNU.
        push_record(&mut records, "size", &size.to_string());
    }
    let is_short = |name: &str| name.is_ascii() && name.len() <= MAX_ACCOUNT_BYTES;
    if !(fill(header.as_ustar_mut().map(|it| &mut it.uname[..]), entry.owner) && is_short(entry.owner)) {
        push_record(&mut records, "uname", entry.owner);
    }
    if !(fill(header.as_ustar_mut().map(|it| &mut it.gname[..]), entry.group) && is_short(entry.group)) {
        push_record(&mut records, "gname", entry.group);
    }
    records
}

/// Puts a path into a header, in two parts where it is long. Names there are ASCII: nobody knows their encoding, and that of
/// records is UTF-8.
fn fill_path(header: &mut Header, path: &str) -> bool {
    const NAME_BYTES: usize = 100;
    const PREFIX_BYTES: usize = 155;
    if path.len() > NAME_BYTES && path.is_ascii() {
        let is_split = |(at, _): &(usize, &str)| {
            let rest = path.len() - at - 1;
            (1..=PREFIX_BYTES).contains(at) && (1..=NAME_BYTES).contains(&rest)
        };
        if let Some((at, _)) = path.match_indices('/').find(is_split) {
            fill(header.as_ustar_mut().map(|it| &mut it.prefix[..]), &path[..at]);
            return fill(header.as_ustar_mut().map(|it| &mut it.name[..]), &path[at + 1..]);
        }
    }
    fill(header.as_ustar_mut().map(|it| &mut it.name[..]), path) && path.is_ascii()
}

/// Puts a text into a place of a header, as far as it goes; says whether all of it fits.
fn fill(place: Option<&mut [u8]>, text: &str) -> bool {
    let Some(place) = place else { return false };
    let count = text.len().min(place.len());
    place[..count].copy_from_slice(&text.as_bytes()[..count]);
    count == text.len()
}

/// `length keyword=value`, where the length counts itself.
fn push_record(to: &mut Vec<u8>, keyword: &str, value: &str) {
    let rest = keyword.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    to.extend(format!("{length} {keyword}={value}\n").bytes());
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
    fn records_count_their_own_length() {
        for (value, expected) in [("a b", "12 path=a b\n"), ("", "8 path=\n"), ("x", "9 path=x\n")] {
            let mut records = Vec::new();
            push_record(&mut records, "path", value);
            assert_eq!(String::from_utf8(records).unwrap(), expected);
        }
        for length in 80..110 {
            let mut records = Vec::new();
            push_record(&mut records, "path", &"x".repeat(length));
            let said: usize =
                std::str::from_utf8(&records).unwrap().split(' ').next().unwrap().parse().unwrap();
            assert_eq!(said, records.len());
        }
    }

    #[test]
    fn without_the_mark_of_its_end_another_archive_may_follow() {
        let mut both = Vec::new();
        for (name, end_marker) in [("one", false), ("two", true)] {
            let mut tar = TarStream::new(Vec::new(), 7);
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
    fn a_size_beyond_the_digits_is_told_in_a_record() {
        // The header alone is looked at: no test writes nine gigabytes.
        let mut header = new_header(EntryType::Regular, 0o644, 7);
        let size = MAX_PLAIN_BYTES + 1;
        header.set_size(size);
        let records = own_records(&mut header, "a", None, &entry("a", &[], Data::Directory), size);
        assert_eq!(String::from_utf8(records).unwrap(), "19 size=8589934592\n");
        assert_eq!(header.size().unwrap(), size);
    }

    #[test]
    fn keywords_of_the_host_are_refused() {
        for keyword in ["path", "size", "GNU.sparse.name", "a=b", ""] {
            let headers = [(keyword.to_owned(), "x".to_owned())];
            let mut tar = TarStream::new(Vec::new(), 7);
            let found = tar.append(entry("a", &headers, Data::Directory));
            assert!(matches!(found, Err(EntryError::Refused(..))), "{keyword}");
        }
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
            let link = format!("{path}.link");
            let mut tar = TarStream::new(Vec::new(), 7);
            let file = Data::File(contents.len() as u64, &mut &contents[..]);
            tar.append(entry(&path, &headers, file)).map_err(|it| TestCaseError::fail(format!("{it:?}")))?;
            tar.append(entry(&link, &[], Data::Link(&target))).map_err(|it| TestCaseError::fail(format!("{it:?}")))?;
            let bytes = tar.finish(true).unwrap();
            let mut archive = tar::Archive::new(&bytes[..]);
            let mut entries = archive.entries().unwrap();
            let mut found = entries.next().unwrap().unwrap();
            prop_assert_eq!(found.path_bytes().into_owned(), path.into_bytes());
            let said: Vec<(String, Vec<u8>)> = found.pax_extensions().unwrap().unwrap()
                .map(|it| it.unwrap())
                .map(|it| (it.key().unwrap().to_owned(), it.value_bytes().to_vec()))
                .collect();
            let own = ("X.keyword".to_owned(), value.into_bytes());
            prop_assert!(said.contains(&own));
            let mut read = Vec::new();
            found.read_to_end(&mut read).unwrap();
            prop_assert_eq!(read, contents);
            let found = entries.next().unwrap().unwrap();
            prop_assert_eq!(found.link_name_bytes().unwrap().into_owned(), target.into_bytes());
            prop_assert_eq!(found.path_bytes().into_owned(), link.into_bytes());
            prop_assert!(entries.next().is_none());
        }
    }
}
