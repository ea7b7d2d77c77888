//! What a WebAssembly file is, read from its outermost names alone: before anything of it is compiled.

use serde::Serialize;
use wasmparser::{Chunk, Encoding, Parser, Payload};

use crate::error::Problem;
use crate::role::Role;
use crate::text::one_line;
use crate::version::VERSION;

/// The outermost names of a component.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Names {
    /// What it needs from its host.
    pub imports: Vec<String>,
    /// What it offers.
    pub exports: Vec<String>,
}

impl Names {
    /// Reads them.
    ///
    /// # Errors
    /// When it is no component, or cut short.
    pub fn read(component: &[u8]) -> Result<Self, Problem> {
        if !component.starts_with(b"\0asm") {
            return Err(Problem::NotWasm);
        }
        let mut names = Self::default();
        let mut parser = Parser::new(0);
        let mut rest = component;
        loop {
            let (consumed, payload) = match parser.parse(rest, true).map_err(invalid)? {
                Chunk::Parsed { consumed, payload } => (consumed, payload),
                Chunk::NeedMoreData(_) => return Err(Problem::Invalid("it ends too early".into())),
            };
            rest = &rest[consumed..];
            match payload {
                Payload::Version { encoding: Encoding::Module, .. } => return Err(Problem::CoreModule),
                Payload::ComponentImportSection(section) => {
                    for import in section {
                        names.imports.push(one_line(import.map_err(invalid)?.name.name));
                    }
                }
                Payload::ComponentExportSection(section) => {
                    for export in section {
                        names.exports.push(one_line(export.map_err(invalid)?.name.name));
                    }
                }
                Payload::ModuleSection { unchecked_range, .. }
                | Payload::ComponentSection { unchecked_range, .. } => {
                    let length = unchecked_range.end - unchecked_range.start;
                    rest = rest.get(length..).ok_or_else(|| Problem::Invalid("it ends too early".into()))?;
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
    pub fn plugin(&self) -> Result<(Role, String), Problem> {
        let role = self.role().ok_or_else(|| Problem::NotAPlugin { exports: self.exports.clone() })?;
        let mut found: Vec<String> =
            role.exports().iter().flat_map(|it| self.versions(it)).map(str::to_owned).collect();
        found.sort();
        found.dedup();
        match found.as_slice() {
            [version] if served(version) => match self.imports.iter().find(|name| !given(role, name)) {
                Some(name) => Err(Problem::Misfit(format!("it imports {name}, which no such plugin gets"))),
                None => Ok((role, version.clone())),
            },
            _ => {
                let newer = found.iter().any(|version| numbers(version) > numbers(VERSION));
                Err(Problem::Version { found, newer })
            }
        }
    }

    /// What the component is made for, of whichever version of the interface.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        let has = |interface: &&str| self.versions(interface).next().is_some();
        Role::ALL.into_iter().find(|role| role.exports().iter().all(&has))
    }

    /// Whether it needs an interface of the plugin interface: `process`.
    #[must_use]
    pub fn needs(&self, interface: &str) -> bool {
        let name =
            |import: &String| Some(import.strip_prefix("opkg:plugin/")?.split('@').next()? == interface);
        self.imports.iter().filter_map(name).any(|it| it)
    }

    fn versions<'a>(&'a self, interface: &'a str) -> impl Iterator<Item = &'a str> {
        self.exports.iter().filter_map(move |name| name.strip_prefix(interface)?.strip_prefix('@'))
    }
}

fn given(role: Role, import: &str) -> bool {
    let (interface, version) = import.split_once('@').unwrap_or((import, ""));
    role.imports().contains(&interface) || interface.starts_with("wasi:") && version.starts_with("0.2.")
}

/// Within a line `0.y`, a host serves what is not newer than itself.
fn served(version: &str) -> bool {
    match (numbers(version), numbers(VERSION)) {
        (Some([major, minor, patch]), Some(own)) => [major, minor] == own[..2] && patch <= own[2],
        _ => false,
    }
}

fn numbers(version: &str) -> Option<[u64; 3]> {
    let mut parts = version.split('.').map(|part| part.parse::<u64>().ok());
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

fn invalid(error: wasmparser::BinaryReaderError) -> Problem {
    Problem::Invalid(one_line(error.message()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn names(exports: &[&str]) -> Names {
        Names { imports: Vec::new(), exports: exports.iter().map(|&name| name.to_owned()).collect() }
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
        let names = Names::read(&component).unwrap();
        assert_eq!(names.imports, ["wasi:cli/environment@0.2.3"]);
        assert_eq!(names.exports, ["opkg:plugin/packaging@0.1.0"]);
        assert!(matches!(Names::read(&component[..component.len() - 3]), Err(Problem::Invalid(_))));
    }

    #[test]
    fn what_is_no_component() {
        assert!(matches!(Names::read(b"#!/bin/sh"), Err(Problem::NotWasm)));
        assert!(matches!(Names::read(b""), Err(Problem::NotWasm)));
        assert!(matches!(Names::read(&wat::parse_str("(module)").unwrap()), Err(Problem::CoreModule)));
    }

    #[test]
    fn versions_that_meet() {
        let with = |version: &str| {
            let exports: Vec<String> =
                Role::Distribution.exports().iter().map(|name| format!("{name}@{version}")).collect();
            names(&exports.iter().map(String::as_str).collect::<Vec<_>>()).plugin()
        };
        assert_eq!(with("0.1.0").unwrap(), (Role::Distribution, "0.1.0".into()));
        for (version, newer) in
            [("0.1.1", true), ("0.2.0", true), ("1.0.0", true), ("0.0.9", false), ("x", false)]
        {
            let error = with(version).unwrap_err();
            assert!(
                matches!(&error, Problem::Version { newer: it, .. } if *it == newer),
                "{version}: {error}"
            );
        }
        insta::assert_snapshot!(with("0.2.0").unwrap_err(), @"was made for version 0.2.0 of the plugin interface, this program takes 0.1.0");
        let mixed = names(&["opkg:plugin/packaging@0.1.0", "opkg:plugin/package-manager@0.2.0"]);
        insta::assert_snapshot!(mixed.plugin().unwrap_err(), @"was made for version 0.1.0 and 0.2.0 of the plugin interface, this program takes 0.1.0");
        insta::assert_snapshot!(names(&["run", "opkg:plugin/packaging@0.1.0"]).plugin().unwrap_err(), @"is a WebAssembly component, but neither a distribution plugin nor a hook: it exports run, opkg:plugin/packaging@0.1.0");
        let hook = names(&["run", "opkg:plugin/hook@0.1.0"]);
        assert_eq!(hook.plugin().unwrap(), (Role::HookRunner, "0.1.0".into()));
    }

    #[test]
    fn what_each_world_may_import() {
        let with = |export: &str, import: &str| Names {
            imports: vec![import.to_owned()],
            exports: vec![export.to_owned()],
        };
        let hook = with("opkg:plugin/hook@0.1.0", "opkg:plugin/process@0.1.0");
        assert!(hook.plugin().is_ok() && hook.needs("process") && !hook.needs("files"));
        let error = with("opkg:plugin/hook@0.1.0", "opkg:plugin/opkg@0.1.0").plugin().unwrap_err();
        insta::assert_snapshot!(error, @"does not fit this program: it imports opkg:plugin/opkg@0.1.0, which no such plugin gets");
    }

    proptest! {
        #![proptest_config(crate::testing::deterministic())]

        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Names::read(&bytes);
            bytes.splice(..0, *b"\0asm\x0d\0\x01\0");
            let _ = Names::read(&bytes);
        }
    }
}
