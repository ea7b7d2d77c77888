//! The paths in a tar archive that anybody may have made.

use std::io::{self, Read};

use tar::EntryType;

/// Files of an archive.
const MAX_FILES: usize = 500_000;

/// Bytes of one path, and of all paths of an archive.
const MAX_PATH_BYTES: u64 = 64 << 10;
const MAX_ALL_PATHS_BYTES: usize = 64 << 20;

/// Why there are none.
#[derive(Debug)]
pub(super) enum TarPathError {
    /// It is cut off or damaged.
    Io(io::Error),
    /// They are more, or longer, than those of any package.
    TooMany,
}

impl From<io::Error> for TarPathError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Those of everything but directories, without `./` or `/` in front, in the order of the archive.
pub(super) fn read(archive: impl Read) -> Result<Vec<Box<[u8]>>, TarPathError> {
    let mut paths = Vec::new();
    let mut bytes = 0;
    let mut archive = tar::Archive::new(archive);
    // What stands before an entry whose header has no room for its path.
    let mut long = None;
    // The crate's own way would read a long path into memory whatever its length.
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        match entry.header().entry_type() {
            EntryType::GNULongName => {
                let text = read_limited(&mut entry)?;
                long = Some(text.split(|byte| *byte == 0).next().unwrap_or_default().to_vec());
            }
            EntryType::XHeader => long = pax_path(&read_limited(&mut entry)?).or(long),
            EntryType::GNULongLink | EntryType::XGlobalHeader => {}
            EntryType::Directory => long = None,
            _ => {
                let path = long.take().unwrap_or_else(|| entry.header().path_bytes().into_owned());
                let path = strip_root(&path);
                bytes += path.len();
                if paths.len() == MAX_FILES || bytes > MAX_ALL_PATHS_BYTES {
                    return Err(TarPathError::TooMany);
                }
                paths.push(path.into());
            }
        }
    }
    Ok(paths)
}

fn read_limited(entry: &mut impl Read) -> Result<Vec<u8>, TarPathError> {
    let mut bytes = Vec::new();
    entry.take(MAX_PATH_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_PATH_BYTES { Err(TarPathError::TooMany) } else { Ok(bytes) }
}

/// The path that an extended header gives: records of `length key=value`, each with a line feed behind it.
fn pax_path(mut records: &[u8]) -> Option<Vec<u8>> {
    let mut path = None;
    while !records.is_empty() {
        let blank = records.iter().position(|byte| *byte == b' ')?;
        let length: usize = std::str::from_utf8(&records[..blank]).ok()?.parse().ok()?;
        let record = records.get(blank + 1..length)?.strip_suffix(b"\n")?;
        if let Some(value) = record.strip_prefix(b"path=") {
            path = Some(value.to_vec());
        }
        records = &records[length..];
    }
    path
}

fn strip_root(mut path: &[u8]) -> &[u8] {
    while let Some(rest) = path.strip_prefix(b"./").or_else(|| path.strip_prefix(b"/")) {
        path = rest;
    }
    path
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn archive(entries: &[(&str, EntryType)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, kind) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_size(0);
            match kind {
                EntryType::Symlink => tar.append_link(&mut header, path, "target").unwrap(),
                _ => tar.append_data(&mut header, path, io::empty()).unwrap(),
            }
        }
        tar.into_inner().unwrap()
    }

    #[test]
    fn everything_but_directories_is_listed() {
        let long = format!("./usr/{}/file", "long/".repeat(60).trim_end_matches('/'));
        let found = read(&*archive(&[
            ("./", EntryType::Directory),
            ("./usr/", EntryType::Directory),
            ("./usr/file", EntryType::Regular),
            (&long, EntryType::Regular),
            ("./usr/link", EntryType::Symlink),
        ]))
        .unwrap();
        let found: Vec<&str> = found.iter().map(|path| std::str::from_utf8(path).unwrap()).collect();
        assert_eq!(found, ["usr/file", &long[2..], "usr/link"]);
    }

    #[test]
    fn a_path_of_an_extended_header_is_read() {
        assert_eq!(pax_path(b"12 path=a b\n20 mtime=1400000000\n"), Some(b"a b".to_vec()));
        assert_eq!(pax_path(b"20 mtime=1400000000\n"), None);
        assert_eq!(pax_path(b"99 path=a b\n"), None);
        assert_eq!(pax_path(b"0 path=a b\n"), None);
    }

    #[test]
    fn an_endless_path_is_refused() {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(EntryType::GNULongName);
        header.set_path("././@LongLink").unwrap();
        header.set_size(MAX_PATH_BYTES + 1);
        header.set_cksum();
        tar.append(&header, io::repeat(b'a').take(MAX_PATH_BYTES + 1)).unwrap();
        assert!(matches!(read(&*tar.into_inner().unwrap()), Err(TarPathError::TooMany)));
    }

    #[test]
    fn a_cut_off_archive_is_damaged() {
        let whole = archive(&[("./file", EntryType::Regular)]);
        assert!(matches!(read(&whole[..300]), Err(TarPathError::Io(_))));
    }
}
