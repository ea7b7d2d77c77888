//! Compiled components, kept in the user's cache directory: `<key>.cwasm`, machine code, and `<key>.json`,
//! which notes its checksum and what the plugin said of itself.
//!
//! Machine code is run as it is, so it is taken only from files that belong to this user, in a directory that
//! nobody else may write to, and with the checksum that was noted. All trouble here ends in compiling again.

use std::fs::{self, DirBuilder, File};
use std::hash::{Hash, Hasher};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use wasmtime::Engine;

use crate::description::Description;
use crate::digest::hex;

/// Bytes of a file that is read at all. Machine code is some four times as large as its component.
const LARGEST: u64 = 256 << 20;

/// Names the compiled form of a component: by its checksum, and by everything of engine and processor that
/// decides whether machine code fits.
pub(crate) struct Key(String);

impl Key {
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
pub(crate) struct Record {
    /// Checksum of the machine code.
    sha256: String,
    /// What the plugin said of itself.
    pub(crate) description: Description,
}

/// The directory.
#[derive(Debug)]
pub(crate) struct Cache {
    directory: PathBuf,
}

/// Why the cache is of no use this time, for the log.
type Reason = String;

impl Cache {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// What was noted for a component; nothing if there is no note.
    ///
    /// # Errors
    /// When a note cannot be trusted or read.
    pub(crate) fn record(&self, key: &Key) -> Result<Option<Record>, Reason> {
        let path = self.path(key, "json");
        let Some(bytes) = self.read(&path)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// The machine code of a component, and what was noted of it; nothing if it is not there.
    ///
    /// # Errors
    /// When it cannot be trusted or read.
    pub(crate) fn load(&self, key: &Key) -> Result<Option<(Vec<u8>, Description)>, Reason> {
        let Some(record) = self.record(key)? else { return Ok(None) };
        let path = self.path(key, "cwasm");
        let Some(code) = self.read(&path)? else { return Ok(None) };
        if hex(&Sha256::digest(&code)) != record.sha256 {
            return Err(format!("{}: the checksum is not the one that was noted", path.display()));
        }
        Ok(Some((code, record.description)))
    }

    /// Keeps the machine code of a component.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn store(&self, key: &Key, code: &[u8], description: &Description) -> Result<(), Reason> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .map_err(|error| format!("{}: {error}", self.directory.display()))?;
        trusted(&self.directory, &fs::metadata(&self.directory).map_err(|error| error.to_string())?)?;
        let record = Record { sha256: hex(&Sha256::digest(code)), description: description.clone() };
        let record = serde_json::to_vec(&record).map_err(|error| error.to_string())?;
        // The note comes last: it is what makes the code valid.
        self.write(&self.path(key, "cwasm"), code)?;
        self.write(&self.path(key, "json"), &record)
    }

    fn path(&self, key: &Key, extension: &str) -> PathBuf {
        self.directory.join(format!("{}.{extension}", key.0))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Reason> {
        let mut file = NamedTempFile::new_in(&self.directory).map_err(|error| error.to_string())?;
        file.write_all(bytes).map_err(|error| error.to_string())?;
        file.persist(path).map_err(|error| error.to_string())?;
        Ok(())
    }

    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, Reason> {
        let complain = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        // What is behind a link may belong to anybody; opening a pipe could wait forever.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
            Err(error) => return Err(complain(&error)),
        };
        trusted(&self.directory, &fs::metadata(&self.directory).map_err(|error| complain(&error))?)?;
        let metadata = file.metadata().map_err(|error| complain(&error))?;
        trusted(path, &metadata)?;
        if !metadata.is_file() || metadata.len() > LARGEST {
            return Err(complain(&"not a file of reasonable size"));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
        file.take(LARGEST).read_to_end(&mut bytes).map_err(|error| complain(&error))?;
        Ok(Some(bytes))
    }
}

/// Whether only this user can have written it.
fn trusted(path: &Path, metadata: &fs::Metadata) -> Result<(), Reason> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(format!("{}: belongs to another user", path.display()));
    }
    if metadata.permissions().mode() & 0o022 != 0 {
        return Err(format!("{}: others may write to it", path.display()));
    }
    Ok(())
}
