//! The payload of an RPM: a cpio of the "new ASCII" kind, or the stripped one, which leaves names and sizes to the
//! header. RPM writes that for files of more than 4 GiB, and always in its format 6.

use std::io::{self, Read};

use crate::archive::{ArchiveFiles, KeepPredicate, hash_contents};
use crate::decompress::{drain, lossy_text};
use crate::error::FormatError;
use crate::limits::{Budget, MAX_NAME_BYTES};
use crate::package::FileEntry;
use crate::tar_entries::until_zero;

/// A file as the header lists it.
pub(crate) struct ListedFile {
    pub(crate) path: String,
    /// Bytes that the payload holds of it: none of a directory, or of any but the last of several hard links.
    pub(crate) payload_size: u64,
    pub(crate) is_regular: bool,
}

const MAGIC_BYTES: usize = 6;

/// Thirteen numbers of eight digits behind the magic number.
const FIELDS_BYTES: usize = 104;

/// Of a stripped entry: the number of the file, and two zero bytes.
const STRIPPED_FIELDS_BYTES: usize = 10;

/// Sizes and checksums of what the payload holds, by path without a leading `./`. `listed` are the header's files, in
/// its order.
pub(crate) fn read_cpio(
    reader: impl Read,
    listed: &[ListedFile],
    keeps: KeepPredicate,
    budget: &Budget,
) -> Result<ArchiveFiles, FormatError> {
    let mut files = ArchiveFiles::default();
    walk_cpio(reader, listed, |file, mut contents| {
        let mut entry = FileEntry::default();
        let keep = file.is_regular && keeps(&file.path);
        let kept = hash_contents(&mut contents, &mut entry, keep)?;
        if entry.size != Some(file.payload_size) {
            return Err(FormatError::corrupt("it ends too early"));
        }
        files.add(file.path, entry, kept, budget)
    })?;
    Ok(files)
}

/// Goes through a payload; each entry comes with what it holds, which may end too early. The stream is read to its end.
pub(crate) fn walk_cpio(
    mut reader: impl Read,
    listed: &[ListedFile],
    mut visit: impl FnMut(ListedFile, &mut dyn Read) -> Result<(), FormatError>,
) -> Result<(), FormatError> {
    loop {
        let mut magic = [0; MAGIC_BYTES];
        read_all(&mut reader, &mut magic)?;
        let Some(file) = (match &magic {
            b"070701" | b"070702" => read_header(&mut reader)?,
            b"07070X" => Some(read_stripped_header(&mut reader, listed)?),
            _ => return Err(FormatError::corrupt("it is no cpio archive of a kind that is known")),
        }) else {
            return Ok(drain(reader)?);
        };
        let size = file.payload_size;
        let mut contents = reader.by_ref().take(size);
        visit(file, &mut contents)?;
        let left = contents.limit();
        let padding = size.next_multiple_of(4) - size;
        io::copy(&mut reader.by_ref().take(left + padding), &mut io::sink())?;
    }
}

/// What is behind the magic number of an entry with a name; nothing for the entry that ends the archive.
fn read_header(reader: &mut impl Read) -> Result<Option<ListedFile>, FormatError> {
    let mut fields = [0; FIELDS_BYTES];
    read_all(reader, &mut fields)?;
    let field = |index: usize| parse_hex(&fields[index * 8..index * 8 + 8]);
    let (mode, size, name_size) = (field(1)?, u64::from(field(6)?), u64::from(field(11)?));
    if name_size > MAX_NAME_BYTES {
        return Err(FormatError::corrupt("it has an endless path"));
    }
    // Name and contents both end at a multiple of four.
    let header = (MAGIC_BYTES + FIELDS_BYTES) as u64;
    let padded = (header + name_size).next_multiple_of(4) - header;
    let mut name = vec![0; usize::try_from(padded).unwrap_or(usize::MAX)];
    read_all(reader, &mut name)?;
    let path = lossy_text(until_zero(&name));
    if path == "TRAILER!!!" {
        return Ok(None);
    }
    let path = path.strip_prefix('.').filter(|rest| rest.starts_with('/')).unwrap_or(&path).to_owned();
    Ok(Some(ListedFile { path, payload_size: size, is_regular: mode >> 12 == 8 }))
}

/// What is behind the magic number of an entry that only says which file of the header it is.
fn read_stripped_header(reader: &mut impl Read, listed: &[ListedFile]) -> Result<ListedFile, FormatError> {
    let mut fields = [0; STRIPPED_FIELDS_BYTES];
    read_all(reader, &mut fields)?;
    let index = parse_hex(&fields[..8])?;
    let file = usize::try_from(index).ok().and_then(|index| listed.get(index));
    let file = file.ok_or_else(|| {
        FormatError::corrupt(format!("it holds file {index}, which the header does not list"))
    })?;
    Ok(ListedFile { path: file.path.clone(), ..*file })
}

fn parse_hex(digits: &[u8]) -> Result<u32, FormatError> {
    let number = std::str::from_utf8(digits).ok().and_then(|text| u32::from_str_radix(text, 16).ok());
    number.ok_or_else(|| FormatError::corrupt("it has a damaged header"))
}

fn read_all(reader: &mut impl Read, buffer: &mut [u8]) -> Result<(), FormatError> {
    reader.read_exact(buffer).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => FormatError::corrupt("it ends too early"),
        _ => error.into(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn listed() -> Vec<ListedFile> {
        let file = |path: &str, payload_size, is_regular| ListedFile {
            path: path.to_owned(),
            payload_size,
            is_regular,
        };
        vec![file("/usr", 0, false), file("/usr/a", 5, true), file("/usr/b", 4, true)]
    }

    /// A stripped archive of these files, by number, with their contents.
    fn stripped(files: &[(u32, &str)]) -> Vec<u8> {
        let mut archive = Vec::new();
        for (index, contents) in files {
            archive.extend(format!("07070X{index:08x}\0\0{contents}").bytes());
            archive.resize(archive.len().next_multiple_of(4), 0);
        }
        archive.extend(b"070701");
        let fields = ["00000000"; 13].iter().enumerate();
        archive.extend(fields.flat_map(|(index, zero)| {
            if index == 11 { b"0000000b".to_vec() } else { zero.bytes().collect() }
        }));
        archive.extend(b"TRAILER!!!\0");
        archive.resize(archive.len().next_multiple_of(4), 0);
        archive
    }

    fn read(archive: &[u8]) -> Result<ArchiveFiles, FormatError> {
        read_cpio(archive, &listed(), |path| path == "/usr/b", &Budget::new())
    }

    #[test]
    fn names_and_sizes_are_the_headers() {
        let found = read(&stripped(&[(0, ""), (2, "four"), (1, "fives")])).unwrap();
        let sizes: Vec<_> = found.entries.iter().map(|(path, entry)| (path.as_str(), entry.size)).collect();
        assert_eq!(sizes, [("/usr", Some(0)), ("/usr/a", Some(5)), ("/usr/b", Some(4))]);
        assert_eq!(found.contents["/usr/b"], b"four");
    }

    #[test]
    fn what_is_damaged_is_told() {
        let error = |archive: &[u8]| read(archive).err().unwrap().to_string();
        assert_eq!(error(&stripped(&[(3, "")])), "it holds file 3, which the header does not list");
        assert_eq!(error(&stripped(&[(0, ""), (0, "")])), "\"/usr\" stands twice in an archive");
        assert_eq!(error(&stripped(&[(1, "fives")])[..18]), "it ends too early");
        assert_eq!(error(b"07070X000"), "it ends too early");
        assert_eq!(error(b"07070Xxxxxxxxx\0\0"), "it has a damaged header");
        assert_eq!(error(b"070707"), "it is no cpio archive of a kind that is known");
    }
}
