//! What came of a build.

use std::path::{Path, PathBuf};

use crate::error::BuildError;
use crate::options::StdLibrary;

/// A component, and what it was made of.
#[derive(Debug, Clone)]
pub struct BuildResult {
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
    pub std: StdLibrary,
    /// The directory of `Cargo.lock`, without symbolic links.
    pub workspace: PathBuf,
    /// The files of this machine that the compiler read, outside the registry and the standard library: the
    /// crate's own and those of crates that it names by path, with everything they include. Absolute, sorted.
    pub sources: Vec<PathBuf>,
}

impl BuildResult {
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
        write_component(file, &self.component)
    }
}

/// A component that was made of a core module.
#[derive(Debug, Clone)]
pub struct ModuleResult {
    /// The component itself.
    pub component: Vec<u8>,
    /// The version of the plugin interface that its exports name: `0.1.0`.
    pub interface: String,
}

impl ModuleResult {
    /// Writes the component, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written; the message names it.
    pub fn write(&self, file: &Path) -> Result<(), BuildError> {
        write_component(file, &self.component)
    }
}

fn write_component(file: &Path, component: &[u8]) -> Result<(), BuildError> {
    write_atomically(file, component).map_err(|source| BuildError::Io { file: file.to_owned(), source })
}

/// Puts a file in the place of another in one step, so that nobody ever reads half of it.
fn write_atomically(file: &Path, contents: &[u8]) -> std::io::Result<()> {
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
    partial.as_file().sync_all()?;
    partial.persist(file).map_err(|failed| failed.error)?;
    opkg_scratch::sync_directory(directory)
}
