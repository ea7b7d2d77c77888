//! The crates of the workspace and what they depend on, read from their manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

/// The layers of the house, from the ground up: a crate depends only on crates that stand before it.
const LAYERS: &[&str] = &[
    "opkg-parallel",
    "opkg-secret",
    "opkg-scratch",
    "opkg-encoding",
    "opkg-fetch",
    "opkg-apitest",
    "opkg",
    "opkg-interface",
    "opkg-oci",
    "opkg-oda",
    "opkg-sqlite",
    "opkg-postgres",
    "opkg-database",
    "opkg-configurator",
    "opkg-package",
    "opkg-inspect",
    "opkg-payload",
    "opkg-attest",
    "opkg-convert",
    "opkg-runtime",
    "opkg-conformance",
    "opkg-build",
    "opkg-engine",
    "opkg-opm",
    "opkg-web",
    "opkg-shell",
    "opkgc-cli",
    "opm-cli",
];

/// Crates, and what must not be below them, however far: neither crates of ours nor foreign ones.
pub const APART: &[(&str, &[&str])] = &[
    // The host knows OPKGs and containers; only the runtime knows the engine of WebAssembly.
    ("opkg-package", &["opkg-runtime", "wasmtime"]),
    ("opkg-inspect", &["opkg-runtime", "wasmtime"]),
    ("opkg-attest", &["opkg-runtime", "wasmtime"]),
    ("opkg-payload", &["opkg-runtime", "wasmtime"]),
    ("opkg-oci", &["opkg-runtime", "wasmtime"]),
    // What runs plugins asks no server, and what reads and writes packages neither.
    ("opkg-runtime", &["opkg-fetch", "opkg-oci", "ureq"]),
    ("opkg-package", &["opkg-fetch", "ureq"]),
    ("opkg-inspect", &["opkg-fetch", "ureq"]),
    ("opkg-convert", &["opkg-runtime", "wasmtime"]),
    // What decides touches nothing.
    ("opkg-engine", &["opkg-runtime", "opkg-database", "opkg-opm", "rusqlite", "tokio-postgres"]),
    ("opkg-configurator", &["rusqlite", "opkg-database"]),
    ("opkg-oda", &["rusqlite", "tokio-postgres"]),
    ("opkg-runtime", &["wit-component"]),
    // The two programs have little in common.
    (
        "opkgc-cli",
        &["opkg-web", "opkg-database", "rusqlite", "tokio-postgres", "inquire", "crossterm", "httparse"],
    ),
    (
        "opm-cli",
        &[
            "opkg-build",
            "opkg-oci",
            "opkg-package",
            "opkg-attest",
            "opkg-convert",
            "opkg-inspect",
            "wit-component",
        ],
    ),
    ("opkg-shell", &["opkg-runtime", "wasmtime", "rusqlite"]),
];

#[derive(Debug)]
pub struct Crate {
    pub directory: PathBuf,
    /// Names of crates, without those for tests.
    pub dependencies: BTreeSet<String>,
}

/// The crates below `host/`, by name.
pub fn read(root: &Path) -> BTreeMap<String, Crate> {
    let entries = fs::read_dir(root.join("host")).unwrap().map(|entry| entry.unwrap().path());
    let manifests = entries.filter(|directory| directory.join("Cargo.toml").is_file());
    manifests
        .map(|directory| {
            let manifest: Table = fs::read_to_string(directory.join("Cargo.toml")).unwrap().parse().unwrap();
            let name = manifest["package"]["name"].as_str().unwrap().to_owned();
            let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
            let dependencies = dependencies.into_iter().flat_map(Table::keys).cloned().collect();
            (name, Crate { directory, dependencies })
        })
        .collect()
}

/// What breaks the order of the layers, a line each.
pub fn violations(crates: &BTreeMap<String, Crate>) -> Vec<String> {
    let level = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    let mut found = Vec::new();
    for (name, krate) in crates {
        let Some(own) = level(name) else {
            found.push(format!(
                "{name} has no place among the layers: give it one in tests/structure/crates.rs"
            ));
            continue;
        };
        let folder = krate.directory.file_name().unwrap().to_string_lossy().into_owned();
        if ![folder.clone(), format!("opkg-{folder}")].contains(name) {
            found.push(format!("the folder host/{folder} holds the crate {name}: one name each"));
        }
        for other in krate.dependencies.iter().filter(|it| level(it).is_some_and(|level| level >= own)) {
            found.push(format!("{name} depends on {other}, which stands above it"));
        }
    }
    found
}

/// All that a crate depends on, directly or not. Foreign crates are not looked into.
pub fn all_dependencies(crates: &BTreeMap<String, Crate>, name: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(name) = open.pop() {
        for dependency in crates.get(&name).into_iter().flat_map(|it| &it.dependencies) {
            if all.insert(dependency.clone()) {
                open.push(dependency.clone());
            }
        }
    }
    all
}
