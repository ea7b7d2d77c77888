//! Runs distribution plugins, which are WebAssembly components behind the interface of `wit/`.
//!
//! This is the only room of the house that knows the WebAssembly engine: nothing of it appears in the
//! public interface. [`Registry`] finds plugins, [`Target`] says what is to be made, [`Plugin`] makes it.
//! A plugin is hostile until checked: it runs with a deadline and a limit of memory, sees nothing of the
//! machine, and what it returns is checked before anybody else gets it.

mod bindings;
pub mod build;
pub mod provenance;

/// What a plugin hands back for a target. See `wit/` for what each record means.
pub mod artefacts {
    pub use crate::bindings::opkg::plugin::artefacts::*;
    pub use crate::bindings::opkg::plugin::opkg::{Bound, Comparison, Diagnostic, HookTime, Node, Severity};
}
