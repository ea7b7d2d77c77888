//! What authors of plugins get with the program: the interface, and the crates that plugins in Rust depend on. As they
//! stand in the sources that the program was built from.

/// A file, by its relative path.
pub type KitFile = (&'static str, &'static str);

/// The files of the interface, by name.
pub static WIT: &[KitFile] = include!(concat!(env!("OUT_DIR"), "/wit.rs"));

/// The crates, each in a directory of its own name.
static CRATES: &[KitFile] = include!(concat!(env!("OUT_DIR"), "/sdk.rs"));

/// What makes a workspace of them: their manifests take versions from it.
static WORKSPACE: KitFile = ("Cargo.toml", include_str!("../../../templates/plugin/sdk/Cargo.toml"));

/// The SDK, a workspace.
pub fn sdk() -> impl Iterator<Item = KitFile> {
    std::iter::once(WORKSPACE).chain(CRATES.iter().copied())
}

/// The interface in one text. It is one package, whose files each begin with its name.
#[must_use]
pub fn wit_document() -> String {
    let mut document = String::new();
    for (_, text) in WIT {
        let (package, rest) = text.split_once('\n').unwrap_or((text, ""));
        if document.is_empty() {
            document = format!("{package}\n");
        }
        document.push_str(rest);
    }
    document
}

/// The interface as a page of `docs`.
///
/// # Errors
/// When the interface that the program brings is no WIT.
pub fn interface_page() -> Result<String, impl std::error::Error> {
    opkg_build::interface_page(&wit_document())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;
    use toml::{Table, Value};

    fn table(text: &str) -> Table {
        text.parse().unwrap()
    }

    /// What a manifest takes from its workspace, besides other crates of ours.
    fn inherited(manifest: &Table) -> Vec<String> {
        let targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
        let tables = std::iter::once(manifest).chain(targets.map(|target| target.as_table().unwrap()));
        let names = ["dependencies", "dev-dependencies"];
        let sections = tables.flat_map(|table| names.iter().filter_map(|name| table.get(*name)));
        let entries = sections.flat_map(|section| section.as_table().unwrap());
        let is_inherited =
            |value: &Value| value.get("workspace").is_some_and(|it| it.as_bool() == Some(true));
        entries.filter(|(_, value)| is_inherited(value)).map(|(name, _)| name.clone()).collect()
    }

    #[test]
    fn the_workspace_of_the_sdk_says_what_that_of_the_sources_says() {
        let root =
            fs_err::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml")).unwrap();
        let (root, kit) = (table(&root), table(WORKSPACE.1));
        for key in ["version", "edition", "rust-version", "license"] {
            assert_eq!(kit["workspace"]["package"][key], root["workspace"]["package"][key], "{key}");
        }
        let ours = root["workspace"]["dependencies"].as_table().unwrap();
        let theirs = kit["workspace"]["dependencies"].as_table().unwrap();
        for (name, value) in theirs {
            match name.strip_prefix("opkg-") {
                Some(_) => assert_eq!(value["version"], ours[name]["version"], "{name}"),
                None => assert_eq!(Some(value), ours.get(name), "{name}"),
            }
        }
        let members = kit["workspace"]["members"].as_array().unwrap();
        for member in members {
            let path = format!("{}/Cargo.toml", member.as_str().unwrap());
            let (_, manifest) = sdk().find(|(name, _)| *name == path).unwrap();
            for name in inherited(&table(manifest)) {
                assert!(theirs.contains_key(&name), "{path}: {name}");
            }
        }
    }

    #[test]
    fn everything_is_there_once() {
        let names: Vec<&str> = sdk().map(|(name, _)| name).collect();
        for needed in
            ["opkg-sdk/wit/1.0.0/model.wit", "opkg-rpm-family/templates/opkg.spec", "opkg-deb-family/LICENSE"]
        {
            assert_eq!(names.iter().filter(|name| **name == needed).count(), 1, "{needed}");
        }
        assert!(names.iter().all(|name| !name.contains("/tests/") && !name.starts_with('/')));
    }

    #[test]
    fn the_document_names_its_package_once() {
        let document = wit_document();
        assert_eq!(document.matches("package opkg:plugin@").count(), 1);
        assert!(document.contains("world distribution {") && document.contains("world hook-runner {"));
    }
}
