//! The host that the plugin runs in.

#[cfg(target_arch = "wasm32")]
use crate::bindings::opkg::plugin::host;

/// The version of the plugin interface that this SDK was made for.
pub const INTERFACE_VERSION: &str = "1.0.0";

/// The version of the plugin interface that the host has: [`INTERFACE_VERSION`] or a later one. In a native build, where there
/// is no host, the former.
#[must_use]
pub fn interface_version() -> String {
    #[cfg(target_arch = "wasm32")]
    return host::interface_version();
    #[cfg(not(target_arch = "wasm32"))]
    return INTERFACE_VERSION.to_owned();
}

/// Names of what the host can do beyond [`INTERFACE_VERSION`]. In a native build there are none.
#[must_use]
pub fn features() -> Vec<String> {
    #[cfg(target_arch = "wasm32")]
    return host::features();
    #[cfg(not(target_arch = "wasm32"))]
    return Vec::new();
}
