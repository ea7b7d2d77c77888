//! The archives that packages are made of: tar and `ar`; see `cpio.rs` for that of RPMs.

use std::collections::BTreeMap;
use std::io::{self, Read};

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tar::EntryType;

use opkg::digest::hex;

use crate::decompress::{self, lossy_text, read_limited};
use crate::error::FormatError;
use crate::limits::{Budget, MAX_AR_MEMBERS, MAX_NAME_BYTES, MAX_TEXT_BYTES};
use crate::package::{FileEntry, FileKind};

/// Which files are kept as a whole, by their paths.
pub(crate) type KeepPredicate = fn(&str) -> bool;

/// The files of an archive, and the bytes of those that are kept, unless they are too long for that.
#[derive(Default)]
pub(crate) struct ArchiveFiles {
    pub(crate) entries: BTreeMap<String, FileEntry>,
    pub(crate) contents: BTreeMap<String, Vec<u8>>,
}

impl ArchiveFiles {
    pub(crate) fn add(
        &mut self,
        path: String,
        entry: FileEntry,
        kept: Option<Vec<u8>>,
        budget: &Budget,
    ) -> Result<(), FormatError> {
        budget.take_file(&path)?;
        budget.take_bytes(entry.target.as_ref().map_or(0, String::len) + entry.owner.len())?;
        if let Some(bytes) = kept {
            budget.take_bytes(bytes.len())?;
            self.contents.insert(path.clone(), bytes);
        }
        match self.entries.insert(path.clone(), entry) {
            Some(_) => Err(FormatError::corrupt(format!("{path:?} stands twice in an archive"))),
            None => Ok(()),
        }
    }
}

/// Reads a tar, compressed or not.
pub(crate) fn read_compressed_tar(
    bytes: &[u8],
    keeps: KeepPredicate,
    budget: &Budget,
) -> Result<ArchiveFiles, FormatError> {
    if bytes.starts_with(b"BZh") {
        return Err(FormatError::corrupt("it is compressed with bzip2, which is not read"));
    }
    read_tar(decompress::reader(bytes, budget)?, keeps, budget)
}

/// Reads a tar. Paths come without a leading `./` or trailing `/`.
fn read_tar(reader: impl Read, keeps: KeepPredicate, budget: &Budget) -> Result<ArchiveFiles, FormatError> {
    let mut files = ArchiveFiles::default();
    let mut archive = tar::Archive::new(reader);
    // What precedes an entry because its header has no room for it.
    let (mut path, mut target) = (None, None);
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        let header = entry.header();
        let kind = header.entry_type();
        match kind {
            EntryType::GNULongName | EntryType::GNULongLink | EntryType::XHeader => {
                let bytes = read_limited(&mut entry, MAX_NAME_BYTES)?
                    .ok_or_else(|| FormatError::corrupt("an endless path in an archive"))?;
                match kind {
                    EntryType::GNULongName => path = Some(lossy_text(until_zero(&bytes))),
                    EntryType::GNULongLink => target = Some(lossy_text(until_zero(&bytes))),
                    _ => {
                        let mut records = parse_pax_records(&bytes)?;
                        path = records.remove("path").or(path);
                        target = records.remove("linkpath").or(target);
                    }
                }
                continue;
            }
            EntryType::XGlobalHeader => continue,
            _ => {}
        }
        let kind = match kind {
            EntryType::Directory => FileKind::Directory,
            EntryType::Symlink => FileKind::Link,
            EntryType::Link => FileKind::HardLink,
            EntryType::Char | EntryType::Block | EntryType::Fifo => FileKind::Special,
            _ => FileKind::File,
        };
        let name = |name: Option<&[u8]>, id: io::Result<u64>| match name {
            Some(name) if !name.is_empty() => lossy_text(name),
            _ => id.map_or_else(|_| "?".to_owned(), |id| id.to_string()),
        };
        let owner =
            [name(header.username_bytes(), header.uid()), name(header.groupname_bytes(), header.gid())];
        let mut described = FileEntry {
            kind,
            mode: header.mode()? & 0o7777,
            owner: owner.join(":"),
            time: header.mtime().ok(),
            ..FileEntry::default()
        };
        if matches!(kind, FileKind::Link | FileKind::HardLink) {
            let short = header.link_name_bytes().map(|it| lossy_text(&it)).unwrap_or_default();
            described.target = Some(target.take().unwrap_or(short));
        }
        let path = path.take().unwrap_or_else(|| lossy_text(&header.path_bytes()));
        target = None;
        let path = path.trim_start_matches("./").trim_end_matches('/').to_owned();
        let kept = match kind {
            FileKind::File => hash_contents(&mut entry, &mut described, keeps(&path))?,
            _ => None,
        };
        files.add(path, described, kept, budget)?;
    }
    Ok(files)
}

/// The records of an extended header: `length key=value`, each with a line feed behind it.
fn parse_pax_records(mut bytes: &[u8]) -> Result<BTreeMap<String, String>, FormatError> {
    let mut records = BTreeMap::new();
    while !bytes.is_empty() {
        let record = (|| {
            let blank = bytes.iter().position(|it| *it == b' ')?;
            let length: usize = std::str::from_utf8(&bytes[..blank]).ok()?.parse().ok()?;
            let record = bytes.get(blank + 1..length)?.strip_suffix(b"\n")?;
            let sign = record.iter().position(|it| *it == b'=')?;
            bytes = &bytes[length..];
            Some((lossy_text(&record[..sign]), lossy_text(&record[sign + 1..])))
        })();
        records
            .extend([record.ok_or_else(|| FormatError::corrupt("a damaged extended header in an archive"))?]);
    }
    Ok(records)
}

pub(crate) fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|it| *it == 0).next().unwrap_or_default()
}

/// Reads all of a file for its size and checksums, and gives back what is to be kept of it.
pub(crate) fn hash_contents(
    reader: &mut impl Read,
    entry: &mut FileEntry,
    keep: bool,
) -> io::Result<Option<Vec<u8>>> {
    let (mut sha256, mut sha1, mut md5) = (Sha256::new(), Sha1::new(), Md5::new());
    let (mut size, mut kept) = (0, Vec::new());
    let mut buffer = [0; 16 << 10];
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        sha256.update(&buffer[..count]);
        sha1.update(&buffer[..count]);
        md5.update(&buffer[..count]);
        size += count as u64;
        if keep && size <= MAX_TEXT_BYTES {
            kept.extend_from_slice(&buffer[..count]);
        }
    }
    entry.size = Some(size);
    entry.digest = Some(hex(&sha256.finalize()));
    entry.sha1 = Some(hex(&sha1.finalize()));
    entry.md5 = Some(hex(&md5.finalize()));
    Ok((keep && size <= MAX_TEXT_BYTES).then_some(kept))
}

/// Members of an `ar`, in their order.
pub(crate) fn read_ar(bytes: &[u8]) -> Result<Vec<(String, &[u8])>, FormatError> {
    const HEADER: usize = 60;
    let damaged = || FormatError::corrupt("a damaged ar archive");
    let mut rest = bytes.strip_prefix(b"!<arch>\n").ok_or_else(damaged)?;
    let mut members = Vec::new();
    while !rest.is_empty() {
        let header = rest.get(..HEADER).filter(|it| it.ends_with(b"`\n")).ok_or_else(damaged)?;
        let word = |range| std::str::from_utf8(&header[range]).map(str::trim_end).map_err(|_| damaged());
        let size: usize = word(48..58)?.parse().map_err(|_| damaged())?;
        let end = HEADER.checked_add(size).ok_or_else(damaged)?;
        let contents = rest.get(HEADER..end).ok_or_else(damaged)?;
        if members.len() >= MAX_AR_MEMBERS {
            return Err(FormatError::corrupt(format!("an ar archive of more than {MAX_AR_MEMBERS} members")));
        }
        members.push((word(0..16)?.trim_end_matches('/').to_owned(), contents));
        // An odd one is padded, except that the last may lack it.
        rest = rest.get(end.next_multiple_of(2)..).unwrap_or_default();
    }
    Ok(members)
}
