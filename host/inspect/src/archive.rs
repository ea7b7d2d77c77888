//! The archives that packages are made of: tar and `ar`; see `cpio.rs` for that of RPMs.

use std::collections::BTreeMap;
use std::io::{self, Read};

use md5::Md5;
use opkg::digest::hex;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::decompress;
use crate::error::FormatError;
use crate::limits::{Budget, MAX_AR_MEMBERS, MAX_TEXT_BYTES};
use crate::package::{FileEntry, FileKind};
use crate::tar_entries::{TarEntry, walk_tar};

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
    walk_tar(reader, |entry, mut contents| {
        let TarEntry { path, kind, mode, owner, time, target, .. } = entry;
        let mut described = FileEntry { kind, mode, owner, time, target, ..FileEntry::default() };
        let kept = match kind {
            FileKind::File => hash_contents(&mut contents, &mut described, keeps(&path))?,
            _ => None,
        };
        files.add(path, described, kept, budget)
    })?;
    Ok(files)
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
