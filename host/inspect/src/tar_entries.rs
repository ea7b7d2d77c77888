//! What stands in a tar, in the words that people read.

use std::io::Read;

use opkg_package::tar_reader::{self, TarKind};

use crate::decompress::{drain, lossy_text};
use crate::error::FormatError;
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
    /// Whether path and target are what the archive has, since they are UTF-8.
    pub(crate) is_utf8: [bool; 2],
    /// Why what follows is not what the file holds, where it is not.
    pub(crate) unreadable: Option<&'static str>,
}

/// Goes through a tar; each entry comes with what it holds. The stream is read to its end.
pub(crate) fn walk_tar(
    mut reader: impl Read,
    mut visit: impl FnMut(TarEntry, &mut dyn Read) -> Result<(), FormatError>,
) -> Result<(), FormatError> {
    tar_reader::walk(&mut reader, |entry, contents| {
        let is_utf8 = |name: &[u8]| std::str::from_utf8(name).is_ok();
        let described = TarEntry {
            path: lossy_text(&entry.path).trim_start_matches("./").trim_end_matches('/').to_owned(),
            kind: match entry.kind {
                TarKind::File => FileKind::File,
                TarKind::Directory => FileKind::Directory,
                TarKind::Link => FileKind::Link,
                TarKind::HardLink => FileKind::HardLink,
                TarKind::Special => FileKind::Special,
            },
            mode: entry.mode.ok_or_else(|| FormatError::corrupt("a mode in an archive that is no number"))?,
            owner: entry.owner.map(|name| lossy_text(&name)).join(":"),
            time: entry.time,
            is_utf8: [is_utf8(&entry.path), entry.target.as_deref().is_none_or(is_utf8)],
            target: entry.target.map(|it| lossy_text(&it)),
            unreadable: entry.unreadable,
        };
        visit(described, contents)
    })?;
    Ok(drain(reader)?)
}

pub(crate) fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|it| *it == 0).next().unwrap_or_default()
}
