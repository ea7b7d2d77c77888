//! The archives that packages are made of: tar and `ar`; see `cpio.rs` for that of RPMs.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Take};
use std::ops::Range;

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
    mut stream: impl BufRead,
    keeps: KeepPredicate,
    budget: &Budget,
) -> Result<ArchiveFiles, FormatError> {
    if decompress::is_bzip2(stream.fill_buf()?) {
        return Err(FormatError::corrupt("it is compressed with bzip2, which is not read"));
    }
    read_tar(decompress::reader(stream, budget)?, keeps, budget)
}

/// Whether a stream begins with the header of an entry of a tar that POSIX or GNU describe.
pub(crate) fn begins_as_tar(reader: &mut impl Read) -> io::Result<bool> {
    const MAGIC: Range<usize> = 257..262;
    let mut start = Vec::new();
    reader.take(MAGIC.end as u64).read_to_end(&mut start)?;
    Ok(start.get(MAGIC) == Some(b"ustar"))
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

/// A member of an `ar`, and where its contents are.
pub(crate) struct ArMember {
    pub(crate) name: String,
    start: u64,
    size: u64,
}

impl ArMember {
    /// What it holds.
    pub(crate) fn open<'a, S: Read + Seek>(
        &self,
        archive: &'a mut BufReader<S>,
    ) -> io::Result<Take<&'a mut BufReader<S>>> {
        archive.seek(SeekFrom::Start(self.start))?;
        Ok(archive.take(self.size))
    }
}

/// Members of an `ar`, in their order.
pub(crate) fn list_ar(archive: &mut BufReader<impl Read + Seek>) -> Result<Vec<ArMember>, FormatError> {
    const MAGIC: &[u8] = b"!<arch>\n";
    const HEADER: u64 = 60;
    let damaged = || FormatError::corrupt("a damaged ar archive");
    let length = archive.seek(SeekFrom::End(0))?;
    archive.rewind()?;
    let mut magic = [0; MAGIC.len()];
    archive.read_exact(&mut magic).map_err(|_| damaged())?;
    if magic != MAGIC {
        return Err(damaged());
    }
    let mut position = MAGIC.len() as u64;
    let mut members = Vec::new();
    while position < length {
        archive.seek(SeekFrom::Start(position))?;
        let mut header = [0; HEADER as usize];
        archive.read_exact(&mut header).map_err(|_| damaged())?;
        let word = |range: Range<usize>| {
            std::str::from_utf8(&header[range]).map(str::trim_end).map_err(|_| damaged())
        };
        let size: u64 = word(48..58)?.parse().map_err(|_| damaged())?;
        let (start, name) = (position + HEADER, word(0..16)?.trim_end_matches('/').to_owned());
        if !header.ends_with(b"`\n") || size > length.saturating_sub(start) {
            return Err(damaged());
        }
        if members.len() >= MAX_AR_MEMBERS {
            return Err(FormatError::corrupt(format!("an ar archive of more than {MAX_AR_MEMBERS} members")));
        }
        members.push(ArMember { name, start, size });
        // An odd one is padded, except that the last may lack it.
        position = (start + size).next_multiple_of(2);
    }
    Ok(members)
}
