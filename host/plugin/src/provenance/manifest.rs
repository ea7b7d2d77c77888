//! What manifests and the lock file say that a crate is built from.
//!
//! Only what can change the component counts: neither dependencies of tests, nor lints, nor what the lock
//! file says for other crates of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::{ProvenanceError, read};
use crate::digest::sha256;

const MANIFEST: &str = "Cargo.toml";

/// The sections that name crates which become part of what is built, or run while it is built.
const DEPENDENCIES: [&str; 2] = ["dependencies", "build-dependencies"];

/// What a crate is built from, besides its sources.
#[derive(Debug, Default)]
pub struct Inputs {
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
pub fn makes_module(directory: &Path) -> Result<bool, ProvenanceError> {
    let manifest: Table = parse(&directory.join(MANIFEST))?;
    let kinds = manifest.get("lib").and_then(|lib| lib.get("crate-type")).and_then(Value::as_array);
    Ok(kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind.as_str() == Some("cdylib"))))
}

/// Where a crate wants its component to be kept, if it says so.
pub fn component(directory: &Path) -> Result<Option<PathBuf>, ProvenanceError> {
    let manifest: Table = parse(&directory.join(MANIFEST))?;
    let metadata = manifest.get("package").and_then(|package| package.get("metadata"));
    let place = metadata.and_then(|it| it.get("opkg")?.get("component")?.as_str());
    Ok(place.map(|place| normal(&directory.join(place))))
}

impl Inputs {
    /// Follows the dependencies of the crate in `directory`.
    pub fn read(workspace: &Path, directory: &Path) -> Result<Self, ProvenanceError> {
        let root: Table = parse(&workspace.join(MANIFEST))?;
        let lock: Lock = parse(&workspace.join("Cargo.lock"))?;
        let mut walk =
            Walk { workspace, root: &root, lock: &lock, used: Table::new(), inputs: Self::default() };
        walk.local_crate(&relative(workspace, directory))?;
        let Walk { used, mut inputs, .. } = walk;

        // What members inherit.
        let mut inherited = Table::new();
        inherited.insert("dependencies".into(), Value::Table(used));
        if let Some(package) = root.get("workspace").and_then(|workspace| workspace.get("package")) {
            inherited.insert("package".into(), package.clone());
        }
        inputs.manifests.insert(MANIFEST.into(), canonical_hash(&inherited));
        Ok(inputs)
    }
}

struct Walk<'a> {
    workspace: &'a Path,
    root: &'a Table,
    lock: &'a Lock,
    /// Entries of `workspace.dependencies` that were inherited.
    used: Table,
    inputs: Inputs,
}

impl Walk<'_> {
    /// A crate of the workspace: its manifest, then what it depends on.
    fn local_crate(&mut self, directory: &Path) -> Result<(), ProvenanceError> {
        let path = directory.join(MANIFEST);
        let key = path.to_string_lossy().into_owned();
        if self.inputs.manifests.contains_key(&key) {
            return Ok(());
        }
        let mut manifest: Table = parse(&self.workspace.join(&path))?;
        manifest.remove("dev-dependencies");
        manifest.remove("lints");
        self.inputs.manifests.insert(key, canonical_hash(&manifest));

        let name = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
        let name = name.unwrap_or_default().to_owned();
        for (key, own) in dependencies(&manifest) {
            let inherits = own.get("workspace").and_then(Value::as_bool) == Some(true);
            let inherited = inherits.then(|| self.inherit(&key)).flatten();
            let (spec, base) = match &inherited {
                Some(spec) => (spec, Path::new("")),
                None => (&own, directory),
            };
            match spec.get("path").and_then(Value::as_str) {
                Some(path) => self.local_crate(&normal(&base.join(path)))?,
                None => {
                    let package = spec.get("package").and_then(Value::as_str).unwrap_or(&key);
                    self.locked_dependency(&name, package);
                }
            }
        }
        Ok(())
    }

    fn inherit(&mut self, key: &str) -> Option<Value> {
        let spec = self.root.get("workspace")?.get("dependencies")?.get(key)?.clone();
        self.used.insert(key.to_owned(), spec.clone());
        Some(spec)
    }

    /// The crates called `wanted` among those that the lock file gives a local crate, with all theirs.
    fn locked_dependency(&mut self, local: &str, wanted: &str) {
        let lock = self.lock;
        let locals = lock.package.iter().filter(|one| one.name == local && one.source.is_none());
        for reference in locals.flat_map(|one| &one.dependencies) {
            if reference.split(' ').next() == Some(wanted) {
                self.registry_crate(reference);
            }
        }
    }

    /// A crate as the lock file refers to it: `name`, `name version` or `name version (source)`.
    fn registry_crate(&mut self, reference: &str) {
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
                    self.registry_crate(dependency);
                }
            }
        }
    }
}

/// The dependencies of a manifest, also those of single targets.
fn dependencies(manifest: &Table) -> Vec<(String, Value)> {
    let targets = manifest.get("target").and_then(Value::as_table).into_iter();
    let targets = targets.flat_map(Table::values).filter_map(Value::as_table);
    let tables = std::iter::once(manifest).chain(targets);
    let sections = tables.flat_map(|table| DEPENDENCIES.iter().filter_map(|section| table.get(*section)));
    let entries = sections.filter_map(Value::as_table).flatten();
    entries.map(|(key, spec)| (key.clone(), spec.clone())).collect()
}

/// `Cargo.lock`, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Debug, Deserialize)]
struct Locked {
    name: String,
    version: String,
    /// Absent for a crate of the workspace.
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: BTreeSet<String>,
}

fn parse<T: serde::de::DeserializeOwned>(file: &Path) -> Result<T, ProvenanceError> {
    let text = String::from_utf8_lossy(&read(file)?).into_owned();
    toml::from_str(&text)
        .map_err(|problem| ProvenanceError::Toml { file: file.to_owned(), problem: problem.to_string() })
}

/// A sum that neither comments nor the order of keys change.
fn canonical_hash(table: &Table) -> String {
    sha256(canonical(&Value::Table(table.clone())).to_string().as_bytes())
}

/// As JSON, in which tables become lists that are sorted by key.
fn canonical(value: &Value) -> serde_json::Value {
    match value {
        Value::Table(table) => {
            let sorted: BTreeMap<_, _> = table.iter().collect();
            sorted.into_iter().map(|(key, value)| serde_json::json!([key, canonical(value)])).collect()
        }
        Value::Array(values) => values.iter().map(canonical).collect(),
        Value::String(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Boolean(truth) => (*truth).into(),
        Value::Datetime(moment) => moment.to_string().into(),
    }
}

/// `directory` as seen from `workspace`, in which it lies.
fn relative(workspace: &Path, directory: &Path) -> PathBuf {
    directory.strip_prefix(workspace).unwrap_or(directory).to_owned()
}

/// A path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
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
               templates.workspace = true"#,
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
               dependencies = ["askama"]"#,
        );
        root
    }

    fn inputs(root: &Path) -> Inputs {
        Inputs::read(root, &root.join("plugins/p")).unwrap()
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
        assert!(makes_module(&root.path().join("plugins/p")).unwrap());
        assert!(!makes_module(&root.path().join("plugins/family")).unwrap());
    }
}
