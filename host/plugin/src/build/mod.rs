//! Builds a plugin: a Rust crate in, a component out.
//!
//! The crate is compiled for `wasm32-unknown-unknown`, always with the same profile and without any path of
//! the machine in it, so that the same sources and compiler give the same bytes everywhere; the module that
//! comes out is then wrapped into a component and looked at before anybody gets it.

mod cargo;
mod encode;
mod error;
mod package;
mod toolchain;

use std::path::{Path, PathBuf};

pub use cargo::PROFILE;
pub use error::BuildError;
pub use toolchain::{Std, TARGET};

/// How to build.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Which standard library to use; where nothing is said, the installed one, else its source.
    pub std: Option<Std>,
    /// Refuse to touch `Cargo.lock`.
    pub locked: bool,
    /// Keep cargo's progress off the screen; its errors and warnings are shown all the same.
    pub quiet: bool,
}

/// A component, and what it was made of.
#[derive(Debug, Clone)]
pub struct Built {
    /// The component itself.
    pub component: Vec<u8>,
    /// Name of the crate.
    pub crate_name: String,
    /// Version of the crate.
    pub crate_version: String,
    /// The version of the plugin interface that its exports name: `0.1.0`.
    pub interface: String,
    /// What `rustc --version` says of the compiler.
    pub compiler: String,
    /// Where the standard library came from.
    pub std: Std,
    /// The directory of `Cargo.lock`, without symbolic links.
    pub workspace: PathBuf,
    /// The files of this machine that the compiler read, outside the registry and the standard library: the
    /// crate's own and those of crates that it names by path, with everything they include. Absolute, sorted.
    pub sources: Vec<PathBuf>,
}

impl Built {
    /// What to call the file where the user names none: the crate's name with `.wasm`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.wasm", self.crate_name)
    }

    /// Writes the component, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written; the message names it.
    pub fn write(&self, file: &Path) -> Result<(), BuildError> {
        replace(file, &self.component).map_err(|source| BuildError::Io { file: file.to_owned(), source })
    }
}

/// Builds the plugin whose `Cargo.toml` is in `dir`. What cargo and the compiler have to say goes to the
/// standard error stream while they work.
///
/// # Errors
/// When something is missing, does not compile, or compiles to something that is no plugin.
pub fn component(dir: &Path, options: Options) -> Result<Built, BuildError> {
    let package = package::Package::read(dir, options)?;
    let toolchain = toolchain::Toolchain::find(&package.root)?;
    let std = toolchain.choose_std(options.std)?;
    let artifact = cargo::compile(&package, &toolchain, std, options)?;
    let module = std::fs::read(&artifact.module)
        .map_err(|source| BuildError::Io { file: artifact.module.clone(), source })?;
    let component = encode::component(&module, &package.name)?;
    let interface = encode::interface_version(&component)
        .ok_or_else(|| BuildError::NotAPlugin { name: package.name.clone() })?;
    let sources = cargo::sources(&artifact, &package, &toolchain)?;
    Ok(Built {
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

/// Puts a file in the place of another in one step, so that nobody ever reads half of it.
fn replace(file: &Path, contents: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut partial = tempfile::Builder::new()
        .prefix(".component")
        .permissions(std::fs::Permissions::from_mode(0o666))
        .tempfile_in(directory)?;
    std::io::Write::write_all(&mut partial, contents)?;
    partial.persist(file).map_err(|failed| failed.error)?;
    Ok(())
}
