//! What a plugin's file is, without installing it.

use std::path::Path;

use serde::Serialize;

use crate::digest::sha256;
use crate::entry::{self, Entry};
use crate::error::LoadError;
use crate::identity::Identity;
use crate::interface::Names;
use crate::options::Options;
use crate::registry::Registry;
use crate::role::Role;

/// What is to be known about a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Bytes.
    pub size: u64,
    /// In hexadecimal.
    pub sha256: String,
    /// The world of the plugin interface that it implements, if any.
    pub world: Option<&'static str>,
    /// The version of the interface, if this program serves it.
    pub interface: Option<String>,
    /// What it offers.
    pub exports: Vec<String>,
    /// What it needs from its host, WASI left out.
    pub imports: Vec<String>,
    /// What it needs of WASI, of which it gets an empty one.
    pub wasi: Vec<String>,
    /// What it says of itself, if it works.
    pub description: Option<Identity>,
    /// Why it does not work.
    pub problem: Option<String>,
}

/// Looks at a component, and runs it to ask what it is.
///
/// # Errors
/// When it cannot be read, or is no component at all.
pub fn inspect(file: &Path, options: &Options) -> Result<Inspection, LoadError> {
    let fail = |problem| LoadError { plugin: file.display().to_string(), problem };
    let bytes = entry::read(file, options.limits.component).map_err(fail)?;
    let names = Names::read(&bytes).map_err(fail)?;
    let alone = Options {
        plugin_files: vec![file.to_owned()],
        cache: options.cache.clone(),
        limits: options.limits.clone(),
        log: options.log.clone(),
        ..Options::default()
    };
    let entry = Registry::discover(alone).into_entries().pop();
    let (description, problem) = match entry.map(Entry::into_state) {
        Some(Ok(description)) => (Some(description), None),
        Some(Err(error)) => (None, Some(error.problem.to_string())),
        None => (None, None),
    };
    let world = names.role().map(Role::world);
    let interface = names.plugin().ok().map(|(_, version)| version);
    let (wasi, imports) = names.imports.into_iter().partition(|name| name.starts_with("wasi:"));
    Ok(Inspection {
        size: bytes.len() as u64,
        sha256: sha256(&bytes),
        world,
        interface,
        exports: names.exports,
        imports,
        wasi,
        description,
        problem,
    })
}
