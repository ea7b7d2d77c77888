//! From a core module to a component.

use wasmparser::{Chunk, Parser, Payload};
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
    fn a_module_that_calls_the_system_is_refused_with_what_it_calls() {
        let module = wat::parse_str(r#"(module (import "env" "open" (func)))"#).unwrap();
        insta::assert_snapshot!(encode_component(&module, "mine").unwrap_err(), @r"
        what the crate mine compiles to is not a plugin: failed to decode world from module: module was not valid: failed to resolve import `env::open`: module requires an import interface named `env`.
        A plugin implements the interface through the crate `opkg-sdk`, and no dependency of it may call the system (files, threads, environment, C code).
        ");
    }
}
