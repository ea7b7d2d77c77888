//! Where a prebuilt component comes from: everything that it was made of, so that it can be told without a
//! compiler whether it still is what its sources say, and with one that it truly came from them.
//!
//! The record names single files and crates rather than one sum of everything: what made a component stale
//! can then be said.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use opkg::digest::sha256;
use opkg_runtime::PluginDescription;

use self::error::read_file;
use crate::build_result::BuildResult;
use crate::cargo::PROFILE_SETTINGS;

mod error;
mod manifest;

pub use error::ProvenanceError;

/// What to do about a component that is not what its sources say.
pub const REBUILD_HINT: &str =
    "Build it anew with `scripts/wasm-toolchain` and `cargo run -p opkg-build --example prebuild`.";

/// What stands beside a prebuilt component, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Its id, which is also the name of its file and of the directory of its crate.
    pub plugin: String,
    /// The version of the interface that it exports.
    pub interface: String,
    /// SHA-256 of the component, in hexadecimal.
    pub component: String,
    /// Bytes of the component.
    pub size: u64,
    /// `rustc --version`.
    pub compiler: String,
    /// Where the compiler's standard library came from: `source` or `installed`.
    pub std: String,
    /// What it says of itself.
    pub description: PluginDescription,
    /// [`PROFILE_SETTINGS`].
    pub profile: Vec<String>,
    /// SHA-256 by path, below the root of the workspace, of every file that the compiler read; of manifests
    /// only what can change the component.
    pub sources: BTreeMap<String, String>,
    /// Crates from a registry, `name version`, and their checksums.
    pub crates: BTreeMap<String, String>,
}

impl Provenance {
    /// The record of a component that has just been built from `directory` and asked what it is.
    ///
    /// # Errors
    /// When something that it was built from cannot be read.
    pub fn from_build(
        built: &BuildResult,
        directory: &Path,
        description: PluginDescription,
    ) -> Result<Self, ProvenanceError> {
        let inputs = manifest::BuildInputs::read(&built.workspace, directory)?;
        let mut sources = inputs.manifests;
        for file in &built.sources {
            let path = file.strip_prefix(&built.workspace);
            let path = path.map_err(|_| ProvenanceError::OutsideWorkspace(file.clone()))?;
            sources.insert(path.to_string_lossy().into_owned(), hash_file(file)?);
        }
        Ok(Self {
            plugin: directory.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            interface: built.interface.clone(),
            component: sha256(&built.component),
            size: built.component.len() as u64,
            compiler: built.compiler.clone(),
            std: built.std.to_string(),
            description,
            profile: PROFILE_SETTINGS.map(str::to_owned).to_vec(),
            sources,
            crates: inputs.crates,
        })
    }

    /// Reads the record in a file.
    ///
    /// # Errors
    /// When it cannot be read or is no record.
    pub fn read(file: &Path) -> Result<Self, ProvenanceError> {
        let json = read_file(file)?;
        serde_json::from_slice(&json)
            .map_err(|source| ProvenanceError::Record { file: file.to_owned(), source })
    }

    /// The record as it stands in its file.
    ///
    /// # Errors
    /// Only when memory runs out.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// What differs between this record and the workspace as it is now, one line for each; nothing where the
    /// component is what its sources say. `component` holds the bytes that stand beside the record.
    ///
    /// # Errors
    /// When the manifests or the lock file cannot be read.
    pub fn compare_to_workspace(
        &self,
        workspace: &Path,
        directory: &Path,
        component: &[u8],
    ) -> Result<Vec<String>, ProvenanceError> {
        let inputs = manifest::BuildInputs::read(workspace, directory)?;
        let mut now = inputs.manifests;
        for path in self.sources.keys().filter(|path| !manifest::is_manifest(path)) {
            match hash_file(&workspace.join(path)) {
                Ok(hash) => now.insert(path.clone(), hash),
                Err(ProvenanceError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                    None
                }
                Err(other) => return Err(other),
            };
        }
        let mut differences = diff_checksums(&self.sources, &now);
        differences.extend(diff_checksums(&self.crates, &inputs.crates));
        if self.profile != PROFILE_SETTINGS {
            differences.push("the profile that plugins are compiled with has changed".into());
        }
        if self.component != sha256(component) || self.size != component.len() as u64 {
            differences.push("the component is not the one that was recorded".into());
        }
        Ok(differences)
    }
}

/// How a component that was built again differs from the recorded one, one line for each difference; nothing
/// where both are the same to the byte.
#[must_use]
pub fn compare(recorded: &Provenance, rebuilt: &Provenance) -> Vec<String> {
    let mut said = diff_checksums(&recorded.sources, &rebuilt.sources);
    said.extend(diff_checksums(&recorded.crates, &rebuilt.crates));
    let mut compare = |what: &str, recorded: &str, rebuilt: &str| {
        if recorded != rebuilt {
            said.push(format!("{what}: {recorded} is recorded, {rebuilt} is what it is now"));
        }
    };
    compare("the profile", &recorded.profile.join(", "), &rebuilt.profile.join(", "));
    compare("the compiler", &recorded.compiler, &rebuilt.compiler);
    compare("the standard library", &recorded.std, &rebuilt.std);
    compare("the interface", &recorded.interface, &rebuilt.interface);
    compare("the size", &recorded.size.to_string(), &rebuilt.size.to_string());
    compare("the component", &recorded.component, &rebuilt.component);
    if recorded.description != rebuilt.description {
        said.push("what the plugin says of itself has changed".into());
    }
    said
}

/// The differences between two sets of named sums.
fn diff_checksums(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let said = names.into_iter().filter_map(|name| match (before.get(name), now.get(name)) {
        (Some(old), Some(new)) if old == new => None,
        (Some(_), Some(_)) => Some(format!("{name} has changed")),
        (Some(_), None) => Some(format!("{name} is gone")),
        (None, _) => Some(format!("{name} is new")),
    });
    said.collect()
}

/// A component that is kept with its sources.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrebuiltComponent {
    /// The directory of its crate.
    pub directory: PathBuf,
    /// The component.
    pub component: PathBuf,
    /// Its record.
    pub record: PathBuf,
}

/// The components that are kept: those of the crates of `plugins/`, in `plugins/prebuilt`, and the hooks of the crates
/// of `examples/hooks/`, each with its record beside its manifest, which says where the component is. Sorted.
///
/// # Errors
/// When a manifest cannot be read.
pub fn find_prebuilt(workspace: &Path) -> Result<Vec<PrebuiltComponent>, ProvenanceError> {
    let prebuilt = workspace.join("plugins/prebuilt");
    let mut found = Vec::new();
    for directory in find_plugin_crates(&workspace.join("plugins"))? {
        let file = prebuilt.join(directory.file_name().unwrap_or_default());
        let (component, record) = (file.with_extension("wasm"), file.with_extension("json"));
        found.push(PrebuiltComponent { directory, component, record });
    }
    for directory in find_plugin_crates(&workspace.join("examples/hooks"))? {
        if let Some(component) = manifest::component_path(&directory)? {
            let record = directory.join("provenance.json");
            found.push(PrebuiltComponent { directory, component, record });
        }
    }
    found.sort();
    Ok(found)
}

/// The directories of crates that make loadable modules; none where there is no such directory.
fn find_plugin_crates(parent: &Path) -> Result<Vec<PathBuf>, ProvenanceError> {
    let io = |source| ProvenanceError::Io { file: parent.to_owned(), source };
    let mut found = Vec::new();
    if !parent.is_dir() {
        return Ok(found);
    }
    for entry in std::fs::read_dir(parent).map_err(io)? {
        let directory = entry.map_err(io)?.path();
        if directory.join("Cargo.toml").is_file() && manifest::is_loadable(&directory)? {
            found.push(directory);
        }
    }
    Ok(found)
}

fn hash_file(file: &Path) -> Result<String, ProvenanceError> {
    Ok(sha256(&read_file(file)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn record() -> Provenance {
        let description = serde_json::json!({
            "id": "p", "name": "P", "version": "1", "aliases": [], "releases": [], "archs": [],
        });
        Provenance {
            plugin: "p".into(),
            interface: "0.1.0".into(),
            component: sha256(b"component"),
            size: 9,
            compiler: "rustc 1.95.0".into(),
            std: "source".into(),
            description: serde_json::from_value(description).unwrap(),
            profile: PROFILE_SETTINGS.map(str::to_owned).to_vec(),
            sources: BTreeMap::new(),
            crates: BTreeMap::new(),
        }
    }

    /// A workspace with one plugin that depends on nothing, and its record.
    fn workspace() -> (tempfile::TempDir, PathBuf, Provenance) {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("plugins/p");
        std::fs::create_dir_all(directory.join("src")).unwrap();
        std::fs::write(root.path().join("Cargo.toml"), "[workspace]").unwrap();
        std::fs::write(root.path().join("Cargo.lock"), "version = 4\npackage = []").unwrap();
        std::fs::write(directory.join("Cargo.toml"), "[package]\nname = \"p\"").unwrap();
        std::fs::write(directory.join("src/lib.rs"), "fn a() {}").unwrap();
        let mut record = record();
        record.sources = manifest::BuildInputs::read(root.path(), &directory).unwrap().manifests;
        let source = "plugins/p/src/lib.rs";
        record.sources.insert(source.into(), hash_file(&root.path().join(source)).unwrap());
        (root, directory, record)
    }

    #[test]
    fn a_component_is_stale_by_what_changed() {
        let (root, directory, record) = workspace();
        let stale =
            |component: &[u8]| record.compare_to_workspace(root.path(), &directory, component).unwrap();
        assert_eq!(stale(b"component"), Vec::<String>::new());
        assert_eq!(stale(b"other"), ["the component is not the one that was recorded"]);

        std::fs::write(directory.join("src/lib.rs"), "fn b() {}").unwrap();
        assert_eq!(stale(b"component"), ["plugins/p/src/lib.rs has changed"]);
        std::fs::remove_file(directory.join("src/lib.rs")).unwrap();
        std::fs::write(directory.join("Cargo.toml"), "[package]\nname = \"q\"").unwrap();
        assert_eq!(stale(b"component"), ["plugins/p/Cargo.toml has changed", "plugins/p/src/lib.rs is gone"]);
    }

    #[test]
    fn a_component_that_was_built_again_differs_by_what_it_was_built_with() {
        let recorded = record();
        assert_eq!(compare(&recorded, &recorded), Vec::<String>::new());
        let mut rebuilt = recorded.clone();
        rebuilt.compiler = "rustc 1.96.0".into();
        rebuilt.crates.insert("askama 1.0.0".into(), "a1".into());
        assert_eq!(
            compare(&recorded, &rebuilt),
            ["askama 1.0.0 is new", "the compiler: rustc 1.95.0 is recorded, rustc 1.96.0 is what it is now"]
        );
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), record().to_json().unwrap()).unwrap();
        assert_eq!(Provenance::read(file.path()).unwrap(), record());
    }
}
