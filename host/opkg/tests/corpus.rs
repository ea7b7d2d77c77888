//! Real OPKGs. What is said about them is told here by code and severity alone.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use support::{corpus_dir, summarize_diagnostics, unpack_corpus_package};

fn packages(directory: &Path) -> Vec<PathBuf> {
    let mut packages: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("config.xml").is_file())
        .collect();
    packages.sort();
    packages
}

#[test]
fn every_package_loads_with_justified_findings_alone() {
    let Some(corpus) = corpus_dir() else { return };
    let packages = packages(&corpus);
    assert_eq!(packages.len(), 20);
    let mut warnings = Vec::new();
    let mut notes: BTreeMap<String, usize> = BTreeMap::new();
    for package in &packages {
        let name = package.file_name().unwrap().to_str().unwrap();
        let directory = unpack_corpus_package(package);
        let loaded = directory.load();
        let opkg =
            loaded.opkg.as_ref().unwrap_or_else(|| panic!("{name}: {:?}", summarize_diagnostics(&loaded)));
        for diagnostic in summarize_diagnostics(&loaded) {
            match diagnostic.strip_prefix("note ").and_then(|rest| rest.split_once(' ')) {
                Some((code, _)) => *notes.entry(code.to_owned()).or_default() += 1,
                None => warnings.push(format!("{name}: {diagnostic}")),
            }
        }
        let listed = std::fs::read_to_string(package.join("tree.tsv")).unwrap().lines().count();
        let left_out = loaded
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.message.contains("not packaged"))
            .count();
        assert_eq!(opkg.files.len() + left_out, listed, "{name}");
        assert_eq!(opkg.history.len(), changelog_entries(package), "{name}");
    }
    assert_eq!(
        warnings,
        [
            "sge: warning not-packaged build.cfg",
            "slurm: warning file-shadowed scripts/configurator.html",
            "torque: warning changelog-date 90:57",
        ]
    );
    // People who once changed something and are not among the authors; epochs that were dropped.
    let notes: Vec<_> = notes.iter().map(|(code, count)| (code.as_str(), *count)).collect();
    assert_eq!(
        notes,
        [("changelog-author", 26), ("changelog-version-order", 2), ("changelog-version-twice", 1)]
    );
}

fn changelog_entries(package: &Path) -> usize {
    let bytes = std::fs::read(package.join("config.xml")).unwrap();
    String::from_utf8_lossy(&bytes).matches("<versionEntry ").count()
}

#[test]
fn all_of_the_old_form_are_refused() {
    let Some(corpus) = corpus_dir() else { return };
    let packages = packages(&corpus.join("before-oscar-5"));
    assert_eq!(packages.len(), 8);
    for package in packages {
        let loaded = unpack_corpus_package(&package).load();
        let codes: Vec<&str> = loaded.diagnostics.iter().map(|diagnostic| diagnostic.code.as_str()).collect();
        assert_eq!(codes, ["old-form"], "{}", package.display());
    }
}
