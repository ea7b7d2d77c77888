//! What stands in a tar, entry by entry, with the long names of all dialects.

use std::collections::BTreeMap;
use std::io::{self, Read};

use tar::EntryType;

use crate::decompress::{lossy_text, read_limited};
use crate::error::FormatError;
use crate::limits::MAX_NAME_BYTES;
use crate::package::FileKind;

/// An entry of a tar, before its contents.
pub(crate) struct TarEntry {
    /// Without a leading `./` or trailing `/`. What is not UTF-8 has `\xNN` in place of the wrong bytes.
    pub(crate) path: String,
    pub(crate) kind: FileKind,
    /// Permission bits, special ones included.
    pub(crate) mode: u32,
    /// `user:group`.
    pub(crate) owner: String,
    /// Seconds since 1970.
    pub(crate) time: Option<u64>,
    /// Where a link points.
    pub(crate) target: Option<String>,
    /// Why what follows is not what the file holds, where it is not: a form of sparse files that is not read, say.
    pub(crate) unreadable: Option<&'static str>,
}

/// What precedes an entry because its header has no room for it.
#[derive(Default)]
struct Extension {
    path: Option<String>,
    target: Option<String>,
    size: Option<String>,
    is_sparse: bool,
}

/// Goes through a tar; each entry comes with what it holds.
pub(crate) fn walk_tar(
    reader: impl Read,
    mut visit: impl FnMut(TarEntry, &mut dyn Read) -> Result<(), FormatError>,
) -> Result<(), FormatError> {
    let mut archive = tar::Archive::new(reader);
    let mut extension = Extension::default();
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        let header = entry.header();
        let kind = header.entry_type();
        match kind {
            EntryType::GNULongName | EntryType::GNULongLink | EntryType::XHeader => {
                let bytes = read_limited(&mut entry, MAX_NAME_BYTES)?
                    .ok_or_else(|| FormatError::corrupt("an endless path in an archive"))?;
                extension.read(kind, &bytes)?;
                continue;
            }
            EntryType::XGlobalHeader => continue,
            _ => {}
        }
        let Extension { path, target, size, is_sparse } = std::mem::take(&mut extension);
        let path = path.unwrap_or_else(|| lossy_text(&header.path_bytes()));
        let kind = match kind {
            EntryType::Directory => FileKind::Directory,
            EntryType::Symlink => FileKind::Link,
            EntryType::Link => FileKind::HardLink,
            EntryType::Char | EntryType::Block | EntryType::Fifo => FileKind::Special,
            _ => FileKind::File,
        };
        let unreadable = match header.entry_type() {
            EntryType::GNUSparse => Some("it is sparse"),
            _ if is_sparse => Some("it is sparse"),
            _ if size.is_some_and(|size| header.entry_size().is_ok_and(|own| size != own.to_string())) => {
                Some("its size is told twice, and differs")
            }
            _ => None,
        };
        let name = |name: Option<&[u8]>, id: io::Result<u64>| match name {
            Some(name) if !name.is_empty() => lossy_text(name),
            _ => id.map_or_else(|_| "?".to_owned(), |id| id.to_string()),
        };
        let owner =
            [name(header.username_bytes(), header.uid()), name(header.groupname_bytes(), header.gid())];
        let short = || header.link_name_bytes().map(|it| lossy_text(&it)).unwrap_or_default();
        let is_link = matches!(kind, FileKind::Link | FileKind::HardLink);
        let described = TarEntry {
            path: path.trim_start_matches("./").trim_end_matches('/').to_owned(),
            kind,
            mode: header.mode()? & 0o7777,
            owner: owner.join(":"),
            time: header.mtime().ok(),
            target: is_link.then(|| target.unwrap_or_else(short)),
            unreadable,
        };
        visit(described, &mut entry)?;
    }
    Ok(())
}

impl Extension {
    fn read(&mut self, kind: EntryType, bytes: &[u8]) -> Result<(), FormatError> {
        match kind {
            EntryType::GNULongName => self.path = Some(lossy_text(until_zero(bytes))),
            EntryType::GNULongLink => self.target = Some(lossy_text(until_zero(bytes))),
            _ => {
                let mut records = parse_pax_records(bytes)?;
                self.path = records.remove("path").or(self.path.take());
                self.target = records.remove("linkpath").or(self.target.take());
                self.size = records.remove("size").or(self.size.take());
                self.is_sparse |= records.keys().any(|key| key.starts_with("GNU.sparse."));
            }
        }
        Ok(())
    }
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
