//! Compiled components, kept in the user's cache directory: `<key>.cwasm`, machine code, and `<key>.json`,
//! which notes its checksum and what the plugin said of itself.
//!
//! Machine code is run as it is, so it is taken only from files that belong to this user, in a directory that
//! nobody else may write to, and with the checksum that was noted. Whatever fails here, the component is compiled again.

use std::fs::{self, DirBuilder, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wasmtime::Engine;

use crate::plugin_description::PluginDescription;
use opkg::digest::hex;

/// How the names of files begin while they are written.
const TEMP_PREFIX: &str = ".new-";

/// Bytes of a file that is read at all. Machine code is some four times as large as its component.
pub(crate) const MAX_FILE_BYTES: u64 = 256 << 20;

/// Files that are kept: two for each compiled plugin.
const MAX_FILES: usize = 128;

/// Bytes of all files that are kept.
const MAX_TOTAL_BYTES: u64 = 1 << 30;

/// Names the compiled form of a component: by its checksum, and by everything of engine and processor that
/// decides whether machine code fits.
pub(crate) struct CacheKey(String);

impl CacheKey {
    pub(crate) fn new(engine: &Engine, sha256: &str) -> Self {
        let mut hasher = Sha256Hasher(Sha256::new());
        sha256.hash(&mut hasher);
        engine.precompile_compatibility_hash().hash(&mut hasher);
        // What a description may hold can change between releases of this program.
        env!("CARGO_PKG_VERSION").hash(&mut hasher);
        Self(hex(&hasher.0.finalize()))
    }
}

/// Feeds what is hashed to SHA-256, since the hashers of the standard library differ between its releases.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.clone().finalize().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }
}

/// What is noted beside the machine code.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CacheRecord {
    /// Checksum of the machine code.
    sha256: String,
    /// What the plugin said of itself.
    pub(crate) description: PluginDescription,
}

/// Why the cache is of no use this time, for the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CacheError {
    #[error("{}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Write(#[from] io::Error),
    #[error(transparent)]
    Persist(#[from] tempfile::PersistError),
    #[error("{}: {source}", .path.display())]
    InvalidRecord { path: PathBuf, source: serde_json::Error },
    #[error(transparent)]
    Serialize(serde_json::Error),
    #[error("{}: the checksum is not the one that was noted", .0.display())]
    ChecksumMismatch(PathBuf),
    #[error("{}: not a file of reasonable size", .0.display())]
    NotReadable(PathBuf),
    #[error("{}: belongs to another user", .0.display())]
    ForeignOwner(PathBuf),
    #[error("{}: others may write to it", .0.display())]
    WritableByOthers(PathBuf),
}

/// The directory of compiled components.
#[derive(Debug)]
pub(crate) struct Cache {
    directory: PathBuf,
}

impl Cache {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// What was noted for a component; nothing if there is no note.
    ///
    /// # Errors
    /// When a note cannot be trusted or read.
    pub(crate) fn read_record(&self, key: &CacheKey) -> Result<Option<CacheRecord>, CacheError> {
        let path = self.entry_path(key, "json");
        let Some(bytes) = self.read(&path)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|source| CacheError::InvalidRecord { path, source })
    }

    /// The machine code of a component, and what was noted of it; nothing if it is not there.
    ///
    /// # Errors
    /// When it cannot be trusted or read.
    pub(crate) fn load(&self, key: &CacheKey) -> Result<Option<(Vec<u8>, PluginDescription)>, CacheError> {
        let Some(record) = self.read_record(key)? else { return Ok(None) };
        let path = self.entry_path(key, "cwasm");
        let Some(code) = self.read(&path)? else { return Ok(None) };
        if hex(&Sha256::digest(&code)) != record.sha256 {
            return Err(CacheError::ChecksumMismatch(path));
        }
        Ok(Some((code, record.description)))
    }

    /// Keeps the machine code of a component.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn store(
        &self,
        key: &CacheKey,
        code: &[u8],
        description: &PluginDescription,
    ) -> Result<(), CacheError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .map_err(|source| CacheError::Io { path: self.directory.clone(), source })?;
        check_ownership(&self.directory, &fs::metadata(&self.directory)?)?;
        let record = CacheRecord { sha256: hex(&Sha256::digest(code)), description: description.clone() };
        let record = serde_json::to_vec(&record).map_err(CacheError::Serialize)?;
        // The note comes last: it is what makes the code valid.
        self.write(&self.entry_path(key, "cwasm"), code)?;
        self.write(&self.entry_path(key, "json"), &record)?;
        self.prune();
        Ok(())
    }

    /// Removes the oldest entries beyond the limits: those of former releases of plugins and of this program are
    /// never asked for again.
    fn prune(&self) {
        let Ok(files) = fs::read_dir(&self.directory) else { return };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = files
            .filter_map(|file| {
                let file = file.ok()?;
                let metadata = file.metadata().ok()?;
                Some((metadata.modified().ok()?, metadata.len(), file.path()))
            })
            .filter(|(.., path)| is_cache_file(path))
            .collect();
        files.sort_by(|a, b| b.cmp(a));
        let mut size = 0;
        for (index, (_, length, path)) in files.into_iter().enumerate() {
            size += length;
            if index >= MAX_FILES || size > MAX_TOTAL_BYTES {
                // One that stays is tried again next time.
                let _ = fs::remove_file(path);
            }
        }
    }

    fn entry_path(&self, key: &CacheKey, extension: &str) -> PathBuf {
        self.directory.join(format!("{}.{extension}", key.0))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), CacheError> {
        let mut file = tempfile::Builder::new().prefix(TEMP_PREFIX).tempfile_in(&self.directory)?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    }

    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, CacheError> {
        let io_error = |source: io::Error| CacheError::Io { path: path.to_owned(), source };
        // What is behind a link may belong to anybody; opening a pipe could wait forever.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
            Err(errno) => return Err(io_error(errno.into())),
        };
        check_ownership(&self.directory, &fs::metadata(&self.directory).map_err(io_error)?)?;
        let metadata = file.metadata().map_err(io_error)?;
        check_ownership(path, &metadata)?;
        if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
            return Err(CacheError::NotReadable(path.to_owned()));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
        file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(io_error)?;
        Ok(Some(bytes))
    }
}

/// Whether this module may have written it.
fn is_cache_file(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let (stem, extension) = name.split_once('.').unwrap_or_default();
    // The last are what a process that was killed left.
    matches!(extension, "cwasm" | "json") && stem.len() == 64 || name.starts_with(TEMP_PREFIX)
}

/// Whether only this user can have written it.
fn check_ownership(path: &Path, metadata: &fs::Metadata) -> Result<(), CacheError> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(CacheError::ForeignOwner(path.to_owned()));
    }
    if metadata.permissions().mode() & 0o022 != 0 {
        return Err(CacheError::WritableByOthers(path.to_owned()));
    }
    Ok(())
}
