//! The version of the plugin interface that this program serves.

/// The version of `wit/` that this host speaks. Older ones of the same line are served as well.
pub const INTERFACE_VERSION: &str = "0.1.0";
