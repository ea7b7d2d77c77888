//! The plugins that are part of the program.

use std::sync::OnceLock;

use opkg_runtime::{DistributionPlugin, Registry, RuntimeOptions};

/// All of them, compiled once for all tests.
pub fn all() -> &'static [DistributionPlugin] {
    static PLUGINS: OnceLock<Vec<DistributionPlugin>> = OnceLock::new();
    PLUGINS.get_or_init(|| {
        let registry = Registry::discover(RuntimeOptions { embedded: true, ..RuntimeOptions::default() });
        let entries = registry.entries().iter().filter(|entry| entry.distribution().is_some());
        entries.map(|entry| registry.plugin(entry).unwrap()).collect()
    })
}
