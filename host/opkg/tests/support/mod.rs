//! What the tests share: a complete OPKG to spoil, and directories to put it into.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use opkg::diagnostic::{Location, Severity};
use opkg::model::Opkg;
use opkg::{LoadResult, Settings, line_column};

/// A `config.xml` without a diagnostic. Tests change one thing in it.
pub const VALID_CONFIG: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<oscar>
  <name>probe</name>
  <class>included</class>
  <summary>Looks around</summary>
  <description>Looks around in the cluster.

Reports what it has seen.</description>
  <license>GPL</license>
  <group>Applications/System</group>
  <uri>https://example.org/probe</uri>
  <authors>
    <author cat="maintainer">
      <name>Ada Probe</name>
      <email>ada@example.org</email>
    </author>
  </authors>
  <serverDeps>
    <requires>
      <pkg>sensors</pkg>
    </requires>
  </serverDeps>
  <changelog>
    <versionEntry version="1.1-1">
      <changelogEntry authorName="Ada Probe" date="2024-05-02T10:00:00Z">
        <item>Look twice.</item>
      </changelogEntry>
    </versionEntry>
    <versionEntry version="1.0-1">
      <changelogEntry authorName="Ada Probe" date="2024-05-01T10:00:00Z">
        <item>First version.</item>
      </changelogEntry>
    </versionEntry>
  </changelog>
</oscar>
"#;

/// An OPKG's directory, removed at the end of the test.
pub struct Fixture(tempfile::TempDir);

impl Fixture {
    /// One with this `config.xml` alone.
    pub fn with_config(config: impl AsRef<[u8]>) -> Self {
        let directory = Self(tempfile::tempdir().unwrap());
        directory.with_file("config.xml", config)
    }

    /// One with a flawless `config.xml`.
    pub fn new() -> Self {
        Self::with_config(VALID_CONFIG)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Adds a file, with its directories.
    pub fn with_file(self, path: &str, contents: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
        self
    }

    pub fn with_mode(self, path: &str, mode: u32) -> Self {
        fs::set_permissions(self.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    pub fn with_directory(self, path: &str) -> Self {
        fs::create_dir_all(self.path().join(path)).unwrap();
        self
    }

    pub fn with_link(self, path: &str, target: &str) -> Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
        self
    }

    pub fn load(&self) -> LoadResult {
        let loaded = opkg::load(self.path(), &Settings::default());
        assert_consistent(&loaded);
        loaded
    }

    /// The OPKG, which must be there.
    pub fn opkg(&self) -> Opkg {
        let loaded = self.load();
        let opkg = loaded.opkg.unwrap_or_else(|| panic!("refused: {:#?}", loaded.diagnostics));
        Arc::unwrap_or_clone(opkg)
    }

    /// The diagnostics, one line each.
    pub fn diagnostics(&self) -> Vec<String> {
        summarize_diagnostics(&self.load())
    }
}

/// The flawless `config.xml` with one thing replaced.
pub fn config_with(from: &str, to: &str) -> String {
    assert_eq!(VALID_CONFIG.matches(from).count(), 1, "{from}");
    VALID_CONFIG.replace(from, to)
}

/// What a changed `config.xml` has to be told.
pub fn diagnostics_with(from: &str, to: &str) -> Vec<String> {
    Fixture::with_config(config_with(from, to)).diagnostics()
}

/// What must hold of anything that was loaded.
pub fn assert_consistent(loaded: &LoadResult) {
    let has_error = loaded.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    assert_eq!(loaded.opkg.is_none(), has_error, "{:#?}", loaded.diagnostics);
    for diagnostic in &loaded.diagnostics {
        assert!(!diagnostic.message.contains('\n') && !diagnostic.message.is_empty(), "{diagnostic:?}");
        assert!(diagnostic.help.as_ref().is_some_and(|help| !help.is_empty()), "no advice: {diagnostic:?}");
        for place in diagnostic.location.iter().chain(diagnostic.related.iter().map(|(place, _)| place)) {
            if let Location::Config(range) = place {
                let text = &loaded.source.as_ref().unwrap().text;
                assert!(text.get(range.clone()).is_some(), "{diagnostic:?}");
            }
        }
    }
}

/// `error name 3:9`, `warning link scripts/x`.
pub fn summarize_diagnostics(loaded: &LoadResult) -> Vec<String> {
    loaded
        .diagnostics
        .iter()
        .map(|diagnostic| {
            let severity = match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            };
            let place = match &diagnostic.location {
                None => "-".to_owned(),
                Some(Location::File(path)) => path.clone(),
                Some(Location::Config(range)) => {
                    let (line, column) = line_column(&loaded.source.as_ref().unwrap().text, range.start);
                    format!("{line}:{column}")
                }
            };
            format!("{severity} {} {place}", diagnostic.code)
        })
        .collect()
}

/// The folder with real OPKGs; nothing where it is absent, which is said.
pub fn corpus_dir() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let corpus = std::env::var_os("OPKG_CORPUS").map_or_else(beside, PathBuf::from);
    if corpus.is_dir() {
        return Some(corpus);
    }
    println!("skipped: there is no corpus at {}", corpus.display());
    None
}

/// A copy of a package of the corpus in which stubs stand for the files that are only listed.
pub fn unpack_corpus_package(package: &Path) -> Fixture {
    let mut directory = Fixture(tempfile::tempdir().unwrap());
    for line in fs::read_to_string(package.join("tree.tsv")).unwrap().lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [path, mode, _, interpreter] = fields[..] else { panic!("{line}") };
        let contents = fs::read(package.join(path)).unwrap_or_else(|_| match interpreter {
            "-" => b"stub\n".to_vec(),
            line => format!("{line}\ntrue\n").into_bytes(),
        });
        directory =
            directory.with_file(path, contents).with_mode(path, u32::from_str_radix(mode, 8).unwrap());
    }
    directory
}
