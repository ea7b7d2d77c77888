//! Versions 1.x.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

wasmtime::component::bindgen!({
    path: "../../wit/1.0.0",
    world: "distribution",
    imports: { "opkg:plugin/rules": trappable },
    additional_derives: [PartialEq],
});

/// The world `hook-runner`.
pub mod hook_runner {
    wasmtime::component::bindgen!({
        path: "../../wit/1.0.0",
        world: "hook-runner",
        imports: { default: trappable },
        with: {
            "opkg:plugin/log": crate::bindings::v1::opkg::plugin::log,
            "opkg:plugin/host": crate::bindings::v1::opkg::plugin::host,
        },
        additional_derives: [PartialEq],
    });
}
