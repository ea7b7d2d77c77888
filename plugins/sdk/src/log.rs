//! What a plugin tells the user while it works. Diagnostics about the OPKG are diagnostics instead.

#[cfg(target_arch = "wasm32")]
use crate::bindings::opkg::plugin::log::{self as host, Level};

/// Shown with `-v`.
pub fn info(message: &str) {
    #[cfg(target_arch = "wasm32")]
    host::log(Level::Info, message);
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("info: {message}");
}

/// Something that a person should look at.
pub fn warn(message: &str) {
    #[cfg(target_arch = "wasm32")]
    host::log(Level::Warn, message);
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("warning: {message}");
}

/// For whoever looks for a fault in the plugin.
pub fn debug(message: &str) {
    #[cfg(target_arch = "wasm32")]
    host::log(Level::Debug, message);
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("debug: {message}");
}

/// Lets a panic's message reach the host before the trap, which carries none. Called by every exported
/// function, since a component has no other moment at which it starts.
pub(crate) fn install_panic_hook() {
    #[cfg(target_arch = "wasm32")]
    {
        static INSTALLED: std::sync::Once = std::sync::Once::new();
        INSTALLED.call_once(|| {
            std::panic::set_hook(Box::new(|panic| host::log(Level::Error, &panic.to_string())));
        });
    }
}
