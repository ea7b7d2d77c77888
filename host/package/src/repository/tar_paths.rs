//! The paths in a tar archive that anybody may have made.

use std::io::{self, Read};

use crate::tar_reader::{self, TarKind, TarReadError};

/// Files of an archive.
pub(super) const MAX_FILES: usize = 500_000;

/// Bytes of all paths of an archive.
pub(super) const MAX_ALL_PATHS_BYTES: usize = 64 << 20;

/// Why there are none.
#[derive(Debug)]
pub(super) enum TarPathError {
    /// It is cut off or damaged.
    Io(io::Error),
    /// They are more, or longer, than those of any package.
    TooMany,
}

impl From<TarReadError> for TarPathError {
    fn from(error: TarReadError) -> Self {
        match error {
            TarReadError::Io(error) => Self::Io(error),
            TarReadError::EndlessPath => Self::TooMany,
            damaged @ TarReadError::DamagedHeader => Self::Io(io::Error::other(damaged)),
        }
    }
}

/// Those of everything but directories, without `./` or `/` in front, in the order of the archive, which is read to its end:
/// the checksum of what it is compressed with is compared there.
pub(super) fn read(mut archive: impl Read) -> Result<Vec<Box<[u8]>>, TarPathError> {
    let mut paths: Vec<Box<[u8]>> = Vec::new();
    let mut bytes = 0;
    tar_reader::walk(&mut archive, |entry, _| {
        if entry.kind == TarKind::Directory {
            return Ok(());
        }
        let path = strip_root(&entry.path);
        bytes += path.len();
        if paths.len() == MAX_FILES || bytes > MAX_ALL_PATHS_BYTES {
            return Err(TarPathError::TooMany);
        }
        paths.push(path.into());
        Ok(())
    })?;
    io::copy(&mut archive, &mut io::sink()).map_err(TarPathError::Io)?;
    Ok(paths)
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
    use tar::EntryType;

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
}
