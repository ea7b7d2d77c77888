//! Version 0.1.0, the first one that was released.

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
        with: { "opkg:plugin/log": crate::bindings::v0_1::opkg::plugin::log },
        additional_derives: [PartialEq],
    });
}
