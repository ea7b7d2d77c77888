//! The crate to be built, as cargo describes it.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::BuildError;
use crate::options::{BuildOptions, WASM_TARGET};
use crate::toolchain::{cargo, command_line, run_for_output};

/// A crate that makes a loadable module.
#[derive(Debug)]
pub struct PluginCrate {
    /// As in its manifest.
    pub name: String,
    /// As in its manifest.
    pub version: String,
    /// Its directory, without symbolic links.
    pub root: PathBuf,
    /// The directory of `Cargo.lock`, without symbolic links.
    pub workspace: PathBuf,
    /// Where cargo puts what it makes.
    pub target_directory: PathBuf,
    /// Directories of all crates known by path; with those in `registries` they hold all the sources.
    pub local_crates: Vec<PathBuf>,
    /// Directories into which cargo unpacks crates, each of which is named after where it got them.
    pub registries: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct CargoMetadata {
    packages: Vec<MetadataPackage>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct MetadataPackage {
    name: String,
    version: String,
    source: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<MetadataTarget>,
}

#[derive(Deserialize)]
struct MetadataTarget {
    crate_types: Vec<String>,
}

impl MetadataPackage {
    fn root(&self) -> PathBuf {
        self.manifest_path.parent().unwrap_or(&self.manifest_path).to_owned()
    }

    fn is_loadable(&self) -> bool {
        self.targets.iter().flat_map(|target| &target.crate_types).any(|kind| kind == "cdylib")
    }
}

impl PluginCrate {
    /// The crate whose manifest is in `dir`.
    pub fn read(dir: &Path, options: BuildOptions) -> Result<Self, BuildError> {
        let manifest = dir.join("Cargo.toml");
        if !manifest.is_file() {
            return Err(BuildError::NotACrate { dir: dir.to_owned() });
        }
        let root = dir.canonicalize().map_err(|source| BuildError::Io { file: dir.to_owned(), source })?;
        let mut command = cargo(&root);
        command.args(["metadata", "--format-version", "1", "--filter-platform", WASM_TARGET]);
        if options.locked {
            command.arg("--locked");
        }
        let metadata: CargoMetadata =
            serde_json::from_str(&run_for_output(&mut command)?).map_err(|problem| {
                BuildError::UnexpectedOutput { command: command_line(&command), problem: problem.to_string() }
            })?;
        Self::from_metadata(metadata, root, manifest)
    }

    fn from_metadata(metadata: CargoMetadata, root: PathBuf, manifest: PathBuf) -> Result<Self, BuildError> {
        let (local, fetched): (Vec<_>, Vec<_>) =
            metadata.packages.iter().partition(|package| package.source.is_none());
        let Some(package) = local.iter().find(|package| package.root() == root) else {
            return Err(BuildError::VirtualWorkspace { manifest });
        };
        if !package.is_loadable() {
            return Err(BuildError::NotLoadable { name: package.name.clone(), manifest });
        }
        let mut registries: Vec<PathBuf> =
            fetched.iter().filter_map(|package| package.root().parent().map(Path::to_owned)).collect();
        registries.sort();
        registries.dedup();
        Ok(Self {
            name: package.name.clone(),
            version: package.version.clone(),
            local_crates: local.iter().map(|package| package.root()).collect(),
            root,
            workspace: metadata.workspace_root,
            target_directory: metadata.target_directory,
            registries,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn package_from(packages: &str) -> Result<PluginCrate, BuildError> {
        let json =
            format!(r#"{{"packages":[{packages}],"workspace_root":"/home/w","target_directory":"/t"}}"#);
        let metadata = serde_json::from_str(&json).unwrap();
        PluginCrate::from_metadata(metadata, "/home/w/mine".into(), "mine/Cargo.toml".into())
    }

    const MINE: &str = r#"{"name":"mine","version":"1.2.3","source":null,
        "manifest_path":"/home/w/mine/Cargo.toml","targets":[{"crate_types":["cdylib","rlib"]}]}"#;

    #[test]
    fn the_crate_and_where_its_sources_are() {
        let fetched = r#"{"name":"a","version":"1.0.0","source":"registry+x",
            "manifest_path":"/c/registry/src/index/a-1.0.0/Cargo.toml","targets":[]}"#;
        let near = r#"{"name":"sdk","version":"0.1.0","source":null,
            "manifest_path":"/home/sdk/Cargo.toml","targets":[]}"#;
        let package = package_from(&format!("{MINE},{fetched},{near}")).unwrap();
        assert_eq!((package.name.as_str(), package.version.as_str()), ("mine", "1.2.3"));
        assert_eq!(package.local_crates, [Path::new("/home/w/mine"), Path::new("/home/sdk")]);
        assert_eq!(package.registries, [Path::new("/c/registry/src/index")]);
    }

    #[test]
    fn a_library_that_cannot_be_loaded_is_refused_with_the_line_to_add() {
        let refused = package_from(&MINE.replace(r#""cdylib","#, "")).unwrap_err();
        insta::assert_snapshot!(refused, @r#"the crate mine makes no loadable module: add `crate-type = ["cdylib"]` to the section [lib] of mine/Cargo.toml"#);
    }

    #[test]
    fn a_workspace_is_not_a_crate() {
        let refused = package_from(&MINE.replace("/w/mine", "/w/other")).unwrap_err();
        insta::assert_snapshot!(refused, @"mine/Cargo.toml is a workspace without a crate of its own: name the directory of one of its members");
    }

    #[test]
    fn a_directory_without_a_manifest_is_named() {
        let refused = PluginCrate::read(Path::new("no/such/plugin"), BuildOptions::default()).unwrap_err();
        insta::assert_snapshot!(refused, @"no/such/plugin holds no Cargo.toml: name the directory of the plugin's crate");
    }
}
