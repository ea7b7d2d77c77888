//! What manifests and the lock file say that a crate is built from.
//!
//! Only what can change the component counts: neither dependencies of tests and of native builds, nor lints, nor what the
//! lock file says for other crates of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use opkg::digest::sha256;

use super::error::{ProvenanceError, read_file};

const MANIFEST: &str = "Cargo.toml";

/// The sections that name crates which become part of what is built, or run while it is built.
const DEPENDENCY_SECTIONS: [&str; 2] = ["dependencies", "build-dependencies"];

/// The target of what native builds of our crates need besides, as their manifests write it.
const NATIVE_TARGET: &str = "cfg(not(target_arch = \"wasm32\"))";

/// What a crate is built from, besides its sources.
#[derive(Debug, Default)]
pub struct BuildInputs {
    /// By path below the workspace: a sum of what each manifest of the workspace contributes.
    pub manifests: BTreeMap<String, String>,
    /// `name version` and checksum.
    pub crates: BTreeMap<String, String>,
}

/// Whether a recorded source is a manifest, of which only a part was counted.
pub fn is_manifest(path: &str) -> bool {
    path == MANIFEST || path.ends_with("/Cargo.toml")
}

/// Whether the crate in a directory makes a loadable module.
pub fn is_loadable(directory: &Path) -> Result<bool, ProvenanceError> {
    let manifest: Table = read_toml(&directory.join(MANIFEST))?;
    let kinds = manifest.get("lib").and_then(|lib| lib.get("crate-type")).and_then(Value::as_array);
    Ok(kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind.as_str() == Some("cdylib"))))
}

/// Where a crate wants its component to be kept, if it says so.
pub fn component_path(directory: &Path) -> Result<Option<PathBuf>, ProvenanceError> {
    let manifest: Table = read_toml(&directory.join(MANIFEST))?;
    let metadata = manifest.get("package").and_then(|package| package.get("metadata"));
    let place = metadata.and_then(|it| it.get("opkg")?.get("component")?.as_str());
    Ok(place.map(|place| normalize_path(&directory.join(place))))
}

impl BuildInputs {
    /// Follows the dependencies of the crate in `directory`.
    pub fn read(workspace: &Path, directory: &Path) -> Result<Self, ProvenanceError> {
        let root: Table = read_toml(&workspace.join(MANIFEST))?;
        let lock: LockFile = read_toml(&workspace.join("Cargo.lock"))?;
        let mut walk = DependencyWalk {
            workspace,
            root: &root,
            lock: &lock,
            inherited: Table::new(),
            inputs: Self::default(),
        };
        walk.visit_local_crate(&relative_to(workspace, directory))?;
        let DependencyWalk { inherited: used, mut inputs, .. } = walk;

        // What members inherit.
        let mut inherited = Table::new();
        inherited.insert("dependencies".into(), Value::Table(used));
        if let Some(package) = root.get("workspace").and_then(|workspace| workspace.get("package")) {
            inherited.insert("package".into(), package.clone());
        }
        inputs.manifests.insert(MANIFEST.into(), hash_table(&inherited));
        Ok(inputs)
    }
}

struct DependencyWalk<'a> {
    workspace: &'a Path,
    root: &'a Table,
    lock: &'a LockFile,
    /// Entries of `workspace.dependencies` that were inherited.
    inherited: Table,
    inputs: BuildInputs,
}

impl DependencyWalk<'_> {
    /// A crate of the workspace: its manifest, then what it depends on.
    fn visit_local_crate(&mut self, directory: &Path) -> Result<(), ProvenanceError> {
        let path = directory.join(MANIFEST);
        let key = path.to_string_lossy().into_owned();
        if self.inputs.manifests.contains_key(&key) {
            return Ok(());
        }
        let mut manifest: Table = read_toml(&self.workspace.join(&path))?;
        manifest.remove("dev-dependencies");
        manifest.remove("lints");
        if let Some(targets) = manifest.get_mut("target").and_then(Value::as_table_mut) {
            targets.remove(NATIVE_TARGET);
        }
        self.inputs.manifests.insert(key, hash_table(&manifest));

        let name = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
        let name = name.unwrap_or_default().to_owned();
        for (key, own) in read_dependencies(&manifest) {
            let inherits = own.get("workspace").and_then(Value::as_bool) == Some(true);
            let inherited = inherits.then(|| self.resolve_inherited(&key)).flatten();
            let (spec, base) = match &inherited {
                Some(spec) => (spec, Path::new("")),
                None => (&own, directory),
            };
            match spec.get("path").and_then(Value::as_str) {
                Some(path) => self.visit_local_crate(&normalize_path(&base.join(path)))?,
                None => {
                    let package = spec.get("package").and_then(Value::as_str).unwrap_or(&key);
                    self.visit_locked_dependency(&name, package);
                }
            }
        }
        Ok(())
    }

    fn resolve_inherited(&mut self, key: &str) -> Option<Value> {
        let spec = self.root.get("workspace")?.get("dependencies")?.get(key)?.clone();
        self.inherited.insert(key.to_owned(), spec.clone());
        Some(spec)
    }

    /// The crates called `wanted` among those that the lock file gives a local crate, with all theirs.
    fn visit_locked_dependency(&mut self, local: &str, wanted: &str) {
        let lock = self.lock;
        let locals = lock.package.iter().filter(|one| one.name == local && one.source.is_none());
        for reference in locals.flat_map(|one| &one.dependencies) {
            if reference.split(' ').next() == Some(wanted) {
                self.visit_registry_crate(reference);
            }
        }
    }

    /// A crate as the lock file refers to it: `name`, `name version` or `name version (source)`.
    fn visit_registry_crate(&mut self, reference: &str) {
        let mut words = reference.split(' ');
        let (name, version) = (words.next().unwrap_or_default(), words.next());
        let lock = self.lock;
        for one in &lock.package {
            if one.name != name || version.is_some_and(|version| one.version != version) {
                continue;
            }
            let sum = one.checksum.clone().or_else(|| one.source.clone()).unwrap_or_default();
            if self.inputs.crates.insert(format!("{} {}", one.name, one.version), sum).is_none() {
                for dependency in &one.dependencies {
                    self.visit_registry_crate(dependency);
                }
            }
        }
    }
}

/// The dependencies of a manifest, also those of single targets.
fn read_dependencies(manifest: &Table) -> Vec<(String, Value)> {
    let targets = manifest.get("target").and_then(Value::as_table).into_iter();
    let targets = targets.flat_map(Table::values).filter_map(Value::as_table);
    let tables = std::iter::once(manifest).chain(targets);
    let sections =
        tables.flat_map(|table| DEPENDENCY_SECTIONS.iter().filter_map(|section| table.get(*section)));
    let entries = sections.filter_map(Value::as_table).flatten();
    entries.map(|(key, spec)| (key.clone(), spec.clone())).collect()
}

/// `Cargo.lock`, as far as it matters here.
#[derive(Debug, Deserialize)]
struct LockFile {
    package: Vec<LockedPackage>,
}

#[derive(Debug, Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
    /// Absent for a crate of the workspace.
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: BTreeSet<String>,
}

fn read_toml<T: serde::de::DeserializeOwned>(file: &Path) -> Result<T, ProvenanceError> {
    let text = String::from_utf8_lossy(&read_file(file)?).into_owned();
    toml::from_str(&text)
        .map_err(|problem| ProvenanceError::Toml { file: file.to_owned(), problem: problem.to_string() })
}

/// A sum that neither comments nor the order of keys change.
fn hash_table(table: &Table) -> String {
    sha256(to_canonical_json(&Value::Table(table.clone())).to_string().as_bytes())
}

/// As JSON, in which tables become lists that are sorted by key.
fn to_canonical_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Table(table) => {
            let sorted: BTreeMap<_, _> = table.iter().collect();
            sorted
                .into_iter()
                .map(|(key, value)| serde_json::json!([key, to_canonical_json(value)]))
                .collect()
        }
        Value::Array(values) => values.iter().map(to_canonical_json).collect(),
        Value::String(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Boolean(truth) => (*truth).into(),
        Value::Datetime(moment) => moment.to_string().into(),
    }
}

/// `directory` as seen from `workspace`, in which it lies.
fn relative_to(workspace: &Path, directory: &Path) -> PathBuf {
    directory.strip_prefix(workspace).unwrap_or(directory).to_owned()
}

/// A path without `.` and `..`.
fn normalize_path(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    /// A workspace with the plugin `p`, which depends on the local crate `family`.
    fn workspace() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        write(
            "Cargo.toml",
            r#"[workspace.package]
               version = "0.1.0"
               [workspace.dependencies]
               family = { path = "plugins/family" }
               templates = { package = "askama", version = "1" }
               host-only = "1""#,
        );
        write(
            "plugins/p/Cargo.toml",
            r#"[package]
               name = "p"
               [lib]
               crate-type = ["rlib", "cdylib"]
               [dependencies]
               family.workspace = true
               [dev-dependencies]
               insta = "1""#,
        );
        write(
            "plugins/family/Cargo.toml",
            r#"[package]
               name = "the-family"
               [dependencies]
               templates.workspace = true
               [target.'cfg(not(target_arch = "wasm32"))'.dependencies]
               host-only.workspace = true"#,
        );
        write(
            "Cargo.lock",
            r#"version = 4
               [[package]]
               name = "askama"
               version = "1.0.0"
               source = "registry"
               checksum = "a1"
               dependencies = ["syn 2.0.0"]
               [[package]]
               name = "host-only"
               version = "1.0.0"
               source = "registry"
               checksum = "h1"
               [[package]]
               name = "insta"
               version = "1.0.0"
               source = "registry"
               checksum = "i1"
               [[package]]
               name = "p"
               version = "0.1.0"
               dependencies = ["insta", "the-family"]
               [[package]]
               name = "syn"
               version = "1.0.0"
               source = "registry"
               checksum = "s1"
               [[package]]
               name = "syn"
               version = "2.0.0"
               source = "registry"
               checksum = "s2"
               [[package]]
               name = "the-family"
               version = "0.1.0"
               dependencies = ["askama", "host-only"]"#,
        );
        root
    }

    fn inputs(root: &Path) -> BuildInputs {
        BuildInputs::read(root, &root.join("plugins/p")).unwrap()
    }

    fn edit(root: &Path, file: &str, from: &str, to: &str) {
        let file = root.join(file);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from));
        fs::write(file, text.replace(from, to)).unwrap();
    }

    #[test]
    fn crates_are_followed_through_local_ones_renamed_and_by_version() {
        let root = workspace();
        let crates = inputs(root.path()).crates;
        let expected = [("askama 1.0.0", "a1"), ("syn 2.0.0", "s2")];
        assert_eq!(crates, expected.map(|(name, sum)| (name.into(), sum.into())).into());
    }

    #[test]
    fn what_cannot_reach_the_component_does_not_count() {
        let root = workspace();
        let before = inputs(root.path()).manifests;
        edit(root.path(), "plugins/p/Cargo.toml", "insta = \"1\"", "insta = \"2\"");
        edit(root.path(), "Cargo.toml", "host-only = \"1\"", "host-only = \"2\" # newer");
        edit(root.path(), "Cargo.lock", "h1", "h2");
        assert_eq!(inputs(root.path()).manifests, before);
    }

    #[test]
    fn what_members_inherit_counts() {
        let root = workspace();
        let before = inputs(root.path()).manifests;
        edit(root.path(), "Cargo.toml", "version = \"1\" }", "version = \"1\", features = [\"x\"] }");
        let now = inputs(root.path()).manifests;
        assert_ne!(now["Cargo.toml"], before["Cargo.toml"]);
        assert_eq!(now["plugins/p/Cargo.toml"], before["plugins/p/Cargo.toml"]);
        edit(root.path(), "Cargo.toml", "0.1.0", "0.2.0");
        assert_ne!(inputs(root.path()).manifests["Cargo.toml"], now["Cargo.toml"]);
    }

    #[test]
    fn a_crate_that_only_others_depend_on_makes_no_module() {
        let root = workspace();
        assert!(is_loadable(&root.path().join("plugins/p")).unwrap());
        assert!(!is_loadable(&root.path().join("plugins/family")).unwrap());
    }
}
