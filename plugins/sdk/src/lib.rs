//! What the author of a plugin or of a hook depends on: the types of the plugin interface, the traits that a
//! distribution and a runner of hooks implement, and the rules of the OPKG format that every distribution shares.
//!
//! A distribution is a type that implements [`Distribution`], exported with one line:
//!
//! ```text
//! struct Mine;
//!
//! impl opkg_sdk::Distribution for Mine {
//!     type Manager = MyManager; // which has the trait `PackageManager`
//!     fn describe() -> DistributionInfo { … }
//!     fn generate(opkg: &Opkg, target: &BuildTarget) -> Result<Output, Refusal> { … }
//! }
//!
//! opkg_sdk::export_distribution!(Mine);
//! ```
//!
//! All of it also works in a native build, so that a plugin's logic is tested without WebAssembly.
//!
//! - [`filter`] decides the OPKG's filters for one target, [`version`] compares release numbers;
//! - [`package_version`] reads versions of packages as every family has to, [`perl`] knows modules of Perl itself;
//! - [`parts`] says what each of the three packages gets, [`relation`] what its relations are to, [`file_attributes`] whose
//!   its files are;
//! - [`packed_files`] makes records of the files of a part, [`file_commands`] gives them what the package manager does not keep;
//! - [`rules`] has all of that in the shape that plugins in other languages get it in;
//! - [`mod@release_tag`] tells packages for one release from those for another;
//! - [`scriptlet`] writes the shell text that the package manager runs;
//! - [`mod@hook`] is for hooks that are components, and for runners of hooks;
//! - [`word_list`] holds long lists of words in few bytes;
//! - [`text`] wraps, quotes and formats dates; [`diagnostic`] makes diagnostics; [`log`] tells the user; [`host`] says in what
//!   the plugin runs;
//! - [`testing`] makes up OPKGs for tests.
#![warn(missing_docs)]

pub mod accounts;
pub mod additions;
pub mod alternatives;
mod archives;
#[doc(hidden)]
pub mod bindings;
pub mod diagnostic;
mod distribution;
pub mod file_attributes;
pub mod file_commands;
pub mod filter;
pub mod hook;
pub mod host;
pub mod log;
mod manager;
pub mod package_version;
pub mod packed_files;
pub mod parts;
pub mod perl;
pub mod relation;
pub mod release_tag;
mod repository;
pub mod rules;
pub mod scriptlet;
mod service_rules;
pub mod system_files;
pub mod testing;
pub mod text;
mod trigger_rules;
pub mod triggers;
pub mod units;
pub mod version;
pub mod word_list;

pub use bindings::exports::opkg::plugin::{containers, package_manager, packaging};
pub use bindings::opkg::plugin::{artefacts, model};
pub use distribution::{Distribution, DistributionExport};
pub use manager::{PackageManager, PackageManagerError, last_answer};
pub use repository::InvalidRepository;
