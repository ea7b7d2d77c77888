//! Why a plugin could not be built.

use std::path::PathBuf;

use crate::options::WASM_TARGET;

/// Why a plugin could not be built. Each message says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The directory is not a crate.
    #[error("{} holds no Cargo.toml: name the directory of the plugin's crate", .dir.display())]
    NotACrate {
        /// As the user named it.
        dir: PathBuf,
    },

    /// The `Cargo.toml` is that of a workspace and of no crate.
    #[error("{} is a workspace without a crate of its own: name the directory of one of its members", .manifest.display())]
    VirtualWorkspace {
        /// The `Cargo.toml`.
        manifest: PathBuf,
    },

    /// The crate makes something else than a loadable module.
    #[error(
        "the crate {name} makes no loadable module: add `crate-type = [\"cdylib\"]` to the section [lib] of {}",
        .manifest.display()
    )]
    NotLoadable {
        /// Of the crate.
        name: String,
        /// Its `Cargo.toml`.
        manifest: PathBuf,
    },

    /// `cargo` or `rustc` cannot be started.
    #[error("`{program}` cannot be started ({source}): building a plugin needs the Rust toolchain")]
    ProgramNotFound {
        /// As it was called.
        program: String,
        /// What the system says.
        source: std::io::Error,
    },

    /// `cargo` or `rustc` was asked something and failed.
    #[error("`{command}` failed:\n{}", .stderr.trim_end())]
    CommandFailed {
        /// The program and what it was asked.
        command: String,
        /// What it said.
        stderr: String,
    },

    /// `cargo` or `rustc` answered something unexpected.
    #[error(
        "`{command}` gave an answer that cannot be read ({problem}): is this a Rust toolchain of 1.95 or later?"
    )]
    UnexpectedOutput {
        /// The program and what it was asked.
        command: String,
        /// What is wrong with the answer.
        problem: String,
    },

    /// There is no standard library for the target.
    #[error(
        "the Rust toolchain in {} has no standard library for {WASM_TARGET}.\n\
         Install it with `rustup target add {WASM_TARGET}`, or its source with `rustup component add rust-src`.\n\
         Where rustup can fetch nothing, scripts/wasm-toolchain of the opkg sources gets the source elsewhere.",
        .sysroot.display()
    )]
    NoStd {
        /// The toolchain.
        sysroot: PathBuf,
    },

    /// The standard library was to be built from source, which is not there.
    #[error(
        "the Rust toolchain in {} lacks the source of the standard library.\n\
         Install it with `rustup component add rust-src`.\n\
         Where rustup can fetch nothing, scripts/wasm-toolchain of the opkg sources gets it elsewhere.",
        .sysroot.display()
    )]
    NoStdSource {
        /// The toolchain.
        sysroot: PathBuf,
    },

    /// The crate does not compile. What the compiler found has been shown.
    #[error("the plugin in {} does not compile ({status}); the compiler's messages are above", .dir.display())]
    CompileFailed {
        /// Of the crate.
        dir: PathBuf,
        /// Of cargo.
        status: std::process::ExitStatus,
    },

    /// The module cannot become a component.
    #[error(
        "what the crate {name} compiles to is not a plugin: {problem}.\n\
         A plugin implements the interface through the crate `opkg-sdk`, and no dependency of it may call \
         the system (files, threads, environment, C code)."
    )]
    EncodeFailed {
        /// Of the crate.
        name: String,
        /// What the encoder found.
        problem: String,
    },

    /// The component has none of the exports of a plugin.
    #[error(
        "the crate {name} exports nothing of the interface `opkg:plugin`: see the documentation of the crate `opkg-sdk`"
    )]
    NotAPlugin {
        /// Of the crate.
        name: String,
    },

    /// A file is a component already.
    #[error("{} is a component already: `opkgc plugin inspect` shows what it is", .file.display())]
    AlreadyComponent {
        /// As the user named it.
        file: PathBuf,
    },

    /// A file is no WebAssembly.
    #[error("{} is no WebAssembly: name the directory of a crate, or the core module that a compiler made", .file.display())]
    NotAModule {
        /// As the user named it.
        file: PathBuf,
    },

    /// A core module says nothing of a world.
    #[error(
        "the module {} does not say what world it is made for: link what the generator of bindings wrote for that \
         (`distribution_component_type.o` of `wit-bindgen c`, or of `opkgc plugin new --lang c`)",
        .module.display()
    )]
    NoWorld {
        /// As the user named it.
        module: PathBuf,
    },

    /// A core module cannot become a component.
    #[error("the module {} cannot become a component: {problem}", .module.display())]
    ModuleNotEncoded {
        /// As the user named it.
        module: PathBuf,
        /// What the encoder found.
        problem: String,
    },

    /// A component has none of the exports of a plugin.
    #[error(
        "what the module {} becomes exports nothing of the interface `opkg:plugin`: build it for the world \
         `distribution` or `hook-runner` of that (`opkgc plugin wit`)",
        .module.display()
    )]
    ModuleExportsNothing {
        /// As the user named it.
        module: PathBuf,
    },

    /// The interface cannot be written in C.
    #[error("there are no bindings in C: {problem}")]
    Bindings {
        /// What the generator says.
        problem: String,
    },

    /// A file could not be read or written.
    #[error("{}: {source}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}
