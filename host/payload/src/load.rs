//! Reads an OPKG with what it takes of its payloads.

use std::io;
use std::path::Path;

use opkg::diagnostic::{Diagnostic, Location};
use opkg::model::{NodeId, Payload, PayloadDigest, PayloadForm};
use opkg::{
    LOCK_FILE, LoadResult, PAYLOAD_DIRECTORY, Settings, SourceDir, UnpackedPayloads, escape_for_display,
    load_with_payloads,
};
use opkg_scratch::ScratchDir;

use crate::lock_file::Lock;
use crate::source_entries::SourceReader;
use crate::store::{Missed, PayloadStore};
use crate::unpack::{Room, unpack};

/// How the names of directories begin that payloads are unpacked into.
const SCRATCH_PREFIX: &str = "opkg-payload-";
/// In there, beside what marks it as one of these.
const TREE: &str = "tree";

/// An OPKG that was read.
#[derive(Debug)]
pub struct LoadedOpkg {
    /// What was read, and what is wrong with it.
    pub loaded: LoadResult,
    /// Holds the files of payloads, for as long as this is there.
    unpacked: Option<ScratchDir>,
}

impl LoadedOpkg {
    /// What was read, and what holds the files of payloads: they are gone with it.
    #[must_use]
    pub fn into_parts(self) -> (LoadResult, Option<ScratchDir>) {
        (self.loaded, self.unpacked)
    }

    /// Where the files of payloads are, as `opkg_package::OpkgSource` wants to know it.
    #[must_use]
    pub fn unpacked(&self) -> Option<std::path::PathBuf> {
        self.unpacked.as_ref().map(|scratch| scratch.path().join(TREE))
    }
}

/// Reads and checks the OPKG in a directory, with what it takes of payloads. These are asked of the store alone, never of
/// a server; what is not there is an error that says what to run.
#[must_use]
pub fn load(directory: &Path, settings: &Settings, store: &PayloadStore) -> LoadedOpkg {
    let mut scratch = None;
    let loaded = load_with_payloads(directory, settings, &mut |root, payloads, report| {
        let unpacked = unpack_all(directory, root, payloads, store, report)?;
        let digests = unpacked.digests;
        let root = unpacked.scratch.path().join(TREE);
        scratch = Some(unpacked.scratch);
        Some(UnpackedPayloads { root, digests })
    });
    LoadedOpkg { loaded, unpacked: scratch }
}

struct Unpacked {
    scratch: ScratchDir,
    digests: Vec<Option<PayloadDigest>>,
}

/// `named` is what the user calls the directory.
fn unpack_all(
    named: &Path,
    root: &Path,
    payloads: &[Payload],
    store: &PayloadStore,
    report: &mut dyn FnMut(Diagnostic, NodeId),
) -> Option<Unpacked> {
    let named = escape_for_display(&named.to_string_lossy()).to_string();
    let lock = read_lock(root, payloads, &named, report)?;
    let failed = |error: io::Error| {
        let help =
            "payloads are unpacked where temporary files are: make room, or name another place in `TMPDIR`";
        Diagnostic::error("payload-contents", format!("payloads cannot be unpacked: {error}")).help(help)
    };
    let scratch = match ScratchDir::new(SCRATCH_PREFIX, None) {
        Ok(scratch) => scratch,
        Err(error) => {
            report(failed(error), payloads.first()?.at);
            return None;
        }
    };
    let opkg = SourceDir::open(root).ok()?;
    let (mut room, mut digests, mut is_sound) = (Room::default(), Vec::new(), true);
    for (index, payload) in payloads.iter().enumerate() {
        let mut source = match payload.form {
            PayloadForm::Directory => {
                digests.push(None);
                match check_directory(&opkg, payload, report) {
                    true => SourceReader::Directory(&opkg, &payload.source),
                    false => {
                        is_sound = false;
                        continue;
                    }
                }
            }
            _ => {
                let expected = lock.get(&payload.source);
                digests.push(expected);
                let Some(expected) = expected else {
                    report(not_locked(payload, &named), payload.at);
                    is_sound = false;
                    continue;
                };
                match store.open(root, payload, expected) {
                    Ok(file) => SourceReader::new(file, payload),
                    Err(missed) => {
                        report(not_there(payload, missed, &named), payload.at);
                        is_sound = false;
                        continue;
                    }
                }
            }
        };
        let directory = scratch.path().join(TREE).join(index.to_string());
        match unpack(payload, &mut source, &directory, &mut room, report) {
            Ok(was_sound) => is_sound &= was_sound,
            Err(error) => {
                report(failed(error), payload.at);
                return None;
            }
        }
    }
    is_sound.then_some(Unpacked { scratch, digests })
}

/// An empty one where there is none.
fn read_lock(
    root: &Path,
    payloads: &[Payload],
    named: &str,
    report: &mut dyn FnMut(Diagnostic, NodeId),
) -> Option<Lock> {
    let first = payloads.first()?.at;
    let lock = match Lock::read(root) {
        Ok(lock) => lock.unwrap_or_default(),
        Err(error) => {
            let message = format!("`{LOCK_FILE}` cannot be used: {}", escape_for_display(&error.to_string()));
            let help = format!("correct it, or remove it and run `opkgc payload lock {named}`");
            let diagnostic = Diagnostic::error("payload-lock", message).help(help);
            report(diagnostic.at(Location::File(LOCK_FILE.into())), first);
            return None;
        }
    };
    for source in lock.sources() {
        let is_used = |payload: &Payload| payload.source == source && payload.form != PayloadForm::Directory;
        if !payloads.iter().any(is_used) {
            let message =
                format!("`{}` is locked, and no payload comes from there", escape_for_display(source));
            let help = format!("run `opkgc payload lock {named}`: it removes what is not used");
            let diagnostic = Diagnostic::warning("payload-lock", message).help(help);
            report(diagnostic.at(Location::File(LOCK_FILE.into())), first);
        }
    }
    Some(lock)
}

fn not_locked(payload: &Payload, named: &str) -> Diagnostic {
    let message = format!("`{}` is not in `{LOCK_FILE}`", escape_for_display(&payload.source));
    let help = format!("run `opkgc payload lock {named}`, which fetches it and notes what it is");
    Diagnostic::error("payload-lock", message).help(help)
}

fn not_there(payload: &Payload, missed: Missed, named: &str) -> Diagnostic {
    let source = escape_for_display(&payload.source).to_string();
    match (missed.unsuitable, payload.is_inside) {
        (Some((path, problem)), is_inside) => {
            let path = escape_for_display(&path.to_string_lossy()).to_string();
            let message = format!("`{path}` is not what `{source}` was when it was locked: {problem}");
            let help = match is_inside {
                true => format!("if the new one is meant, run `opkgc payload lock --update {named}`"),
                false => format!(
                    "remove it, and run `opkgc payload fetch {named}`; if the source has changed and that is meant, \
                     `opkgc payload lock --update {named}`"
                ),
            };
            Diagnostic::error("payload-missing", message).help(help)
        }
        (None, true) => Diagnostic::error("payload-missing", format!("there is no `{source}` in the OPKG"))
            .help("build it, or correct the path"),
        (None, false) => {
            let message = format!("`{source}` has not been fetched");
            let help = format!(
                "run `opkgc payload fetch {named}` where there is a network; builds use what is there: in \
                 `{PAYLOAD_DIRECTORY}/` of the OPKG, a `--payload-dir` or the cache"
            );
            Diagnostic::error("payload-missing", message).help(help)
        }
    }
}

/// Whether the source is a directory; what it is else is reported.
fn check_directory(opkg: &SourceDir, payload: &Payload, report: &mut dyn FnMut(Diagnostic, NodeId)) -> bool {
    let found = opkg.metadata(&payload.source);
    let source = escape_for_display(&payload.source).to_string();
    let (message, help) = match found {
        Ok(metadata) if metadata.is_dir() => return true,
        Ok(_) => (format!("`{source}` is no directory"), "correct the path, or `from`".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (
            format!("there is no `{source}` in the OPKG"),
            format!(
                "have the build install into it, as by `make install DESTDIR={source}`, or correct the path"
            ),
        ),
        Err(error) => (format!("`{source}` cannot be read: {error}"), "see to its permissions".to_owned()),
    };
    report(Diagnostic::error("payload-missing", message).help(help), payload.at);
    false
}
