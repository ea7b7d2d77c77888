//! What stands in a tar that anybody may have made, entry by entry, with the long names of all dialects.

use std::collections::BTreeMap;
use std::io::{self, Read};

use tar::{EntryType, Header};

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
    size: Option<u64>,
    owner: [Option<Vec<u8>>; 2],
    is_sparse: bool,
}

/// Bytes of a header; what an entry holds is filled up to a multiple of them.
const BLOCK_BYTES: usize = 512;

/// Goes through a tar, up to the mark of its end or the end of `reader`; each entry comes with what it holds. What is behind
/// the mark is left in `reader`: whoever knows that it belongs to the same compressed stream has to read it, since
/// decompressors hold their checksums against what came out of them only at their end.
///
/// # Errors
/// When it is not sound, or `visit` fails.
pub fn walk<E: From<TarReadError>>(
    mut reader: impl Read,
    mut visit: impl FnMut(TarEntry, &mut dyn Read) -> Result<(), E>,
) -> Result<(), E> {
    let io_error = |error: io::Error| E::from(error.into());
    let mut extension = Extension::default();
    while let Some(header) = next_header(&mut reader).map_err(io_error)? {
        let kind = header.entry_type();
        let size = extension.entry_size(&header).map_err(io_error)?;
        let mut contents = reader.by_ref().take(size);
        match kind {
            EntryType::GNULongName | EntryType::GNULongLink | EntryType::XHeader => {
                let mut bytes = Vec::new();
                let read = contents.by_ref().take(MAX_NAME_BYTES + 1).read_to_end(&mut bytes);
                read.map_err(io_error)?;
                if bytes.len() as u64 > MAX_NAME_BYTES {
                    return Err(TarReadError::EndlessPath.into());
                }
                extension.read(kind, &bytes)?;
            }
            EntryType::XGlobalHeader => {}
            _ if kind.as_byte() == VOLUME_LABEL => {}
            _ => {
                let described = std::mem::take(&mut extension).describe(&header);
                visit(described, &mut contents)?;
            }
        }
        let block = BLOCK_BYTES as u64;
        let padding = (block - size % block) % block;
        // Added up, these could be more than fits: a size may be anything.
        let left = contents.limit();
        for rest in [left, padding] {
            if io::copy(&mut reader.by_ref().take(rest), &mut io::sink()).map_err(io_error)? < rest {
                return Err(io_error(cut_off()));
            }
        }
    }
    Ok(())
}

/// The name of a whole archive, as `tar -V` writes it.
const VOLUME_LABEL: u8 = b'V';
/// What a file of an earlier archive goes on with.
const CONTINUED_FILE: u8 = b'M';
/// A directory of an incremental backup, with the names in it.
const LISTED_DIRECTORY: u8 = b'D';

/// The header of the next entry; nothing at the mark of the end, or where `reader` ends.
fn next_header(reader: &mut impl Read) -> io::Result<Option<Header>> {
    let mut header = Header::new_old();
    if !read_block(reader, header.as_mut_bytes())? || header.as_bytes().iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let bytes = header.as_bytes();
    // With blanks in place of the sum itself.
    let sum = bytes[..148].iter().chain(&bytes[156..]).map(|byte| u32::from(*byte)).sum::<u32>() + 8 * 32;
    if sum != header.cksum()? {
        return Err(io::Error::other("archive header checksum mismatch"));
    }
    // The places of a sparse file that has many go on in front of what it holds.
    let mut goes_on = header.entry_type() == EntryType::GNUSparse
        && header.as_gnu().is_some_and(tar::GnuHeader::is_extended);
    while goes_on {
        let mut more = tar::GnuExtSparseHeader::new();
        if !read_block(reader, more.as_mut_bytes())? {
            return Err(cut_off());
        }
        goes_on = more.is_extended();
    }
    Ok(Some(header))
}

/// Fills a block; whether there was one.
fn read_block(reader: &mut impl Read, block: &mut [u8; BLOCK_BYTES]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < block.len() {
        match reader.read(&mut block[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(cut_off()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends too early")
}

impl Extension {
    fn read(&mut self, kind: EntryType, bytes: &[u8]) -> Result<(), TarReadError> {
        match kind {
            EntryType::GNULongName => self.path = Some(until_zero(bytes).to_vec()),
            EntryType::GNULongLink => self.target = Some(until_zero(bytes).to_vec()),
            _ => {
                let mut records = parse_records(bytes).ok_or(TarReadError::DamagedHeader)?;
                self.is_sparse |= records.keys().any(|key| key.starts_with(b"GNU.sparse."));
                let mut take = |keyword: &str, before: &mut Option<Vec<u8>>| {
                    *before = records.remove(keyword.as_bytes()).map(<[u8]>::to_vec).or(before.take());
                };
                take("path", &mut self.path);
                // What is called so otherwise is a name for programs that know nothing of sparse files.
                take("GNU.sparse.name", &mut self.path);
                take("linkpath", &mut self.target);
                take("uname", &mut self.owner[0]);
                take("gname", &mut self.owner[1]);
                if let Some(size) = records.remove(&b"size"[..]) {
                    let size = std::str::from_utf8(size).ok().and_then(|size| size.parse().ok());
                    self.size = Some(size.ok_or(TarReadError::DamagedHeader)?);
                }
            }
        }
        Ok(())
    }

    /// How many bytes follow the header. Of one that holds more than its own field can say, an extended header says it, and
    /// is right in any case.
    fn entry_size(&self, header: &Header) -> io::Result<u64> {
        match (header.entry_type(), self.size) {
            // What precedes an entry has a size of its own.
            (EntryType::GNULongName | EntryType::GNULongLink, _)
            | (EntryType::XHeader | EntryType::XGlobalHeader, _)
            | (_, None) => {}
            (_, Some(size)) => return Ok(size),
        }
        match header.entry_type().as_byte() {
            // Its numbers may be missing.
            VOLUME_LABEL => Ok(header.entry_size().unwrap_or(0)),
            _ => header.entry_size(),
        }
    }

    /// What header and extension say together.
    fn describe(self, header: &Header) -> TarEntry {
        let path = self.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let kind = match header.entry_type() {
            // As it was before there was a kind for them.
            EntryType::Regular if path.ends_with(b"/") => TarKind::Directory,
            EntryType::Directory => TarKind::Directory,
            EntryType::Symlink => TarKind::Link,
            EntryType::Link => TarKind::HardLink,
            EntryType::Char | EntryType::Block | EntryType::Fifo => TarKind::Special,
            other if other.as_byte() == LISTED_DIRECTORY => TarKind::Directory,
            _ => TarKind::File,
        };
        let unreadable = match header.entry_type() {
            EntryType::GNUSparse => Some("it is sparse"),
            _ if self.is_sparse => Some("it is sparse"),
            other if other.as_byte() == CONTINUED_FILE => Some("it begins in another archive"),
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
            path,
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

    /// A header of this kind; `change` may do anything with it.
    fn header(path: &str, kind: u8, size: u64, change: impl FnOnce(&mut Header)) -> Vec<u8> {
        let mut header = Header::new_gnu();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(EntryType::new(kind));
        header.set_mode(0o644);
        header.set_size(size);
        change(&mut header);
        header.set_cksum();
        header.as_bytes().to_vec()
    }

    fn block(text: &str) -> Vec<u8> {
        let mut block = text.as_bytes().to_vec();
        block.resize(block.len().next_multiple_of(BLOCK_BYTES), 0);
        block
    }

    /// Path, kind, whether it can be read, and what it holds.
    fn contents(bytes: &[u8]) -> Vec<(String, TarKind, bool, String)> {
        let mut found = Vec::new();
        walk(bytes, |entry, contents| {
            let mut text = String::new();
            contents.read_to_string(&mut text).map_err(TarReadError::from)?;
            let path = String::from_utf8_lossy(&entry.path).into_owned();
            found.push((path, entry.kind, entry.unreadable.is_none(), text));
            Ok::<(), TarReadError>(())
        })
        .unwrap();
        found
    }

    #[test]
    fn what_comes_before_and_between_files_is_passed_over() {
        let label = header("backup", VOLUME_LABEL, 0, |header| {
            // As GNU tar leaves them.
            header.as_mut_bytes()[100..136].fill(0);
        });
        let sparse = header("sparse", b'S', 4, |header| {
            header.as_gnu_mut().unwrap().isextended[0] = 1;
        });
        let mut places = vec![0; BLOCK_BYTES];
        places[504] = 1;
        let file = [header("file", b'0', 3, |_| ()), block("abc")].concat();
        let archive = [label, sparse, places, vec![0; BLOCK_BYTES], block("data"), file].concat();
        assert_eq!(
            contents(&archive),
            [
                ("sparse".into(), TarKind::File, false, "data".into()),
                ("file".into(), TarKind::File, true, "abc".into())
            ]
        );
    }

    #[test]
    fn names_and_sizes_of_extended_headers_hold() {
        let records = "12 size=513\n23 GNU.sparse.name=a/b\n30 path=GNUSparseFile.0/b5678\n";
        let extended = header("x", b'x', records.len() as u64, |_| ());
        let file = header("short", b'0', 0, |_| ());
        let text = "x".repeat(513);
        let last = header("directory/", b'0', 0, |_| ());
        let archive = [extended, block(records), file, block(&text), last].concat();
        assert_eq!(
            contents(&archive),
            [
                ("a/b".into(), TarKind::File, false, text),
                ("directory/".into(), TarKind::Directory, true, String::new())
            ]
        );
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
