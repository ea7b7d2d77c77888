//! Builds a plugin: a Rust crate in, a component out.
//!
//! The crate is compiled for `wasm32-unknown-unknown`, always with the same profile and without any path of
//! the machine in it, so that the same sources and compiler give the same bytes everywhere; the module that
//! comes out is then wrapped into a component and looked at before anybody gets it.

mod build_result;
mod cargo;
mod encode;
mod error;
mod options;
mod plugin_crate;
pub mod provenance;
mod toolchain;

use std::path::Path;

pub use build_result::BuildResult;
pub use cargo::PROFILE_SETTINGS;
pub use error::BuildError;
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
