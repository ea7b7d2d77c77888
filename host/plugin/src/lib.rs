//! Runs plugins, which are WebAssembly components behind the interface of `wit/`: those of distributions, and those
//! that run hooks of packages.
//!
//! This is the only room of the house that knows the WebAssembly engine: nothing of it appears in the
//! public interface. [`Registry`] finds plugins, [`Target`] says what is to be made, [`Plugin`] makes it; a
//! [`hook::Runner`] runs hooks.
//! A plugin is hostile until checked: it runs with a deadline and a limit of memory, sees nothing of the
//! machine, and what it returns is checked before anybody else gets it.

mod bindings;
pub mod build;
mod cache;
mod check;
mod convert;
mod description;
mod digest;
mod embedded;
mod engine;
mod entry;
mod error;
pub mod hook;
mod host;
mod identity;
mod inspect;
mod install;
mod interface;
mod limits;
mod log;
mod message;
mod options;
mod plugin;
pub mod provenance;
mod record;
mod registry;
mod role;
mod runtime;
mod target;
#[cfg(test)]
mod testing;
mod text;
mod version;
mod wasi;
mod world;

pub use description::{ArchName, Description, Named, Release};
pub use engine::parallelism;
pub use entry::Entry;
pub use error::{CallError, Fault, GenerateError, LoadError, ManagerError, Problem};
pub use identity::Identity;
pub use inspect::{Inspection, inspect};
pub use install::{Installed, install, remove};
pub use interface::Names;
pub use limits::Limits;
pub use message::{Level, Message, Sink};
pub use options::Options;
pub use plugin::{Generated, Plugin};
pub use record::Origin;
pub use registry::Registry;
pub use role::Role;
pub use target::{Target, TargetError};
pub use version::VERSION as INTERFACE;

/// What a plugin hands back for a target. See `wit/` for what each record means.
pub mod artefacts {
    pub use crate::bindings::opkg::plugin::artefacts::*;
    pub use crate::bindings::opkg::plugin::opkg::{Bound, Comparison, Diagnostic, HookTime, Node, Severity};
}

/// How a distribution's package manager is driven. See `wit/` for what each record means.
pub mod package_manager {
    pub use crate::bindings::exports::opkg::plugin::package_manager::{
        Command, Installed, Place, Repository,
    };
}
