//! The interface of plugins in C.

use std::path::Path;

use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

use crate::error::BuildError;

/// The world of a distribution's plugin.
const WORLD: &str = "distribution";

/// Bindings in C of the interface in one document of WIT: a header, a source, and an object that says to the linker what
/// world the module is made for; each with its name. The same as `wit-bindgen c` writes.
///
/// # Errors
/// When the document is none, or has no such world.
pub fn c_bindings(wit: &str) -> Result<Vec<(String, Vec<u8>)>, BuildError> {
    let generate = || {
        let mut resolve = Resolve::default();
        let package = resolve.push_str(Path::new("plugin.wit"), wit)?;
        let world = resolve.select_world(&[package], Some(WORLD))?;
        let mut files = Files::default();
        wit_bindgen_c::Opts::default().build().generate(&mut resolve, world, &mut files)?;
        Ok::<_, anyhow::Error>(files)
    };
    let files = generate().map_err(|problem| BuildError::Bindings { problem: format!("{problem:#}") })?;
    Ok(files.iter().map(|(name, contents)| (name.to_owned(), contents.to_vec())).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TINY: &str = "package opkg:plugin@0.1.0; interface it { f: func() -> string; } \
                        world distribution { export it; }";

    #[test]
    fn a_header_a_source_and_an_object_the_same_every_time() {
        let files = c_bindings(TINY).unwrap();
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["distribution.c", "distribution.h", "distribution_component_type.o"]);
        assert_eq!(files, c_bindings(TINY).unwrap());
    }

    #[test]
    fn what_is_no_interface_is_refused() {
        for wrong in ["", "package x:y;", "package"] {
            assert!(matches!(c_bindings(wrong), Err(BuildError::Bindings { .. })), "{wrong}");
        }
    }
}
