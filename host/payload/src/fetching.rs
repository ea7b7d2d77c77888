//! Notes what sources are, and brings them to where builds look for them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg::digest::hex;
use opkg::model::{Payload, PayloadDigest, PayloadForm};
use opkg::{SourceDir, escape_for_display, regular_file};
use opkg_fetch::{FetchError, Fetcher};
use opkg_inspect::ContentsError;

use crate::digest::{self, MAX_SOURCE_BYTES};
use crate::lock_file::{Lock, LockError, LockedSource};
use crate::source_entries::SourceReader;
use crate::store::{PayloadStore, copy_limited, put};

/// What addresses of files begin with.
const FILE_SCHEME: &str = "file://";

/// Told how many bytes there are so far of a source, and how many there will be.
pub type Progress<'a> = dyn FnMut(&str, u64, Option<u64>) + 'a;

/// Where sources go that are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// The user's cache.
    Cache,
    /// The OPKG itself.
    Opkg,
    /// A directory of the site.
    Directory(PathBuf),
}

/// How sources are fetched.
pub struct Fetching<'a> {
    /// Asks servers.
    pub fetcher: &'a Fetcher,
    /// Where they may be already.
    pub store: &'a PayloadStore,
    /// Where they go.
    pub destination: Destination,
}

/// What became of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceOutcome {
    /// It is noted as before.
    Kept,
    /// It is noted for the first time.
    Locked,
    /// It is noted as something else than before.
    Changed,
    /// Nothing comes from there any more, and it is no longer noted.
    Dropped,
    /// It was there already.
    Present,
    /// It was brought.
    Fetched,
}

/// A source, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedSource {
    /// With what it is, or was before it was dropped.
    pub source: LockedSource,
    /// What became of it.
    pub outcome: SourceOutcome,
}

/// Why sources cannot be noted or brought.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// What is noted cannot be read.
    #[error("payload.lock cannot be used: {0}")]
    Lock(#[from] LockError),
    /// Nothing is noted of a source.
    #[error("`{0}` is not in payload.lock")]
    NotLocked(String),
    /// It is not in the OPKG.
    #[error("there is no `{0}` in the OPKG")]
    NotInside(String),
    /// The server does not have it, or breaks off.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It is something else than what is noted.
    #[error("`{url}` is not what was locked: {}, not {}", describe(.found), describe(.expected))]
    Differs {
        /// Where it came from.
        url: String,
        /// What is noted.
        expected: PayloadDigest,
        /// What has come.
        found: PayloadDigest,
    },
    /// It is no archive, or a damaged one.
    #[error(
        "`{source_name}` cannot be read: {reason}; is it what `from` says, or its name? If it is damaged, ask whoever made it"
    )]
    Unreadable {
        /// As it is called in the OPKG.
        source_name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is neither a cache nor another place.
    #[error("there is no place for it: neither HOME nor XDG_CACHE_HOME is set")]
    NoCache,
    /// The system refuses to read or write.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn describe(digest: &PayloadDigest) -> String {
    format!("{} bytes with the SHA-256 {}", digest.size, hex(&digest.sha256))
}

/// Notes in an OPKG what the sources of its payloads are. What is noted already stays, unless `updates`; what is not is
/// fetched. Of several, those before the first that fails are noted.
///
/// # Errors
/// When a source cannot be fetched, or the notes cannot be read or written.
pub fn lock(
    directory: &Path,
    payloads: &[Payload],
    fetching: &Fetching<'_>,
    updates: bool,
    progress: &mut Progress<'_>,
) -> Result<Vec<FetchedSource>, PayloadError> {
    let before = Lock::read(directory)?;
    let old = before.clone().unwrap_or_default();
    let mut new = Lock::default();
    let mut outcomes = Vec::new();
    let mut failed = None;
    let payloads = distinct_sources(payloads);
    for payload in &payloads {
        let known = old.get(&payload.source);
        let (digest, outcome) = match known {
            Some(digest) if !updates || failed.is_some() => (digest, SourceOutcome::Kept),
            _ if failed.is_some() => continue,
            known => match fetching.identify(directory, payload, progress) {
                Ok(digest) => (
                    digest,
                    match known {
                        None => SourceOutcome::Locked,
                        Some(known) if known == digest => SourceOutcome::Kept,
                        Some(_) => SourceOutcome::Changed,
                    },
                ),
                Err(error) => {
                    failed = Some(error);
                    let Some(known) = known else { continue };
                    (known, SourceOutcome::Kept)
                }
            },
        };
        let source = LockedSource { source: payload.source.clone(), digest };
        new.insert(source.clone());
        outcomes.push(FetchedSource { source, outcome });
    }
    let is_used = |source: &str| payloads.iter().any(|payload| payload.source == source);
    for source in old.sources().filter(|source| !is_used(source)) {
        let Some(digest) = old.get(source) else { continue };
        let source = LockedSource { source: source.to_owned(), digest };
        outcomes.push(FetchedSource { source, outcome: SourceOutcome::Dropped });
    }
    if before.as_ref() != Some(&new) && (before.is_some() || new.sources().next().is_some()) {
        new.write(directory)?;
    }
    failed.map_or(Ok(outcomes), Err)
}

/// Brings what is noted of an OPKG to where builds look for it. What is there already stays.
///
/// # Errors
/// When a source is not noted, cannot be fetched, or is something else by now.
pub fn fetch(
    directory: &Path,
    payloads: &[Payload],
    fetching: &Fetching<'_>,
    progress: &mut Progress<'_>,
) -> Result<Vec<FetchedSource>, PayloadError> {
    let lock = Lock::read(directory)?.unwrap_or_default();
    let payloads = distinct_sources(payloads);
    if let Some(missing) = payloads.iter().find(|payload| lock.get(&payload.source).is_none()) {
        return Err(PayloadError::NotLocked(missing.source.clone()));
    }
    let mut outcomes = Vec::new();
    for payload in &payloads {
        let Some(expected) = lock.get(&payload.source) else { continue };
        let outcome = fetching.bring(directory, payload, &payloads, expected, progress)?;
        let source = LockedSource { source: payload.source.clone(), digest: expected };
        outcomes.push(FetchedSource { source, outcome });
    }
    Ok(outcomes)
}

/// Payloads that have something to be noted, each source once.
fn distinct_sources(payloads: &[Payload]) -> Vec<&Payload> {
    let mut seen = BTreeSet::new();
    let archives = payloads.iter().filter(|payload| payload.form != PayloadForm::Directory);
    archives.filter(|payload| seen.insert(payload.source.as_str())).collect()
}

impl Fetching<'_> {
    /// What a source is now. Of a server, it is kept in the cache, or wherever fetched ones go.
    fn identify(
        &self,
        opkg: &Path,
        payload: &Payload,
        progress: &mut Progress<'_>,
    ) -> Result<PayloadDigest, PayloadError> {
        if payload.is_inside {
            let mut file = open_inside(opkg, payload)?;
            let too_large = || io::Error::other(format!("it is larger than {} GiB", MAX_SOURCE_BYTES >> 30));
            let digest = digest::of_file(&mut file)?.ok_or_else(too_large)?;
            check_archive(file, payload)?;
            return Ok(digest);
        }
        let base = self.base(opkg)?;
        let write = |to: &mut dyn Write| self.download(&payload.source, MAX_SOURCE_BYTES, to, progress);
        // In the OPKG its name may be that of another source, whose place this one must not take.
        let (path, digest) = put(&base, write, |digest| Ok(PayloadStore::cache_path(&base, digest)))?;
        check_archive(regular_file::open(&path)?, payload)?;
        Ok(digest)
    }

    fn bring(
        &self,
        opkg: &Path,
        payload: &Payload,
        all: &[&Payload],
        expected: PayloadDigest,
        progress: &mut Progress<'_>,
    ) -> Result<SourceOutcome, PayloadError> {
        if payload.is_inside {
            open_inside(opkg, payload)?;
            return Ok(SourceOutcome::Present);
        }
        let base = self.base(opkg)?;
        if self.destination == Destination::Opkg {
            check_own_directories(&base)?;
        }
        let by_checksum = PayloadStore::cache_path(&base, expected);
        let is_name_unique = all.iter().filter(|other| other.file_name() == payload.file_name()).count() == 1;
        let place = match self.destination {
            Destination::Opkg if is_name_unique => base.join(payload.file_name()),
            _ => by_checksum.clone(),
        };
        for there in [&place, &by_checksum] {
            if is_there(there, expected) {
                return Ok(SourceOutcome::Present);
            }
        }
        let found = self.store.open(opkg, payload, expected).ok();
        let outcome = match (&found, &self.destination) {
            (Some(_), Destination::Cache) => return Ok(SourceOutcome::Present),
            _ => SourceOutcome::Fetched,
        };
        let write = |to: &mut dyn Write| match found {
            Some(mut file) => Ok(copy_limited(&mut file, to)?),
            None => self.download(&payload.source, expected.size, to, progress),
        };
        put(&base, write, |digest| match digest == expected {
            true => Ok(place),
            false => Err(PayloadError::Differs { url: payload.source.clone(), expected, found: digest }),
        })?;
        Ok(outcome)
    }

    /// Where fetched ones go.
    fn base(&self, opkg: &Path) -> Result<PathBuf, PayloadError> {
        match &self.destination {
            Destination::Cache => self.store.cache.clone().ok_or(PayloadError::NoCache),
            Destination::Opkg => Ok(opkg.join(opkg::PAYLOAD_DIRECTORY)),
            Destination::Directory(directory) => Ok(directory.clone()),
        }
    }

    fn download(
        &self,
        url: &str,
        limit: u64,
        to: &mut dyn Write,
        progress: &mut Progress<'_>,
    ) -> Result<(), PayloadError> {
        if let Some(path) = url.strip_prefix(FILE_SCHEME) {
            let path = decode_path(path);
            let named =
                |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
            let mut file = regular_file::open(&path).map_err(named)?;
            return copy_limited(&mut file, to).map_err(|error| named(error).into());
        }
        let response = self.fetcher.get(url, &[])?;
        let length = response.length();
        response.copy_to(to, limit, &mut |received| progress(url, received, length))?;
        Ok(())
    }
}

/// Reads an archive to its end: what is damaged already is not worth being noted, and every build would stop at it.
fn check_archive(file: File, payload: &Payload) -> Result<(), PayloadError> {
    match SourceReader::new(file, payload).visit(&mut |_, _| Ok(())) {
        Ok(_) => Ok(()),
        Err(ContentsError::Stopped(error)) => Err(error.into()),
        Err(ContentsError::Invalid(reason)) => {
            let shown = |text: &str| escape_for_display(text).to_string();
            Err(PayloadError::Unreadable { source_name: shown(&payload.source), reason: shown(&reason) })
        }
    }
}

/// An OPKG may be anybody's: through a link in it, what somebody publishes would be written anywhere.
fn check_own_directories(base: &Path) -> Result<(), PayloadError> {
    for directory in [base.to_owned(), PayloadStore::by_checksum(base)] {
        if fs::symlink_metadata(&directory).is_ok_and(|found| !found.is_dir()) {
            let message = format!("{} is no directory; a link is not followed", directory.display());
            return Err(io::Error::new(io::ErrorKind::NotADirectory, message).into());
        }
    }
    Ok(())
}

fn open_inside(opkg: &Path, payload: &Payload) -> Result<File, PayloadError> {
    SourceDir::open(opkg)?.open_file(&payload.source).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => PayloadError::NotInside(payload.source.clone()),
        kind => io::Error::new(kind, format!("`{}`: {error}", payload.source)).into(),
    })
}

fn is_there(path: &Path, expected: PayloadDigest) -> bool {
    let found = regular_file::open(path).and_then(|mut file| digest::of_file(&mut file));
    found.is_ok_and(|found| found == Some(expected))
}

/// The path in an address of a file: `%20` stands for a blank.
fn decode_path(path: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, behind @ ..] = rest {
        let code = behind.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_addresses() {
        for (written, path) in [("/a%20b", "/a b"), ("/a%2", "/a%2"), ("/%c3%a4/%zz", "/ä/%zz"), ("", "")] {
            assert_eq!(decode_path(written), Path::new(path), "{written}");
        }
    }
}
