//! Rust bindings of `wit/`, generated. The only unsafe code of the SDK: the calling convention of components
//! passes raw pointers.
#![allow(unsafe_code, missing_docs, clippy::all)]

wit_bindgen::generate!({
    path: "wit/1.0.0",
    world: "distribution",
    pub_export_macro: true,
    export_macro_name: "__export_distribution",
    default_bindings_module: "opkg_sdk::bindings",
    additional_derives: [PartialEq],
});

/// The world `hook-runner`.
pub mod runner {
    wit_bindgen::generate!({
        path: "wit/1.0.0",
        world: "hook-runner",
        pub_export_macro: true,
        export_macro_name: "__export_hook_runner",
        default_bindings_module: "opkg_sdk::bindings::runner",
        with: {
            "opkg:plugin/log@1.0.0": crate::bindings::opkg::plugin::log,
            "opkg:plugin/host@1.0.0": crate::bindings::opkg::plugin::host,
        },
        additional_derives: [PartialEq],
    });
}
