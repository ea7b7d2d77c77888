//! Compiled components, kept in the user's cache directory and in that of the system: `<key>.cwasm`, machine code, and
//! `<key>.json`, which notes its checksum and what the plugin said of itself.
//!
//! Machine code is run as it is, so it is taken only from files that belong to this user, or to root in the directory of
//! the system, in a directory that nobody else may write to, and with the checksum that was noted. Whatever fails here,
//! the component is compiled again.

use std::fs::{self, DirBuilder, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::engine::WasmEngine;
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
    pub(crate) fn new(engine: &WasmEngine, sha256: &str) -> Self {
        let mut hasher = Sha256Hasher(Sha256::new());
        sha256.hash(&mut hasher);
        engine.strategy().name().hash(&mut hasher);
        engine.engine().precompile_compatibility_hash().hash(&mut hasher);
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
    /// Bytes of the machine code.
    size: u64,
    /// CRC-32 of the machine code. It tells what a disk or a loss of power did to the file. Against people no checksum helps,
    /// since whoever can change the file can change this note as well: for them there are owners and modes. A cryptographic
    /// one takes most of a run on processors without instructions for it.
    crc32: u32,
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

/// A directory of compiled components.
#[derive(Debug)]
pub(crate) struct Cache {
    directory: PathBuf,
    owner: CacheOwner,
}

/// Who writes a cache, and so whose files are trusted there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CacheOwner {
    /// Who runs this program; nobody else reads it.
    User,
    /// Root, for everybody.
    System,
}

impl CacheOwner {
    fn uid(self) -> u32 {
        match self {
            Self::User => rustix::process::geteuid().as_raw(),
            Self::System => 0,
        }
    }

    /// Modes of the directory and of files.
    const fn modes(self) -> (u32, u32) {
        match self {
            Self::User => (0o700, 0o600),
            Self::System => (0o755, 0o644),
        }
    }
}

/// The machine code of a component, checked.
#[derive(Debug)]
pub(crate) struct CachedCode {
    /// The very file that was checked, whatever became of its name.
    pub(crate) file: File,
    /// What the plugin said of itself.
    pub(crate) description: PluginDescription,
}

impl Cache {
    pub(crate) fn new(directory: PathBuf, owner: CacheOwner) -> Self {
        Self { directory, owner }
    }

    /// What was noted for a component; nothing if there is no note.
    ///
    /// # Errors
    /// When a note cannot be trusted or read.
    pub(crate) fn read_record(&self, key: &CacheKey) -> Result<Option<CacheRecord>, CacheError> {
        let path = self.entry_path(key, "json");
        let Some(file) = self.open(&path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let read = file.take(MAX_FILE_BYTES).read_to_end(&mut bytes);
        read.map_err(|source| CacheError::Io { path: path.clone(), source })?;
        serde_json::from_slice(&bytes).map(Some).map_err(|source| CacheError::InvalidRecord { path, source })
    }

    /// The machine code of a component, and what was noted of it; nothing if it is not there.
    ///
    /// # Errors
    /// When it cannot be trusted or read.
    pub(crate) fn load(&self, key: &CacheKey) -> Result<Option<CachedCode>, CacheError> {
        let Some(record) = self.read_record(key)? else { return Ok(None) };
        let path = self.entry_path(key, "cwasm");
        let Some(file) = self.open(&path)? else { return Ok(None) };
        let (size, crc32) =
            checksum(&file).map_err(|source| CacheError::Io { path: path.clone(), source })?;
        if (size, crc32) != (record.size, record.crc32) {
            return Err(CacheError::ChecksumMismatch(path));
        }
        Ok(Some(CachedCode { file, description: record.description }))
    }

    /// Creates the directory, if it is not there yet.
    ///
    /// # Errors
    /// When it cannot be created, or what is there cannot be trusted.
    pub(crate) fn create_directory(&self) -> Result<(), CacheError> {
        DirBuilder::new()
            .recursive(true)
            .mode(self.owner.modes().0)
            .create(&self.directory)
            .map_err(|source| CacheError::Io { path: self.directory.clone(), source })?;
        self.check_ownership(&self.directory, &fs::metadata(&self.directory)?)
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
        self.create_directory()?;
        let record = CacheRecord {
            size: code.len() as u64,
            crc32: crc32fast::hash(code),
            description: description.clone(),
        };
        let record = serde_json::to_vec(&record).map_err(CacheError::Serialize)?;
        // The note comes last: it is what makes the code valid.
        self.write(&self.entry_path(key, "cwasm"), code)?;
        self.write(&self.entry_path(key, "json"), &record)?;
        self.prune();
        Ok(())
    }

    /// Removes every entry but these: those of former releases of plugins and of this program.
    pub(crate) fn retain(&self, keys: &[CacheKey]) {
        let Ok(files) = fs::read_dir(&self.directory) else { return };
        let kept = |path: &Path| {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            keys.iter().any(|key| stem == Some(&key.0))
        };
        for path in files.filter_map(|file| Some(file.ok()?.path())) {
            if is_cache_file(&path) && !kept(&path) {
                // One that stays is tried again next time.
                let _ = fs::remove_file(path);
            }
        }
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
        let mode = fs::Permissions::from_mode(self.owner.modes().1);
        let mut file = tempfile::Builder::new().prefix(TEMP_PREFIX).tempfile_in(&self.directory)?;
        file.write_all(bytes)?;
        // Whatever the umask is.
        file.as_file().set_permissions(mode)?;
        file.persist(path)?;
        Ok(())
    }

    /// A file that only the owner of this cache can have written; nothing if it is not there.
    fn open(&self, path: &Path) -> Result<Option<File>, CacheError> {
        let io_error = |source: io::Error| CacheError::Io { path: path.to_owned(), source };
        // What is behind a link may belong to anybody; opening a pipe could wait forever.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
            Err(errno) => return Err(io_error(errno.into())),
        };
        self.check_ownership(&self.directory, &fs::metadata(&self.directory).map_err(io_error)?)?;
        let metadata = file.metadata().map_err(io_error)?;
        self.check_ownership(path, &metadata)?;
        if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
            return Err(CacheError::NotReadable(path.to_owned()));
        }
        Ok(Some(file))
    }

    /// Whether only the owner of this cache can have written it.
    fn check_ownership(&self, path: &Path, metadata: &fs::Metadata) -> Result<(), CacheError> {
        if metadata.uid() != self.owner.uid() {
            return Err(CacheError::ForeignOwner(path.to_owned()));
        }
        if metadata.permissions().mode() & 0o022 != 0 {
            return Err(CacheError::WritableByOthers(path.to_owned()));
        }
        Ok(())
    }
}

/// Bytes of a file, and their CRC-32, from its beginning.
fn checksum(file: &File) -> io::Result<(u64, u32)> {
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 128 << 10];
    let mut size = 0;
    loop {
        match file.read_at(&mut buffer, size) {
            Ok(0) => return Ok((size, hasher.finalize())),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                size += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether this module may have written it.
fn is_cache_file(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let (stem, extension) = name.split_once('.').unwrap_or_default();
    // The last are what a process that was killed left.
    matches!(extension, "cwasm" | "json") && stem.len() == 64 || name.starts_with(TEMP_PREFIX)
}
