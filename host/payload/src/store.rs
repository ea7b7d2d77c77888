//! Where sources are that have been fetched.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg::digest::hex;
use opkg::model::{Payload, PayloadDigest};
use opkg::{PAYLOAD_DIRECTORY, SourceDir, regular_file};

use crate::digest;
use crate::lock_file::set_mode;

/// The directory of a cache in which files are called by their SHA-256.
const BY_SHA256: &str = "sha256";

/// Directories in which sources are looked for, and the one that fetched ones go into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PayloadStore {
    /// Of a site: files are called as at the end of their addresses, or as in the cache.
    pub directories: Vec<PathBuf>,
    /// Of the user: `sha256/HEX`.
    pub cache: Option<PathBuf>,
}

/// Where a source was looked for in vain.
#[derive(Debug, Default)]
pub(crate) struct Missed {
    /// A file of the right name, and what is wrong with it.
    pub(crate) unsuitable: Option<(PathBuf, String)>,
}

impl PayloadStore {
    /// The directories of a site, and the user's cache: `$XDG_CACHE_HOME/opkg/payloads`, or that in `~/.cache`.
    #[must_use]
    pub fn from_env(directories: Vec<PathBuf>) -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
        let base = set("XDG_CACHE_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| Some(set("HOME")?.join(".cache")));
        Self { directories, cache: base.map(|base| base.join("opkg/payloads")) }
    }

    /// The source of a payload, checked, at its beginning: from the OPKG itself, the directories of the site, the cache.
    pub(crate) fn open(
        &self,
        opkg: &Path,
        payload: &Payload,
        expected: PayloadDigest,
    ) -> Result<File, Missed> {
        let mut missed = Missed::default();
        let name = hex(&expected.sha256);
        let inside = match payload.is_inside {
            true => vec![payload.source.clone()],
            false => vec![
                format!("{PAYLOAD_DIRECTORY}/{BY_SHA256}/{name}"),
                format!("{PAYLOAD_DIRECTORY}/{}", payload.file_name()),
            ],
        };
        for path in inside {
            let opened = SourceDir::open(opkg).and_then(|source| source.open_file(&path));
            if let Some(file) = missed.check(opkg.join(path), opened, expected) {
                return Ok(file);
            }
        }
        if payload.is_inside {
            return Err(missed);
        }
        let sites = self.directories.iter().flat_map(|directory| {
            [directory.join(BY_SHA256).join(&name), directory.join(payload.file_name())]
        });
        for path in sites.chain(self.cache.iter().map(|cache| cache.join(BY_SHA256).join(&name))) {
            let opened = regular_file::open(&path);
            if let Some(file) = missed.check(path, opened, expected) {
                return Ok(file);
            }
        }
        Err(missed)
    }

    /// Where a source goes that has been fetched, by its checksum.
    pub(crate) fn cache_path(cache: &Path, digest: PayloadDigest) -> PathBuf {
        Self::by_checksum(cache).join(hex(&digest.sha256))
    }

    /// The directory below a cache in which files are called by their checksums.
    pub(crate) fn by_checksum(cache: &Path) -> PathBuf {
        cache.join(BY_SHA256)
    }
}

impl Missed {
    fn check(&mut self, path: PathBuf, opened: io::Result<File>, expected: PayloadDigest) -> Option<File> {
        let problem = match opened.and_then(|mut file| Ok((digest::of_file(&mut file)?, file))) {
            Ok((Some(found), file)) if found == expected => return Some(file),
            Ok((Some(found), _)) if found.size != expected.size => {
                format!("it has {} bytes, not {}", found.size, expected.size)
            }
            Ok((Some(found), _)) => format!("its SHA-256 is {}", hex(&found.sha256)),
            Ok((None, _)) => format!("it is larger than {} GiB", digest::MAX_SOURCE_BYTES >> 30),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => error.to_string(),
        };
        self.unsuitable.get_or_insert((path, problem));
        None
    }
}

/// Puts what `write` writes into a directory, under a name that may depend on what it was; a file that is there is replaced
/// as a whole. Returns where it is.
pub(crate) fn put<E: From<io::Error>>(
    directory: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    place: impl FnOnce(PayloadDigest) -> Result<PathBuf, E>,
) -> Result<(PathBuf, PayloadDigest), E> {
    fs::create_dir_all(directory)?;
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(directory).map_err(E::from)?;
    write(&mut file)?;
    let digest = digest::of_file(file.as_file_mut())?.ok_or_else(|| {
        E::from(io::Error::other(format!("it is larger than {} GiB", digest::MAX_SOURCE_BYTES >> 30)))
    })?;
    set_mode(file.as_file(), 0o644)?;
    file.as_file().sync_all()?;
    let path = place(digest)?;
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    file.persist(&path).map_err(|error| E::from(error.error))?;
    Ok((path, digest))
}

/// Copies a file, of which there may be [`digest::MAX_SOURCE_BYTES`].
pub(crate) fn copy_limited(from: &mut File, to: &mut dyn Write) -> io::Result<()> {
    let copied = io::copy(&mut from.take(digest::MAX_SOURCE_BYTES + 1), to)?;
    if copied > digest::MAX_SOURCE_BYTES {
        return Err(io::Error::other(format!("it is larger than {} GiB", digest::MAX_SOURCE_BYTES >> 30)));
    }
    Ok(())
}
