//! The archives that packages are made of: tar, cpio of the "new ASCII" kind, and `ar`.

use std::collections::BTreeMap;
use std::io::{self, Read};

use sha2::{Digest, Sha256};
use tar::EntryType;

use opkg::digest::hex;

use crate::decompress::{lossy_text, read_limited};
use crate::error::FormatError;
use crate::package::{FileEntry, FileKind};

/// Entries of one archive.
const MAX_ENTRIES: usize = 1_000_000;

/// Bytes of a path, or of a set of extended attributes of one.
const MAX_NAME_BYTES: u64 = 64 << 10;

/// Bytes of a text that is kept.
pub(crate) const MAX_TEXT_BYTES: u64 = 1 << 20;

/// Which files are kept as a whole, by their paths.
pub(crate) type KeepPredicate = fn(&str) -> bool;

/// The files of an archive, and the bytes of those that are kept, unless they are too long for that.
#[derive(Default)]
pub(crate) struct ArchiveFiles {
    pub(crate) entries: BTreeMap<String, FileEntry>,
    pub(crate) contents: BTreeMap<String, Vec<u8>>,
}

impl ArchiveFiles {
    fn add(&mut self, path: String, entry: FileEntry, kept: Option<Vec<u8>>) -> Result<(), FormatError> {
        if self.entries.len() >= MAX_ENTRIES {
            return Err(FormatError::corrupt(format!("an archive of more than {MAX_ENTRIES} files")));
        }
        if let Some(bytes) = kept {
            self.contents.insert(path.clone(), bytes);
        }
        match self.entries.insert(path.clone(), entry) {
            Some(_) => Err(FormatError::corrupt(format!("{path:?} stands twice in an archive"))),
            None => Ok(()),
        }
    }
}

/// Reads a tar. Paths come without a leading `./` or trailing `/`.
pub(crate) fn read_tar(reader: impl Read, keeps: KeepPredicate) -> Result<ArchiveFiles, FormatError> {
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
        files.add(path, described, kept)?;
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

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|it| *it == 0).next().unwrap_or_default()
}

/// Reads all of a file for its size and checksum, and gives back what is to be kept of it.
fn hash_contents(reader: &mut impl Read, entry: &mut FileEntry, keep: bool) -> io::Result<Option<Vec<u8>>> {
    let (mut hash, mut size, mut kept) = (Sha256::new(), 0, Vec::new());
    let mut buffer = [0; 16 << 10];
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
        size += count as u64;
        if keep && size <= MAX_TEXT_BYTES {
            kept.extend_from_slice(&buffer[..count]);
        }
    }
    entry.size = Some(size);
    entry.digest = Some(hex(&hash.finalize()));
    Ok((keep && size <= MAX_TEXT_BYTES).then_some(kept))
}

/// Sizes and checksums of what an RPM's payload holds, by path without a leading `./`.
pub(crate) fn read_cpio(mut reader: impl Read, keeps: KeepPredicate) -> Result<ArchiveFiles, FormatError> {
    const HEADER: usize = 110;
    let mut files = ArchiveFiles::default();
    loop {
        let mut header = [0; HEADER];
        reader.read_exact(&mut header)?;
        if !matches!(&header[..6], b"070701" | b"070702") {
            return Err(FormatError::corrupt("a payload of an unknown kind"));
        }
        let field = |index: usize| {
            let digits = std::str::from_utf8(&header[6 + index * 8..14 + index * 8]).ok();
            digits
                .and_then(|it| u32::from_str_radix(it, 16).ok())
                .ok_or_else(|| FormatError::corrupt("a damaged header in the payload"))
        };
        let (mode, size, name_size) = (field(1)?, u64::from(field(6)?), u64::from(field(11)?));
        if name_size > MAX_NAME_BYTES {
            return Err(FormatError::corrupt("an endless path in the payload"));
        }
        // Name and contents both end at a multiple of four.
        let padded = (HEADER as u64 + name_size).next_multiple_of(4) - HEADER as u64;
        let mut name = vec![0; usize::try_from(padded).unwrap_or(usize::MAX)];
        reader.read_exact(&mut name)?;
        let path = lossy_text(until_zero(&name));
        if path == "TRAILER!!!" {
            return Ok(files);
        }
        let path = path.strip_prefix('.').filter(|it| it.starts_with('/')).unwrap_or(&path).to_owned();
        let mut entry = FileEntry::default();
        let kept =
            hash_contents(&mut reader.by_ref().take(size), &mut entry, mode >> 12 == 8 && keeps(&path))?;
        if entry.size != Some(size) {
            return Err(FormatError::corrupt("the payload ends too early"));
        }
        let padding = size.next_multiple_of(4) - size;
        io::copy(&mut reader.by_ref().take(padding), &mut io::sink())?;
        files.add(path, entry, kept)?;
    }
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
        members.push((word(0..16)?.trim_end_matches('/').to_owned(), contents));
        // An odd one is padded, except that the last may lack it.
        rest = rest.get(end.next_multiple_of(2)..).unwrap_or_default();
    }
    Ok(members)
}
