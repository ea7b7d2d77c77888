//! `payload.lock`: what the sources of an OPKG's payloads have to be.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use fs_err as fs;
use opkg::digest::hex;
use opkg::model::PayloadDigest;
use opkg::{LOCK_FILE, SourceDir, regular_file, toml_string};
use serde::Deserialize;

/// Bytes of the file that are read.
const MAX_LOCK_BYTES: u64 = 1 << 20;

/// Of the form of the file.
const VERSION: u32 = 1;

const HEAD: &str = "# Sizes and checksums of what config.xml takes payloads from. `opkgc payload lock` writes this file;\n\
                    # it belongs to the OPKG, and under version control.\n";

/// What sources have to be, by what `config.xml` calls them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock(BTreeMap<String, PayloadDigest>);

/// A source as it was locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedSource {
    /// As `config.xml` has it.
    pub source: String,
    /// What it has to be.
    pub digest: PayloadDigest,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// It is no regular file that can be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// There is something else in it.
    #[error("{0}")]
    Malformed(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LockToml {
    version: u32,
    #[serde(default)]
    payload: Vec<PayloadToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayloadToml {
    source: String,
    size: u64,
    sha256: String,
}

impl Lock {
    /// That of an OPKG; nothing where it has none.
    ///
    /// # Errors
    /// When the file is there and cannot be used.
    pub fn read(directory: &Path) -> Result<Option<Self>, LockError> {
        let file = match SourceDir::open(directory)?.open_file(LOCK_FILE) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Self::parse(&regular_file::read_text(file, MAX_LOCK_BYTES)?).map(Some)
    }

    fn parse(text: &str) -> Result<Self, LockError> {
        let malformed = |reason: String| LockError::Malformed(reason);
        let read: LockToml = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            malformed(format!("line {line}: {}", error.message()))
        })?;
        if read.version != VERSION {
            return Err(malformed(format!("it has version {}, and {VERSION} is known", read.version)));
        }
        let mut lock = Self::default();
        for PayloadToml { source, size, sha256 } in read.payload {
            let sha256 = parse_hex(&sha256)
                .ok_or_else(|| malformed(format!("{sha256:?} is no SHA-256 in hexadecimal")))?;
            if lock.0.insert(source.clone(), PayloadDigest { size, sha256 }).is_some() {
                return Err(malformed(format!("{source:?} is in it twice")));
            }
        }
        Ok(lock)
    }

    /// What a source has to be.
    #[must_use]
    pub fn get(&self, source: &str) -> Option<PayloadDigest> {
        self.0.get(source).copied()
    }

    /// Notes what a source is.
    pub fn insert(&mut self, LockedSource { source, digest }: LockedSource) {
        self.0.insert(source, digest);
    }

    /// All that is noted, by name.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Puts it into an OPKG; a file that is there already is replaced as a whole.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        io::Write::write_all(&mut file, self.to_string().as_bytes())?;
        file.as_file().sync_all()?;
        let path = directory.join(LOCK_FILE);
        let mode = fs::metadata(&path).map_or(0o644, |found| {
            use std::os::unix::fs::PermissionsExt;
            found.permissions().mode() & 0o777
        });
        set_mode(file.as_file(), mode)?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    }
}

pub(crate) fn set_mode(file: &std::fs::File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

impl std::fmt::Display for Lock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{HEAD}version = {VERSION}")?;
        for (source, PayloadDigest { size, sha256 }) in &self.0 {
            let sha256 = hex(sha256);
            write!(
                f,
                "\n[[payload]]\nsource = {}\nsize = {size}\nsha256 = \"{sha256}\"\n",
                toml_string(source)
            )?;
        }
        Ok(())
    }
}

fn parse_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let error = |text: &str| Lock::parse(text).unwrap_err().to_string();
        let digest = "0".repeat(64);
        assert_eq!(error("version = 2\n"), "it has version 2, and 1 is known");
        assert!(error("version = 1\n\n[[payload]]\nsource = 1\n").starts_with("line 4: "));
        let entry = |source: &str, digest: &str| {
            format!("[[payload]]\nsource = \"{source}\"\nsize = 1\nsha256 = \"{digest}\"\n")
        };
        let twice = format!("version = 1\n{}{}", entry("a", &digest), entry("a", &digest));
        assert_eq!(error(&twice), "\"a\" is in it twice");
        let short = format!("version = 1\n{}", entry("a", "00"));
        assert_eq!(error(&short), "\"00\" is no SHA-256 in hexadecimal");
        let upper = format!("version = 1\n{}", entry("a", &"A".repeat(64)));
        assert!(error(&upper).contains("is no SHA-256"));
        assert!(error("version = 1\nx = 1\n").starts_with("line 2: "));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(entries in prop::collection::btree_map(".{1,40}", (any::<u64>(), any::<[u8; 32]>()), 0..5)) {
            // TOML has numbers of 63 bits, far beyond the size of any source.
            let entries: BTreeMap<_, _> = entries
                .into_iter()
                .map(|(source, (size, sha256))| (source, PayloadDigest { size: size >> 1, sha256 }))
                .collect();
            let lock = Lock(entries);
            prop_assert_eq!(Lock::parse(&lock.to_string()).unwrap(), lock);
        }
    }
}
