//! What the interface of `wit/` becomes in Rust: records of the plugin's side of the house. Only this
//! crate calls through them; the others see the records alone.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

wasmtime::component::bindgen!({
    path: "../../wit/0.1.0",
    world: "distribution",
    additional_derives: [PartialEq],
});
