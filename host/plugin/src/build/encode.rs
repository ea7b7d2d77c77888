//! From a core module to a component.

use wasmparser::{Encoding, Parser, Payload};
use wit_component::ComponentEncoder;

use super::BuildError;

/// Wraps a core module, whose custom section tells the world that it was compiled for.
pub fn component(module: &[u8], name: &str) -> Result<Vec<u8>, BuildError> {
    let encode = || ComponentEncoder::default().validate(true).module(module)?.encode();
    // The whole chain of causes: the last one is what the author can do something about.
    encode()
        .map_err(|problem| BuildError::Encoding { name: name.to_owned(), problem: format!("{problem:#}") })
}

/// The version of the plugin interface that a component exports, if it exports any of it: `0.1.0` of
/// `opkg:plugin/packaging@0.1.0`.
#[must_use]
pub fn interface_version(component: &[u8]) -> Option<String> {
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.ok()? {
            Payload::Version { encoding, .. } => {
                if depth == 0 && encoding == Encoding::Module {
                    return None;
                }
                depth += 1;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentExportSection(exports) if depth == 1 => {
                for export in exports {
                    let ours = export.ok()?.name.name.strip_prefix("opkg:plugin/");
                    if let Some((_, version)) = ours.and_then(|interface| interface.split_once('@')) {
                        return Some(version.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    None
}
