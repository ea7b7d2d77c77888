//! What stands in a tar that anybody may have made, entry by entry, with the long names of all dialects.

use std::collections::BTreeMap;
use std::io::{self, Read};

use tar::EntryType;

/// Bytes of a path, or of a set of extended attributes of one.
const MAX_NAME_BYTES: u64 = 64 << 10;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TarKind {
    File,
    Directory,
    /// A symbolic link.
    Link,
    /// Another name of a file.
    HardLink,
    /// A device or a pipe.
    Special,
}

/// An entry of a tar, before its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TarEntry {
    /// As it is written there.
    pub path: Vec<u8>,
    pub kind: TarKind,
    /// Permission bits, special ones included; nothing where they are no number.
    pub mode: Option<u32>,
    /// Names of a user and of a group, or their numbers.
    pub owner: [Vec<u8>; 2],
    /// Seconds since 1970.
    pub time: Option<u64>,
    /// Where a link points.
    pub target: Option<Vec<u8>>,
    /// Why what follows is not what the file holds, where it is not: a form of sparse files that is not read, say.
    pub unreadable: Option<&'static str>,
}

/// Why a tar could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum TarReadError {
    /// It is cut off or damaged.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A path is longer than that of any file.
    #[error("an endless path in an archive")]
    EndlessPath,
    /// An extended header that is none.
    #[error("a damaged extended header in an archive")]
    DamagedHeader,
}

/// What precedes an entry because its header has no room for it.
#[derive(Default)]
struct Extension {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<Vec<u8>>,
    owner: [Option<Vec<u8>>; 2],
    is_sparse: bool,
}

/// Goes through a tar, up to the mark of its end or the end of `reader`; each entry comes with what it holds.
///
/// # Errors
/// When it is not sound, or `visit` fails.
pub fn walk<E: From<TarReadError>>(
    reader: impl Read,
    mut visit: impl FnMut(TarEntry, &mut dyn Read) -> Result<(), E>,
) -> Result<(), E> {
    let io_error = |error: io::Error| E::from(error.into());
    let mut archive = tar::Archive::new(reader);
    let mut extension = Extension::default();
    // The crate's own way would read a long path into memory whatever its length.
    for entry in archive.entries().map_err(io_error)?.raw(true) {
        let mut entry = entry.map_err(io_error)?;
        let kind = entry.header().entry_type();
        match kind {
            EntryType::GNULongName | EntryType::GNULongLink | EntryType::XHeader => {
                let mut bytes = Vec::new();
                let read = entry.by_ref().take(MAX_NAME_BYTES + 1).read_to_end(&mut bytes);
                read.map_err(io_error)?;
                if bytes.len() as u64 > MAX_NAME_BYTES {
                    return Err(TarReadError::EndlessPath.into());
                }
                extension.read(kind, &bytes)?;
            }
            EntryType::XGlobalHeader => {}
            _ => {
                let described = std::mem::take(&mut extension).describe(entry.header());
                visit(described, &mut entry)?;
            }
        }
    }
    Ok(())
}

impl Extension {
    fn read(&mut self, kind: EntryType, bytes: &[u8]) -> Result<(), TarReadError> {
        match kind {
            EntryType::GNULongName => self.path = Some(until_zero(bytes).to_vec()),
            EntryType::GNULongLink => self.target = Some(until_zero(bytes).to_vec()),
            _ => {
                let mut records = parse_records(bytes).ok_or(TarReadError::DamagedHeader)?;
                let mut take = |keyword: &str, before: &mut Option<Vec<u8>>| {
                    *before = records.remove(keyword.as_bytes()).map(<[u8]>::to_vec).or(before.take());
                };
                take("path", &mut self.path);
                take("linkpath", &mut self.target);
                take("size", &mut self.size);
                take("uname", &mut self.owner[0]);
                take("gname", &mut self.owner[1]);
                self.is_sparse |= records.keys().any(|key| key.starts_with(b"GNU.sparse."));
            }
        }
        Ok(())
    }

    /// What header and extension say together.
    fn describe(self, header: &tar::Header) -> TarEntry {
        let kind = match header.entry_type() {
            EntryType::Directory => TarKind::Directory,
            EntryType::Symlink => TarKind::Link,
            EntryType::Link => TarKind::HardLink,
            EntryType::Char | EntryType::Block | EntryType::Fifo => TarKind::Special,
            _ => TarKind::File,
        };
        let own_size = || header.entry_size().map(|size| size.to_string().into_bytes());
        let unreadable = match header.entry_type() {
            EntryType::GNUSparse => Some("it is sparse"),
            _ if self.is_sparse => Some("it is sparse"),
            _ if self.size.is_some_and(|size| own_size().is_ok_and(|own| size != own)) => {
                Some("its size is told twice, and differs")
            }
            _ => None,
        };
        let name = |long: Option<Vec<u8>>, short: Option<&[u8]>, id: io::Result<u64>| {
            let short = short.filter(|name| !name.is_empty()).map(<[u8]>::to_vec);
            let number = || id.map_or_else(|_| "?".to_owned(), |id| id.to_string()).into_bytes();
            long.or(short).unwrap_or_else(number)
        };
        let [user, group] = self.owner;
        let owner = [
            name(user, header.username_bytes(), header.uid()),
            name(group, header.groupname_bytes(), header.gid()),
        ];
        let short_target = || header.link_name_bytes().map(|it| it.into_owned()).unwrap_or_default();
        let is_link = matches!(kind, TarKind::Link | TarKind::HardLink);
        TarEntry {
            path: self.path.unwrap_or_else(|| header.path_bytes().into_owned()),
            kind,
            mode: header.mode().ok().map(|mode| mode & 0o7777),
            owner,
            time: header.mtime().ok(),
            target: is_link.then(|| self.target.unwrap_or_else(short_target)),
            unreadable,
        }
    }
}

/// The records of an extended header: `length key=value`, each with a line feed behind it.
fn parse_records(mut bytes: &[u8]) -> Option<BTreeMap<&[u8], &[u8]>> {
    let mut records = BTreeMap::new();
    while !bytes.is_empty() {
        let blank = bytes.iter().position(|it| *it == b' ')?;
        let length: usize = std::str::from_utf8(&bytes[..blank]).ok()?.parse().ok()?;
        let record = bytes.get(blank + 1..length)?.strip_suffix(b"\n")?;
        let sign = record.iter().position(|it| *it == b'=')?;
        records.insert(&record[..sign], &record[sign + 1..]);
        bytes = &bytes[length..];
    }
    Some(records)
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|it| *it == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn walk_all(bytes: &[u8]) -> Result<Vec<TarEntry>, TarReadError> {
        let mut found = Vec::new();
        walk(bytes, |entry, _| {
            found.push(entry);
            Ok::<(), TarReadError>(())
        })?;
        Ok(found)
    }

    #[test]
    fn records_of_extended_headers_are_read() {
        let found = parse_records(b"12 path=a b\n20 mtime=1400000000\n").unwrap();
        assert_eq!(found[&b"path"[..]], b"a b");
        for damaged in ["99 path=a b\n", "0 path=a b\n", "12 path=a b", "x", "6 path\n"] {
            assert!(parse_records(damaged.as_bytes()).is_none(), "{damaged:?}");
        }
    }

    #[test]
    fn an_endless_path_is_refused() {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(EntryType::GNULongName);
        header.set_path("././@LongLink").unwrap();
        header.set_size(MAX_NAME_BYTES + 1);
        header.set_cksum();
        tar.append(&header, io::repeat(b'a').take(MAX_NAME_BYTES + 1)).unwrap();
        assert!(matches!(walk_all(&tar.into_inner().unwrap()), Err(TarReadError::EndlessPath)));
    }

    #[test]
    fn a_cut_off_archive_is_damaged() {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        tar.append_data(&mut header, "file", io::empty()).unwrap();
        let whole = tar.into_inner().unwrap();
        assert_eq!(walk_all(&whole).unwrap()[0].path, b"file");
        assert!(matches!(walk_all(&whole[..300]), Err(TarReadError::Io(_))));
    }
}
