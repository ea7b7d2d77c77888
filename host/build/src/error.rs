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

    /// A file could not be read or written.
    #[error("{}: {source}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}
