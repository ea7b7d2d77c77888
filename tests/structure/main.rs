//! The structure of the workspace: crates depend downwards only, no files of a crate import each other in a circle, and links of the
//! documentation lead somewhere.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod crates;
mod cycles;
mod documents;
mod modules;

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

#[test]
fn crates_depend_downwards_only() {
    let crates = crates::read(&root());
    let violations = crates::violations(&crates);
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

/// What must stay light, or apart.
#[test]
fn crates_stay_apart() {
    let crates = crates::read(&root());
    for (name, forbidden) in crates::APART {
        let all = crates::all_dependencies(&crates, name);
        for other in *forbidden {
            assert!(!all.contains(*other), "{name} depends on {other}");
        }
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut found = Vec::new();
    let folders = ["host", "plugins"].map(|folder| root().join(folder));
    let crates = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    for source in crates.map(|entry| entry.unwrap().path().join("src")).filter(|source| source.is_dir()) {
        let imports = modules::imports(&source);
        for cycle in cycles::cycles(&imports) {
            let names: Vec<String> =
                cycle.iter().map(|file| file.strip_prefix(root()).unwrap().display().to_string()).collect();
            found.push(format!("these import each other:\n  {}", names.join("\n  ")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn links_of_the_documentation_lead_somewhere() {
    let broken = documents::broken_links(&root());
    assert!(broken.is_empty(), "these lead nowhere:\n{}", broken.join("\n"));
}
