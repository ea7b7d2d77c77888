//! Runs plugins, which are WebAssembly components behind the interface of `wit/`: those of distributions, and those
//! that run hooks of packages.
//!
//! This is the only crate that knows the WebAssembly engine: nothing of it appears in the public interface.
//! [`Registry`] finds plugins, [`opkg_interface::Target`] says what is to be made, [`DistributionPlugin`] makes it; a
//! [`hook::Runner`] runs hooks.
//! A plugin is hostile until checked: it runs with a deadline and a limit of memory, sees nothing of the
//! machine, and what it returns is checked before anybody else gets it.

mod address_space;
mod admission;
mod bindings;
mod cache;
mod compiler;
mod component_file;
mod component_interface;
mod component_metadata;
mod convert;
mod determinism;
mod distribution_calls;
mod embedded;
mod engine;
mod entry;
mod error;
mod execution_error;
mod grants;
pub mod hook;
mod host;
mod inspect;
mod install;
mod install_record;
mod limits;
mod log;
mod log_message;
mod machine_code;
mod options;
mod output;
mod plugin;
mod plugin_description;
mod plugin_kind;
mod plugin_lock;
mod plugin_policy;
mod prepared_component;
mod registry;
mod rules;
mod rules_context;
mod runtime;
mod strategy;
#[cfg(test)]
mod testing;
mod validate;
mod validate_archives;
mod validate_manager;
mod validate_triggers;
mod validate_words;
mod version;
mod warm;
mod wasi;
mod world;

pub use compiler::compile_component;
pub use component_interface::ComponentInterface;
pub use component_metadata::ComponentMetadata;
pub use engine::parallelism;
pub use entry::RegistryEntry;
pub use error::{CallError, CommandsError, GenerateError, LoadError, LoadErrorKind};
pub use execution_error::{ErrorOutput, ExecutionError, ExecutionErrorKind};
pub use grants::{GrantError, ProgramGrants};
pub use inspect::{Inspection, inspect};
pub use install::{InstallRequest, InstalledPlugin, install, remove};
pub use install_record::Origin;
pub use limits::Limits;
pub use log_message::{LogLevel, LogMessage, LogSink};
pub use options::{COMPILE_COMMAND, RuntimeOptions, SYSTEM_CACHE};
pub use plugin::{DistributionPlugin, GeneratedOutput};
pub use plugin_description::PluginDescription;
pub use plugin_kind::PluginKind;
pub use plugin_lock::{LockedPlugin, PluginLock, PluginLockError, SignatureState};
pub use plugin_policy::{PluginPolicy, PolicyError, Revocation, SignaturePolicy};
pub use registry::Registry;
pub use strategy::Strategy;
pub use version::INTERFACE_VERSION;
pub use warm::warm_system_cache;
