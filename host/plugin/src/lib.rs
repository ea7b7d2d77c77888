//! Runs distribution plugins, which are WebAssembly components.
