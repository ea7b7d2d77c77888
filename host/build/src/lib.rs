//! Builds a plugin: a Rust crate in, or a core module of any language, a component out.
//!
//! The crate is compiled for `wasm32-unknown-unknown`, always with the same profile and without any path of
//! the machine in it, so that the same sources and compiler give the same bytes everywhere; the module that
//! comes out is then wrapped into a component and looked at before anybody gets it.

mod build_result;
mod c_bindings;
mod cargo;
mod encode;
mod error;
mod interface_page;
mod language;
mod options;
mod plugin_crate;
pub mod provenance;
mod toolchain;

use std::path::Path;

pub use build_result::{BuildResult, ModuleResult};
pub use c_bindings::c_bindings;
pub use cargo::PROFILE_SETTINGS;
pub use error::BuildError;
pub use interface_page::interface_page;
pub use language::{Language, MissingTool};
pub use options::{BuildOptions, StdLibrary, WASM_TARGET};

/// Builds the plugin whose `Cargo.toml` is in `dir`. What cargo and the compiler have to say goes to the
/// standard error stream while they work.
///
/// # Errors
/// When something is missing, does not compile, or compiles to something that is no plugin.
pub fn build_component(dir: &Path, options: BuildOptions) -> Result<BuildResult, BuildError> {
    let package = plugin_crate::PluginCrate::read(dir, options)?;
    let toolchain = toolchain::Toolchain::find(&package.root)?;
    let std = toolchain.choose_std(options.std)?;
    let artifact = cargo::compile(&package, &toolchain, std, options)?;
    let module = std::fs::read(&artifact.module)
        .map_err(|source| BuildError::Io { file: artifact.module.clone(), source })?;
    let component = encode::encode_component(&module, &package.name)?;
    let interface = encode::interface_version(&component)
        .ok_or_else(|| BuildError::NotAPlugin { name: package.name.clone() })?;
    let sources = cargo::read_sources(&artifact, &package, &toolchain)?;
    Ok(BuildResult {
        component,
        interface,
        std,
        sources,
        compiler: toolchain.version,
        crate_name: package.name,
        crate_version: package.version,
        workspace: package.workspace,
    })
}

/// Makes a component of a core module that some compiler made together with the bindings of the interface. What it calls of
/// the system by WASI 0.1, as the libraries of most languages do, is translated to WASI 0.2.
///
/// # Errors
/// When it cannot be read, or is no module of a plugin.
pub fn build_from_module(file: &Path) -> Result<ModuleResult, BuildError> {
    let module = std::fs::read(file).map_err(|source| BuildError::Io { file: file.to_owned(), source })?;
    let component = encode::encode_foreign_module(&module, file)?;
    let interface = encode::interface_version(&component)
        .ok_or_else(|| BuildError::ModuleExportsNothing { module: file.to_owned() })?;
    Ok(ModuleResult { component, interface })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use wit_bindgen_core::wit_parser::Resolve;
    use wit_component::{StringEncoding, embed_component_metadata};

    /// A hook's world, as small as can be.
    const WORLD: &str = "package opkg:plugin@0.1.0; interface hook { run: func() -> u32; } \
                         world hook-runner { export hook; }";

    /// A core module made for that world, which also calls what is given.
    fn module(imports: &str) -> Vec<u8> {
        let text = format!(
            r#"(module {imports} (memory (export "memory") 1)
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 0)
                (func (export "opkg:plugin/hook@0.1.0#run") (result i32) i32.const 7))"#
        );
        let mut module = wat::parse_str(text).unwrap();
        let mut resolve = Resolve::default();
        let package = resolve.push_str(Path::new("it.wit"), WORLD).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        module
    }

    fn build(module: &[u8]) -> Result<ModuleResult, BuildError> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("my.wasm");
        std::fs::write(&file, module).unwrap();
        build_from_module(&file)
    }

    fn imports(built: &ModuleResult) -> Vec<String> {
        opkg_runtime::ComponentInterface::read(&built.component).unwrap().imports
    }

    #[test]
    fn a_module_of_any_language_becomes_a_component() {
        let built = build(&module("")).unwrap();
        assert_eq!((built.interface.as_str(), imports(&built)), ("0.1.0", Vec::new()));
        assert_eq!(built.component, build(&module("")).unwrap().component);
    }

    #[test]
    fn what_it_calls_of_wasi_is_translated() {
        let write =
            r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#;
        let built = build(&module(write)).unwrap();
        let imports = imports(&built);
        let is_allowed = |name: &String| name.starts_with("wasi:") && name.contains("@0.2.");
        assert!(!imports.is_empty() && imports.iter().all(is_allowed), "{imports:?}");
        opkg_runtime::ComponentInterface::read(&built.component).unwrap().classify().unwrap();
    }

    #[test]
    fn what_it_calls_of_anything_else_is_refused() {
        let refused = build(&module(r#"(import "env" "open" (func))"#)).unwrap_err();
        assert!(refused.to_string().contains("`env::open`"), "{refused}");
    }
}
