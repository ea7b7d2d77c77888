//! Old OPKGs made up for tests, and what a conversion makes of them.

#![allow(dead_code, clippy::unwrap_used)] // Each test file uses some of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use opkg::diagnostic::{Diagnostic, Severity};
use opkg::{LoadResult, Settings};
use opkg_convert::{Conversion, PLACEHOLDER_EMAIL, ReportEntry, convert};
use tempfile::TempDir;

/// The least that a package says.
pub const MINIMAL_CONFIG: &str = "<name>thing</name>
<version><major>1</major><minor>2</minor><subversion>3</subversion><release>4</release></version>
<summary>A thing</summary>
<license>GPL</license>
<group>Applications/System</group>
<packager><name>Ada Keller</name><email>ada@example.org</email></packager>";

/// An old OPKG, and where its conversion goes.
pub struct ConvertFixture {
    pub dir: TempDir,
}

impl ConvertFixture {
    /// With a whole `config.xml`.
    pub fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("old")).unwrap();
        fs::write(dir.path().join("old/config.xml"), config).unwrap();
        Self { dir }
    }

    /// With the least, but for what `replaced` names, and `added` at the end.
    pub fn with_changes(replaced: &[(&str, &str)], added: &str) -> Self {
        let mut config = MINIMAL_CONFIG.to_owned();
        for (from, to) in replaced {
            assert!(config.contains(from), "{from}");
            config = config.replace(from, to);
        }
        Self::new(&format!("<oscar>\n{config}\n{added}\n</oscar>\n"))
    }

    pub fn with_file(self, path: &str, mode: u32, text: &str) -> Self {
        let path = self.old_dir().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    pub fn old_dir(&self) -> PathBuf {
        self.dir.path().join("old")
    }

    pub fn new_dir(&self) -> PathBuf {
        self.dir.path().join("new")
    }

    pub fn convert(&self) -> Conversion {
        convert(&self.old_dir(), &self.new_dir(), Some("2020-02-03T04:05:06Z".parse().unwrap())).unwrap()
    }

    /// The conversion and the new `config.xml`.
    pub fn convert_and_read(&self) -> (Conversion, String) {
        let conversion = self.convert();
        let config = fs::read_to_string(self.new_dir().join("config.xml")).unwrap();
        (conversion, config)
    }
}

/// What a check finds once the placeholders have been filled in.
pub fn load_without_placeholders(dir: &Path) -> LoadResult {
    let file = dir.join("config.xml");
    let text = fs::read_to_string(&file).unwrap().replace(PLACEHOLDER_EMAIL, "known@example.org");
    fs::write(&file, text).unwrap();
    opkg::load(dir, &Settings::default())
}

pub fn errors(loaded: &LoadResult) -> Vec<&Diagnostic> {
    loaded.diagnostics.iter().filter(|finding| finding.severity == Severity::Error).collect()
}

/// A report as text.
pub fn format_report(conversion: &Conversion) -> String {
    let report = &conversion.report;
    let mut text = String::new();
    for (title, list) in
        [("taken", &report.converted), ("decided", &report.changed), ("open", &report.needs_review)]
    {
        text.push_str(&format!("{title}:\n"));
        for ReportEntry { at, text: entry } in list {
            text.push_str(&format!("  {at:?} {entry}\n"));
        }
    }
    text
}
