//! An OPKG that was named on the command line. There may be thousands: what was read of one is in memory only while it is
//! being compiled.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use opkg::diagnostic::{Diagnostic, Severity};
use opkg::model::Opkg;
use opkg::{LoadResult, Settings, Source};
use opkg_payload::{LoadedOpkg, PayloadStore};
use opkg_scratch::ScratchDir;

use crate::json::{self, DiagnosticJson};
use crate::{dists, hook_components};

/// How OPKGs are read.
pub struct PackageReader<'a> {
    pub settings: &'a Settings,
    /// Where sources of payloads are.
    pub payloads: &'a PayloadStore,
    /// Distributions that there are plugins for.
    pub known_dists: &'a [String],
    /// Whether one with warnings is not compiled.
    pub denies_warnings: bool,
}

impl PackageReader<'_> {
    /// An OPKG, and everything that is wrong with it by itself.
    #[must_use]
    pub fn read(&self, directory: &Path) -> LoadedOpkg {
        let mut read = opkg_payload::load(directory, self.settings, self.payloads);
        let loaded = &mut read.loaded;
        if let Some(opkg) = &loaded.opkg {
            loaded.diagnostics.extend(dists::misspelled_dists(opkg, self.known_dists));
            let found = hook_components::check_components(directory, opkg);
            if found.iter().any(|finding| finding.severity == Severity::Error) {
                loaded.opkg = None;
            }
            loaded.diagnostics.extend(found);
        }
        read
    }

    /// One that may be compiled.
    fn compilable(&self, read: LoadedOpkg) -> Option<ReadPackage> {
        let unpacked = read.unpacked();
        let is_denied = self.denies_warnings
            && read.loaded.diagnostics.iter().any(|finding| finding.severity <= Severity::Warning);
        let (loaded, scratch) = read.into_parts();
        let opkg = loaded.opkg.filter(|_| !is_denied)?;
        Some(ReadPackage { opkg, source: loaded.source, unpacked, _scratch: scratch })
    }
}

/// What was read of an OPKG that may be compiled.
pub struct ReadPackage {
    pub opkg: Arc<Opkg>,
    /// What findings of plugins point into.
    pub source: Option<Source>,
    /// Where the files of payloads are.
    pub unpacked: Option<PathBuf>,
    /// Holds them.
    _scratch: Option<ScratchDir>,
}

impl ReadPackage {
    /// Of everything that is packaged: the same for what was read twice without a change in between.
    fn fingerprint(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        self.source.as_ref().map(|source| &source.text).hash(&mut hash);
        for file in &self.opkg.files {
            (&file.path, file.mode, file.sha256, &file.link).hash(&mut hash);
        }
        self.opkg.directories.hash(&mut hash);
        hash.finish()
    }
}

/// An OPKG is no longer what was read first.
#[derive(Debug)]
pub struct PackageChanged;

/// An OPKG, and what was found when it was read first.
pub struct InputPackage {
    pub directory: PathBuf,
    pub name: Option<String>,
    pub version: Option<String>,
    /// The message of the first error that was found, or else of the first warning.
    pub problem: Option<(Severity, String)>,
    /// What was found, for programs, where one asked for it.
    pub findings: Vec<DiagnosticJson>,
    /// Of what was read first, if it may be compiled.
    fingerprint: Option<u64>,
    content: Mutex<Content>,
}

/// What is kept of an OPKG after it was read first.
#[derive(Clone, Copy)]
pub struct Keeps {
    /// What was found, for programs.
    pub findings: bool,
    /// All of it, until it is compiled. Otherwise it is read again then.
    pub content: bool,
}

struct Content {
    read: Option<Arc<ReadPackage>>,
    /// How many targets it has to be compiled for yet.
    jobs_left: usize,
}

impl InputPackage {
    /// One that was read to be compiled for so many targets.
    #[must_use]
    pub fn new(
        directory: &Path,
        read: LoadedOpkg,
        reader: &PackageReader<'_>,
        targets: usize,
        keeps: Keeps,
    ) -> Self {
        let loaded: &LoadResult = &read.loaded;
        let of =
            |severity| first_message(&loaded.diagnostics, severity).map(|text| (severity, text.to_owned()));
        let problem = of(Severity::Error).or_else(|| of(Severity::Warning));
        let name = loaded.opkg.as_ref().map(|opkg| opkg.name.clone());
        let version = loaded.opkg.as_ref().and_then(|opkg| opkg.version()).map(ToString::to_string);
        let source = loaded.source.as_ref();
        let findings = loaded.diagnostics.iter().filter(|_| keeps.findings);
        let findings = findings.map(|found| json::diagnostic_json(directory, source, found)).collect();
        let read = reader.compilable(read);
        Self {
            directory: directory.to_owned(),
            name,
            version,
            problem,
            findings,
            fingerprint: read.as_ref().map(ReadPackage::fingerprint),
            content: Mutex::new(Content {
                read: read.filter(|_| keeps.content).map(Arc::new),
                jobs_left: targets,
            }),
        }
    }

    /// Name and version, or the directory of one that has none.
    #[must_use]
    pub fn title(&self) -> String {
        match (&self.name, &self.version) {
            (Some(name), Some(version)) => format!("{name} {version}"),
            _ => self.directory.display().to_string(),
        }
    }

    /// The OPKG, if it may be compiled: as it was read before, if that is still there, or read again.
    ///
    /// # Errors
    /// When it is no longer what was read and checked first.
    pub fn open(&self, reader: &PackageReader<'_>) -> Result<Option<Arc<ReadPackage>>, PackageChanged> {
        if self.fingerprint.is_none() {
            return Ok(None);
        }
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = &content.read {
            return Ok(Some(Arc::clone(read)));
        }
        let again = reader.compilable(reader.read(&self.directory));
        let same = again.filter(|again| Some(again.fingerprint()) == self.fingerprint);
        let read = Arc::new(same.ok_or(PackageChanged)?);
        content.read = Some(Arc::clone(&read));
        Ok(Some(read))
    }

    /// It is done with for one of the targets. After the last one nothing is kept.
    pub fn close(&self) {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        content.jobs_left = content.jobs_left.saturating_sub(1);
        if content.jobs_left == 0 {
            content.read = None;
        }
    }
}

/// The message of the first finding of a severity.
#[must_use]
pub fn first_message(findings: &[Diagnostic], severity: Severity) -> Option<&str> {
    findings.iter().find(|finding| finding.severity == severity).map(|finding| finding.message.as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use fs_err as fs;

    use super::*;

    fn write_opkg(directory: &Path, summary: &str) {
        let config = format!(
            "<oscar><name>demo</name><class>base</class><summary>{summary}</summary><license>GPL</license>\
             <group>Applications/System</group><authors><author cat=\"maintainer\"><name>Ada</name>\
             <email>ada@example.org</email></author></authors><changelog><versionEntry version=\"1.0-1\">\
             <changelogEntry authorName=\"Ada\" date=\"2025-01-02T03:04:05Z\"><item>First.</item></changelogEntry>\
             </versionEntry></changelog></oscar>"
        );
        fs::create_dir_all(directory.join("doc")).unwrap();
        fs::write(directory.join("config.xml"), config).unwrap();
        fs::write(directory.join("doc/README"), "Read this.\n").unwrap();
    }

    /// An OPKG to be compiled for two targets, of which what was read is kept or not; and then something is done.
    fn with_package(is_kept: bool, test: impl FnOnce(&InputPackage, &PackageReader<'_>)) {
        let root = tempfile::tempdir().unwrap();
        write_opkg(root.path(), "Demo");
        let reader = PackageReader {
            settings: &Settings::default(),
            payloads: &PayloadStore::default(),
            known_dists: &[],
            denies_warnings: false,
        };
        let package = InputPackage::new(
            root.path(),
            reader.read(root.path()),
            &reader,
            2,
            Keeps { findings: false, content: is_kept },
        );
        assert_eq!(package.title(), "demo 1.0-1");
        test(&package, &reader);
    }

    fn is_in_memory(package: &InputPackage) -> bool {
        package.content.lock().unwrap().read.is_some()
    }

    #[test]
    fn what_was_read_is_in_memory_until_the_last_target() {
        for is_kept in [true, false] {
            with_package(is_kept, |package, reader| {
                assert_eq!(is_in_memory(package), is_kept);
                let one = package.open(reader).unwrap().unwrap();
                let other = package.open(reader).unwrap().unwrap();
                assert!(Arc::ptr_eq(&one, &other), "all targets are made of the same");
                package.close();
                assert!(is_in_memory(package));
                package.close();
                assert!(!is_in_memory(package));
                assert_eq!(one.opkg.summary, "Demo", "whoever has it still has it");
            });
        }
    }

    #[test]
    fn one_that_was_dropped_must_be_the_same_when_it_is_read_again() {
        type Change<'a> = &'a dyn Fn(&Path);
        let write = |directory: &Path, path, text| fs::write(directory.join(path), text).unwrap();
        let remove = |directory: &Path, path| fs::remove_file(directory.join(path)).unwrap();
        let changes: [(&str, Change<'_>); 7] = [
            ("nothing", &|_| ()),
            ("its metadata", &|directory| write_opkg(directory, "Dem0")),
            ("a file", &|directory| write(directory, "doc/README", "Read that.\n")),
            ("one more file", &|directory| write(directory, "doc/NEWS", "None.\n")),
            ("one file fewer", &|directory| remove(directory, "doc/README")),
            ("an error", &|directory| write(directory, "config.xml", "<oscar>")),
            ("all of it", &|directory| remove(directory, "config.xml")),
        ];
        for (what, change) in changes {
            with_package(false, |package, reader| {
                change(&package.directory);
                assert_eq!(package.open(reader).is_ok(), what == "nothing", "{what}");
            });
        }
    }

    #[test]
    fn one_with_errors_is_not_read_again() {
        let root = tempfile::tempdir().unwrap();
        let reader = PackageReader {
            settings: &Settings::default(),
            payloads: &PayloadStore::default(),
            known_dists: &[],
            denies_warnings: false,
        };
        let package = InputPackage::new(
            root.path(),
            reader.read(root.path()),
            &reader,
            2,
            Keeps { findings: false, content: true },
        );
        write_opkg(root.path(), "Demo");
        assert!(package.open(&reader).unwrap().is_none());
        assert_eq!(package.title(), root.path().display().to_string());
        assert_eq!(package.problem.as_ref().unwrap().0, Severity::Error);
    }
}
