//! The prebuilt components are what their sources say. This needs no toolchain for WebAssembly: it compares
//! what was recorded when they were built; continuous integration builds them again.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use opkg_build::provenance::{PrebuiltComponent, Provenance, REBUILD_HINT, find_prebuilt};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

#[test]
fn prebuilt_components_are_what_their_sources_say() {
    let workspace = workspace();
    let mut stale = String::new();
    for PrebuiltComponent { directory, component, record } in find_prebuilt(&workspace).unwrap() {
        let bytes = std::fs::read(&component).unwrap_or_default();
        let differences = match Provenance::read(&record) {
            Ok(record) => record.compare_to_workspace(&workspace, &directory, &bytes).unwrap(),
            Err(problem) => vec![problem.to_string()],
        };
        if !differences.is_empty() {
            let name = component.strip_prefix(&workspace).unwrap().display();
            stale += &format!("\n{name} is stale:\n  {}\n", differences.join("\n  "));
        }
    }
    assert!(stale.is_empty(), "{stale}{REBUILD_HINT}");
}

#[test]
fn nothing_is_prebuilt_that_has_no_sources() {
    let workspace = workspace();
    let kept = find_prebuilt(&workspace).unwrap();
    let known: BTreeSet<_> = kept.iter().map(|it| it.directory.file_name().unwrap()).collect();
    for entry in std::fs::read_dir(workspace.join("plugins/prebuilt")).unwrap() {
        let file = entry.unwrap().path();
        assert!(known.contains(file.file_stem().unwrap()), "{} belongs to no plugin", file.display());
    }
}
