//! What a WebAssembly file is, read from its outermost names alone: before anything of it is compiled.

use serde::Serialize;
use wasmparser::{Chunk, Encoding, Parser, Payload};

use crate::error::LoadErrorKind;
use crate::plugin_kind::PluginKind;
use crate::version::{InterfaceLine, is_newer};
use opkg_interface::text::one_line;

/// The outermost names of a component.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ComponentInterface {
    /// What it needs from its host.
    pub imports: Vec<String>,
    /// What it offers.
    pub exports: Vec<String>,
}

impl ComponentInterface {
    /// Reads the names of imports and exports.
    ///
    /// # Errors
    /// When it is no component, or cut short.
    pub fn read(component: &[u8]) -> Result<Self, LoadErrorKind> {
        if !component.starts_with(b"\0asm") {
            return Err(LoadErrorKind::NotWasm);
        }
        let mut names = Self::default();
        let mut parser = Parser::new(0);
        let mut rest = component;
        loop {
            let (consumed, payload) = match parser.parse(rest, true).map_err(invalid_component)? {
                Chunk::Parsed { consumed, payload } => (consumed, payload),
                Chunk::NeedMoreData(_) => return Err(LoadErrorKind::Invalid("it ends too early".into())),
            };
            rest = &rest[consumed..];
            match payload {
                Payload::Version { encoding: Encoding::Module, .. } => return Err(LoadErrorKind::CoreModule),
                Payload::ComponentImportSection(section) => {
                    for import in section {
                        names.imports.push(one_line(import.map_err(invalid_component)?.name.name));
                    }
                }
                Payload::ComponentExportSection(section) => {
                    for export in section {
                        names.exports.push(one_line(export.map_err(invalid_component)?.name.name));
                    }
                }
                Payload::ModuleSection { unchecked_range, .. }
                | Payload::ComponentSection { unchecked_range, .. } => {
                    let length = unchecked_range.end - unchecked_range.start;
                    rest = rest
                        .get(length..)
                        .ok_or_else(|| LoadErrorKind::Invalid("it ends too early".into()))?;
                }
                Payload::End(_) => return Ok(names),
                _ => {}
            }
        }
    }

    /// What the component is made for, and the version of the interface, which is one that this host can serve.
    ///
    /// # Errors
    /// When it is no plugin, made for another version, or needs something that no plugin gets.
    pub fn classify(&self) -> Result<(PluginKind, String), LoadErrorKind> {
        let role = self.kind().ok_or_else(|| self.unknown_kind())?;
        let mut found: Vec<String> =
            role.exports().iter().flat_map(|it| self.export_versions(it)).map(str::to_owned).collect();
        found.sort();
        found.dedup();
        match found.as_slice() {
            [version] if InterfaceLine::of(version).is_some() => {
                self.require_containers(role, version)?;
                match self.imports.iter().find(|name| !is_allowed_import(role, name)) {
                    Some(name) => Err(LoadErrorKind::Incompatible(format!(
                        "it imports {name}, which no such plugin gets"
                    ))),
                    None => Ok((role, version.clone())),
                }
            }
            _ => {
                let newer = found.iter().any(|version| is_newer(version));
                Err(LoadErrorKind::UnsupportedVersion { found, newer })
            }
        }
    }

    /// What the component is made for, of whichever version of the interface.
    #[must_use]
    pub fn kind(&self) -> Option<PluginKind> {
        let has = |interface: &&str| self.export_versions(interface).next().is_some();
        PluginKind::ALL.into_iter().find(|role| role.exports().iter().all(&has))
    }

    /// Whether it needs an interface of the plugin interface: `process`.
    #[must_use]
    pub fn imports_interface(&self, interface: &str) -> bool {
        let name =
            |import: &String| Some(import.strip_prefix("opkg:plugin/")?.split('@').next()? == interface);
        self.imports.iter().filter_map(name).any(|it| it)
    }

    /// Why it is made for nothing that is known.
    fn unknown_kind(&self) -> LoadErrorKind {
        let has = |interface: &str| self.export_versions(interface).next().is_some();
        let half = PluginKind::ALL.into_iter().find_map(|role| {
            let found = role.exports().iter().copied().find(|interface| has(interface))?;
            let missing = role.exports().iter().copied().find(|interface| !has(interface))?;
            Some(LoadErrorKind::MissingExport { found, missing })
        });
        half.unwrap_or_else(|| LoadErrorKind::NotAPlugin { exports: self.exports.clone() })
    }

    /// A world of version 1.0 has one interface more than those before it.
    fn require_containers(&self, role: PluginKind, version: &str) -> Result<(), LoadErrorKind> {
        let missing = "opkg:plugin/containers";
        let is_complete = role != PluginKind::Distribution
            || InterfaceLine::of(version) != Some(InterfaceLine::V1)
            || self.export_versions(missing).any(|found| found == version);
        match is_complete {
            true => Ok(()),
            false => Err(LoadErrorKind::MissingExport { found: role.exports()[0], missing }),
        }
    }

    fn export_versions<'a>(&'a self, interface: &'a str) -> impl Iterator<Item = &'a str> {
        self.exports.iter().filter_map(move |name| name.strip_prefix(interface)?.strip_prefix('@'))
    }
}

fn is_allowed_import(role: PluginKind, import: &str) -> bool {
    let (interface, version) = import.split_once('@').unwrap_or((import, ""));
    role.imports().contains(&interface) || interface.starts_with("wasi:") && version.starts_with("0.2.")
}

fn invalid_component(error: wasmparser::BinaryReaderError) -> LoadErrorKind {
    LoadErrorKind::Invalid(one_line(error.message()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn names(exports: &[&str]) -> ComponentInterface {
        ComponentInterface {
            imports: Vec::new(),
            exports: exports.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    #[test]
    fn only_the_outermost_names_count() {
        let component = wat::parse_str(
            r#"(component
                (import "wasi:cli/environment@0.2.3" (instance))
                (component (import "inner" (func)))
                (core module (import "a" "b" (func)))
                (instance $nothing)
                (export "opkg:plugin/packaging@0.1.0" (instance $nothing)))"#,
        )
        .unwrap();
        let names = ComponentInterface::read(&component).unwrap();
        assert_eq!(names.imports, ["wasi:cli/environment@0.2.3"]);
        assert_eq!(names.exports, ["opkg:plugin/packaging@0.1.0"]);
        assert!(matches!(
            ComponentInterface::read(&component[..component.len() - 3]),
            Err(LoadErrorKind::Invalid(_))
        ));
    }

    #[test]
    fn what_is_no_component() {
        assert!(matches!(ComponentInterface::read(b"#!/bin/sh"), Err(LoadErrorKind::NotWasm)));
        assert!(matches!(ComponentInterface::read(b""), Err(LoadErrorKind::NotWasm)));
        assert!(matches!(
            ComponentInterface::read(&wat::parse_str("(module)").unwrap()),
            Err(LoadErrorKind::CoreModule)
        ));
    }

    #[test]
    fn versions_that_meet() {
        let with = |version: &str| {
            let exports = PluginKind::Distribution.exports().iter().chain(&["opkg:plugin/containers"]);
            let exports: Vec<String> = exports.map(|name| format!("{name}@{version}")).collect();
            names(&exports.iter().map(String::as_str).collect::<Vec<_>>()).classify()
        };
        for version in ["0.1.0", "1.0.0", "1.0.7", "1.12.0"] {
            assert_eq!(with(version).unwrap(), (PluginKind::Distribution, version.into()));
        }
        for (version, newer) in
            [("0.1.1", false), ("0.2.0", false), ("2.0.0", true), ("0.0.9", false), ("x", false)]
        {
            let error = with(version).unwrap_err();
            assert!(
                matches!(&error, LoadErrorKind::UnsupportedVersion { newer: it, .. } if *it == newer),
                "{version}: {error}"
            );
        }
        insta::assert_snapshot!(with("2.0.0").unwrap_err(), @"was made for version 2.0.0 of the plugin interface, this program takes 0.1.0 and 1.x");
        let mixed = names(&["opkg:plugin/packaging@0.1.0", "opkg:plugin/package-manager@1.0.0"]);
        insta::assert_snapshot!(mixed.classify().unwrap_err(), @"was made for version 0.1.0 and 1.0.0 of the plugin interface, this program takes 0.1.0 and 1.x");
        insta::assert_snapshot!(names(&["run", "opkg:plugin/packaging@0.1.0"]).classify().unwrap_err(), @"exports opkg:plugin/packaging, but not opkg:plugin/package-manager, which belongs to the same world");
        let both = ["opkg:plugin/packaging@1.0.0", "opkg:plugin/package-manager@1.0.0"];
        insta::assert_snapshot!(names(&both).classify().unwrap_err(), @"exports opkg:plugin/packaging, but not opkg:plugin/containers, which belongs to the same world");
        insta::assert_snapshot!(names(&["run", "a:b/c@1.0.0"]).classify().unwrap_err(), @"is a WebAssembly component, but neither a distribution plugin nor a hook: it exports run, a:b/c@1.0.0");
        for version in ["0.1.0", "1.0.0"] {
            let hook = names(&["run", &format!("opkg:plugin/hook@{version}")]);
            assert_eq!(hook.classify().unwrap(), (PluginKind::HookRunner, version.into()));
        }
    }

    #[test]
    fn what_each_world_may_import() {
        let with = |export: &str, import: &str| ComponentInterface {
            imports: vec![import.to_owned()],
            exports: vec![export.to_owned()],
        };
        let hook = with("opkg:plugin/hook@0.1.0", "opkg:plugin/process@0.1.0");
        assert!(
            hook.classify().is_ok() && hook.imports_interface("process") && !hook.imports_interface("files")
        );
        let error = with("opkg:plugin/hook@0.1.0", "opkg:plugin/opkg@0.1.0").classify().unwrap_err();
        insta::assert_snapshot!(error, @"does not fit this program: it imports opkg:plugin/opkg@0.1.0, which no such plugin gets");
    }

    proptest! {
        #![proptest_config(crate::testing::proptest_config())]

        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = ComponentInterface::read(&bytes);
            bytes.splice(..0, *b"\0asm\x0d\0\x01\0");
            let _ = ComponentInterface::read(&bytes);
        }
    }
}
