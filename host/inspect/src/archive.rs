//! The archives that packages are made of: tar, cpio of the "new ASCII" kind, and `ar`.

use std::collections::BTreeMap;
use std::io::{self, Read};

use sha2::{Digest, Sha256};
use tar::EntryType;

use crate::decompress::{short, text};
use crate::error::Unsound;
use crate::package::{Entry, Kind};

/// Entries of one archive.
const MOST: usize = 1_000_000;

/// Bytes of a path, or of a set of extended attributes of one.
const LONGEST_NAME: u64 = 64 << 10;

/// Bytes of a text that is kept.
pub(crate) const LONGEST_TEXT: u64 = 1 << 20;

/// Which files are kept as a whole, by their paths.
pub(crate) type Keeps = fn(&str) -> bool;

/// The files of an archive, and the bytes of those that are kept, unless they are too long for that.
#[derive(Default)]
pub(crate) struct Files {
    pub(crate) entries: BTreeMap<String, Entry>,
    pub(crate) kept: BTreeMap<String, Vec<u8>>,
}

impl Files {
    fn add(&mut self, path: String, entry: Entry, kept: Option<Vec<u8>>) -> Result<(), Unsound> {
        if self.entries.len() >= MOST {
            return Err(Unsound::damaged(format!("an archive of more than {MOST} files")));
        }
        if let Some(bytes) = kept {
            self.kept.insert(path.clone(), bytes);
        }
        match self.entries.insert(path.clone(), entry) {
            Some(_) => Err(Unsound::damaged(format!("{path:?} stands twice in an archive"))),
            None => Ok(()),
        }
    }
}

/// Reads a tar. Paths come without a leading `./` or trailing `/`.
pub(crate) fn tar(reader: impl Read, keeps: Keeps) -> Result<Files, Unsound> {
    let mut files = Files::default();
    let mut archive = tar::Archive::new(reader);
    // What precedes an entry because its header has no room for it.
    let (mut path, mut target) = (None, None);
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        let header = entry.header();
        let kind = header.entry_type();
        match kind {
            EntryType::GNULongName | EntryType::GNULongLink | EntryType::XHeader => {
                let bytes = short(&mut entry, LONGEST_NAME)?
                    .ok_or_else(|| Unsound::damaged("an endless path in an archive"))?;
                match kind {
                    EntryType::GNULongName => path = Some(text(until_zero(&bytes))),
                    EntryType::GNULongLink => target = Some(text(until_zero(&bytes))),
                    _ => {
                        let mut records = extended(&bytes)?;
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
            EntryType::Directory => Kind::Directory,
            EntryType::Symlink => Kind::Link,
            EntryType::Link => Kind::HardLink,
            EntryType::Char | EntryType::Block | EntryType::Fifo => Kind::Special,
            _ => Kind::File,
        };
        let name = |name: Option<&[u8]>, id: io::Result<u64>| match name {
            Some(name) if !name.is_empty() => text(name),
            _ => id.map_or_else(|_| "?".to_owned(), |id| id.to_string()),
        };
        let owner =
            [name(header.username_bytes(), header.uid()), name(header.groupname_bytes(), header.gid())];
        let mut described = Entry {
            kind,
            mode: header.mode()? & 0o7777,
            owner: owner.join(":"),
            time: header.mtime().ok(),
            ..Entry::default()
        };
        if matches!(kind, Kind::Link | Kind::HardLink) {
            let short = header.link_name_bytes().map(|it| text(&it)).unwrap_or_default();
            described.target = Some(target.take().unwrap_or(short));
        }
        let path = path.take().unwrap_or_else(|| text(&header.path_bytes()));
        target = None;
        let path = path.trim_start_matches("./").trim_end_matches('/').to_owned();
        let kept = match kind {
            Kind::File => digest(&mut entry, &mut described, keeps(&path))?,
            _ => None,
        };
        files.add(path, described, kept)?;
    }
    Ok(files)
}

/// The records of an extended header: `length key=value`, each with a line feed behind it.
fn extended(mut bytes: &[u8]) -> Result<BTreeMap<String, String>, Unsound> {
    let mut records = BTreeMap::new();
    while !bytes.is_empty() {
        let record = (|| {
            let blank = bytes.iter().position(|it| *it == b' ')?;
            let length: usize = std::str::from_utf8(&bytes[..blank]).ok()?.parse().ok()?;
            let record = bytes.get(blank + 1..length)?.strip_suffix(b"\n")?;
            let sign = record.iter().position(|it| *it == b'=')?;
            bytes = &bytes[length..];
            Some((text(&record[..sign]), text(&record[sign + 1..])))
        })();
        records.extend([record.ok_or_else(|| Unsound::damaged("a damaged extended header in an archive"))?]);
    }
    Ok(records)
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|it| *it == 0).next().unwrap_or_default()
}

/// Reads all of a file for its size and checksum, and gives back what is to be kept of it.
fn digest(reader: &mut impl Read, entry: &mut Entry, keep: bool) -> io::Result<Option<Vec<u8>>> {
    let (mut hash, mut size, mut kept) = (Sha256::new(), 0, Vec::new());
    let mut buffer = [0; 16 << 10];
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
        size += count as u64;
        if keep && size <= LONGEST_TEXT {
            kept.extend_from_slice(&buffer[..count]);
        }
    }
    entry.size = Some(size);
    entry.digest = Some(hex(&hash.finalize()));
    Ok((keep && size <= LONGEST_TEXT).then_some(kept))
}

/// Sizes and checksums of what an RPM's payload holds, by path without a leading `./`.
pub(crate) fn cpio(mut reader: impl Read, keeps: Keeps) -> Result<Files, Unsound> {
    const HEADER: usize = 110;
    let mut files = Files::default();
    loop {
        let mut header = [0; HEADER];
        reader.read_exact(&mut header)?;
        if !matches!(&header[..6], b"070701" | b"070702") {
            return Err(Unsound::damaged("a payload of an unknown kind"));
        }
        let field = |index: usize| {
            let digits = std::str::from_utf8(&header[6 + index * 8..14 + index * 8]).ok();
            digits
                .and_then(|it| u32::from_str_radix(it, 16).ok())
                .ok_or_else(|| Unsound::damaged("a damaged header in the payload"))
        };
        let (mode, size, name_size) = (field(1)?, u64::from(field(6)?), u64::from(field(11)?));
        if name_size > LONGEST_NAME {
            return Err(Unsound::damaged("an endless path in the payload"));
        }
        // Name and contents both end at a multiple of four.
        let padded = (HEADER as u64 + name_size).next_multiple_of(4) - HEADER as u64;
        let mut name = vec![0; usize::try_from(padded).unwrap_or(usize::MAX)];
        reader.read_exact(&mut name)?;
        let path = text(until_zero(&name));
        if path == "TRAILER!!!" {
            return Ok(files);
        }
        let path = path.strip_prefix('.').filter(|it| it.starts_with('/')).unwrap_or(&path).to_owned();
        let mut entry = Entry::default();
        let kept = digest(&mut reader.by_ref().take(size), &mut entry, mode >> 12 == 8 && keeps(&path))?;
        if entry.size != Some(size) {
            return Err(Unsound::damaged("the payload ends too early"));
        }
        let padding = size.next_multiple_of(4) - size;
        io::copy(&mut reader.by_ref().take(padding), &mut io::sink())?;
        files.add(path, entry, kept)?;
    }
}

/// Members of an `ar`, in their order.
pub(crate) fn ar(bytes: &[u8]) -> Result<Vec<(String, &[u8])>, Unsound> {
    const HEADER: usize = 60;
    let damaged = || Unsound::damaged("a damaged ar archive");
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

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
