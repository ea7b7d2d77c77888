//! What a plugin's file is, without installing it.

use std::path::Path;

use serde::Serialize;

use crate::component_interface::ComponentInterface;
use crate::entry::RegistryEntry;
use crate::error::LoadError;
use crate::options::RuntimeOptions;
use crate::plugin_description::PluginDescription;
use crate::plugin_kind::PluginKind;
use crate::registry::Registry;
use opkg::digest::sha256;

/// What is to be known about a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// In bytes.
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
    pub description: Option<PluginDescription>,
    /// Programs that it may want to have run.
    pub programs: Vec<String>,
    /// Those of them that nobody has granted.
    pub programs_to_grant: Vec<String>,
    /// Why it does not work.
    pub problem: Option<String>,
}

/// Looks at a component, and runs it to ask what it is.
///
/// # Errors
/// When it cannot be read, or is no component at all.
pub fn inspect(file: &Path, options: &RuntimeOptions) -> Result<Inspection, LoadError> {
    let fail = |problem| LoadError { plugin: file.display().to_string(), kind: problem };
    let bytes = crate::component_file::read_limited(file, options.limits.component_bytes).map_err(fail)?;
    let names = ComponentInterface::read(&bytes).map_err(fail)?;
    let alone = RuntimeOptions {
        plugin_files: vec![file.to_owned()],
        system_cache: options.system_cache.clone(),
        cache: options.cache.clone(),
        limits: options.limits.clone(),
        log: options.log.clone(),
        compiler: options.compiler.clone(),
        strategy: options.strategy,
        system_grants: options.system_grants.clone(),
        user_grants: options.user_grants.clone(),
        ..RuntimeOptions::default()
    };
    let registry = Registry::discover(alone);
    let plugin = registry.entries().first().filter(|entry| entry.distribution().is_some());
    let plugin = plugin.map(|entry| registry.plugin(entry)).transpose()?;
    // One that fails when it is asked is none that can be used; it may be inspected all the same.
    let programs = plugin.as_ref().and_then(|plugin| plugin.programs().ok()).unwrap_or_default();
    let programs_to_grant =
        plugin.as_ref().and_then(|plugin| plugin.programs_to_grant().ok()).unwrap_or_default();
    let entry = registry.into_entries().pop();
    let (description, problem) = match entry.map(RegistryEntry::into_load_result) {
        Some(Ok(description)) => (Some(description), None),
        Some(Err(error)) => (None, Some(error.kind.to_string())),
        None => (None, None),
    };
    let world = names.kind().map(PluginKind::world);
    let interface = names.classify().ok().map(|(_, version)| version);
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
        programs,
        programs_to_grant,
        problem,
    })
}
