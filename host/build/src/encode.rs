//! From a core module to a component.

use std::path::Path;

use wasmparser::{Chunk, Encoding, Parser, Payload};
use wit_component::ComponentEncoder;

use opkg_runtime::ComponentInterface;

use crate::error::BuildError;

/// Wraps a core module, whose custom section tells the world that it was compiled for.
pub fn encode_component(module: &[u8], name: &str) -> Result<Vec<u8>, BuildError> {
    let encode = || {
        let component = ComponentEncoder::default().validate(true).module(module)?.encode()?;
        Ok::<_, anyhow::Error>(without_custom_sections(&component)?)
    };
    // The whole chain of causes: the last one is what the author can do something about.
    encode().map_err(|problem| BuildError::EncodeFailed {
        name: name.to_owned(),
        problem: format!("{problem:#}"),
    })
}

/// Where core modules find the system of WASI 0.1.
const WASI_MODULE: &str = wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME;

/// How the custom sections begin in which generators of bindings say what world a module is made for.
const WORLD_SECTION: &str = "component-type";

/// Wraps a core module that did not come from a crate. What it calls of WASI 0.1 is translated.
pub fn encode_foreign_module(module: &[u8], file: &Path) -> Result<Vec<u8>, BuildError> {
    let failed = |problem: String| BuildError::ModuleNotEncoded { module: file.to_owned(), problem };
    let about = ModuleInfo::read(module).map_err(|error| match module.starts_with(b"\0asm") {
        true => failed(error.to_string()),
        false => BuildError::NotAModule { file: file.to_owned() },
    })?;
    if about.is_component {
        return Err(BuildError::AlreadyComponent { file: file.to_owned() });
    }
    if !about.has_world {
        return Err(BuildError::NoWorld { module: file.to_owned() });
    }
    let encode = || {
        let mut encoder = ComponentEncoder::default().validate(true).module(module)?;
        if about.calls_wasi {
            let adapter = wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER;
            encoder = encoder.adapter(WASI_MODULE, adapter)?;
        }
        Ok::<_, anyhow::Error>(without_custom_sections(&encoder.encode()?)?)
    };
    encode().map_err(|problem| failed(format!("{problem:#}")))
}

/// What decides how a module is wrapped.
#[derive(Debug, Default, PartialEq, Eq)]
struct ModuleInfo {
    is_component: bool,
    /// Whether it says what world it is made for.
    has_world: bool,
    /// Whether it calls WASI 0.1.
    calls_wasi: bool,
}

impl ModuleInfo {
    fn read(module: &[u8]) -> wasmparser::Result<Self> {
        let mut info = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::Version { encoding: Encoding::Component, .. } => {
                    return Ok(Self { is_component: true, ..info });
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        info.calls_wasi |= import?.module == WASI_MODULE;
                    }
                }
                Payload::CustomSection(section) => {
                    info.has_world |= section.name().starts_with(WORLD_SECTION)
                }
                _ => {}
            }
        }
        Ok(info)
    }
}

/// A component without its own custom sections, which name its parts for people who look at them in a debugger.
fn without_custom_sections(component: &[u8]) -> wasmparser::Result<Vec<u8>> {
    let mut kept = Vec::with_capacity(component.len());
    let mut parser = Parser::new(0);
    let mut start = 0;
    loop {
        let Chunk::Parsed { consumed, payload } = parser.parse(&component[start..], true)? else {
            return Ok(component.to_vec());
        };
        let end = match &payload {
            Payload::ModuleSection { unchecked_range, .. }
            | Payload::ComponentSection { unchecked_range, .. } => unchecked_range.end,
            _ => start + consumed,
        };
        match payload {
            Payload::End(_) => return Ok(kept),
            Payload::CustomSection(_) => {}
            _ => kept.extend_from_slice(component.get(start..end).unwrap_or_default()),
        }
        start = end;
    }
}

/// The version of the plugin interface that a component implements, if it implements a world of it: `0.1.0`
/// of `opkg:plugin/packaging@0.1.0`.
pub fn interface_version(component: &[u8]) -> Option<String> {
    let names = ComponentInterface::read(component).ok()?;
    names.kind()?;
    let mut versions =
        names.exports.iter().filter_map(|name| name.strip_prefix("opkg:plugin/")?.split_once('@'));
    versions.next().map(|(_, version)| version.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn exporting(names: &[&str]) -> Vec<u8> {
        let exports: String =
            names.iter().map(|name| format!("(export \"{name}\" (instance $nothing))")).collect();
        wat::parse_str(format!("(component (instance $nothing){exports})")).unwrap()
    }

    #[test]
    fn the_version_of_a_whole_world() {
        let both = exporting(&["opkg:plugin/packaging@0.1.0", "opkg:plugin/package-manager@0.1.0"]);
        assert_eq!(interface_version(&both).as_deref(), Some("0.1.0"));
        assert_eq!(interface_version(&exporting(&["opkg:plugin/packaging@0.1.0"])), None);
        assert_eq!(interface_version(&exporting(&["wasi:cli/run@0.2.0"])), None);
        assert_eq!(interface_version(b"\0asm"), None);
    }

    #[test]
    fn names_for_debuggers_go_and_nothing_else() {
        let parts = r#"(core module $inner (@custom "inner" "1") (func (export "f")))
            (component (@custom "deep" "2") (import "x" (func)))
            (core instance $made (instantiate $inner))
            (instance $nothing) (export "opkg:plugin/packaging@0.1.0" (instance $nothing))"#;
        let named = wat::parse_str(format!(r#"(component $named (@custom "first" "3") {parts})"#)).unwrap();
        let bare = without_custom_sections(&named).unwrap();
        let is_outer =
            |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|place| place == text.as_bytes());
        for name in ["first", "component-name"] {
            assert!(is_outer(&named, name) && !is_outer(&bare, name), "{name}");
        }
        for name in ["inner", "deep", "packaging"] {
            assert!(is_outer(&bare, name), "{name}");
        }
        wasmparser::Validator::new().validate_all(&bare).unwrap();
        assert_eq!(without_custom_sections(&bare).unwrap(), bare);
        assert_eq!(ComponentInterface::read(&bare).unwrap(), ComponentInterface::read(&named).unwrap());
    }

    #[test]
    fn what_is_no_module_of_a_plugin_is_refused_with_what_to_do() {
        let refused =
            |bytes: &[u8]| encode_foreign_module(bytes, Path::new("my.wasm")).unwrap_err().to_string();
        let plain = wat::parse_str("(module)").unwrap();
        let cut = &plain[..6];
        let odd = wat::parse_str(r#"(module (@custom "component-type:x" "odd"))"#).unwrap();
        insta::assert_snapshot!(
            [refused(b"int main"), refused(cut), refused(&plain), refused(&exporting(&[])), refused(&odd)]
                .join("\n")
        );
    }

    #[test]
    fn a_module_that_calls_wasi_is_known() {
        let module =
            r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)) (@custom "component-type:x" ""))"#;
        let info = ModuleInfo::read(&wat::parse_str(module).unwrap()).unwrap();
        assert_eq!(info, ModuleInfo { is_component: false, has_world: true, calls_wasi: true });
    }

    #[test]
    fn a_module_that_calls_the_system_is_refused_with_what_it_calls() {
        let module = wat::parse_str(r#"(module (import "env" "open" (func)))"#).unwrap();
        insta::assert_snapshot!(encode_component(&module, "mine").unwrap_err(), @r"
        what the crate mine compiles to is not a plugin: failed to decode world from module: module was not valid: failed to resolve import `env::open`: module requires an import interface named `env`.
        A plugin implements the interface through the crate `opkg-sdk`, and no dependency of it may call the system (files, threads, environment, C code).
        ");
    }
}
