//! What the interface of `wit/` becomes in Rust: records of the plugin's side of the house. Only this
//! crate calls through them; the others see the records alone.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

wasmtime::component::bindgen!({
    path: "../../wit/0.1.0",
    world: "distribution",
    additional_derives: [PartialEq],
});

/// The world `hook-runner`.
pub mod hook_runner {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1.0",
        world: "hook-runner",
        imports: { default: trappable },
        with: { "opkg:plugin/log": crate::bindings::opkg::plugin::log },
        additional_derives: [PartialEq],
    });
}
