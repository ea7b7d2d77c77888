//! What the author of a plugin depends on: the types of the plugin interface, the trait that a
//! distribution implements, and the rules of the OPKG format that every distribution shares.
//!
//! A distribution is a type that implements [`Distribution`], exported with one line:
//!
//! ```
//! use opkg_plugin::package_manager::{Command, Installed, Place};
//! use opkg_plugin::packaging::{Description, Refusal};
//! use opkg_plugin::{Distribution, artefacts::Output, opkg::{Opkg, Target}};
//!
//! struct Mine;
//!
//! impl Distribution for Mine {
//!     fn describe() -> Description { todo!() }
//!     fn generate(opkg: &Opkg, target: &Target) -> Result<Output, Refusal> { todo!() }
//!     fn programs() -> Vec<String> { vec!["mypm".into()] }
//!     fn install(packages: &[String], place: &Place) -> Result<Vec<Command>, String> { todo!() }
//!     fn remove(packages: &[String], place: &Place) -> Result<Vec<Command>, String> { todo!() }
//!     fn refresh(place: &Place) -> Result<Vec<Command>, String> { todo!() }
//!     fn query(packages: &[String], place: &Place) -> Result<Vec<Command>, String> { todo!() }
//!     fn parse_query(printed: &str) -> Result<Vec<Installed>, String> { todo!() }
//! }
//!
//! opkg_plugin::export_distribution!(Mine);
//! # fn main() {}
//! ```
//!
//! All of it also works in a native build, so that a plugin's logic is tested without WebAssembly.
//!
//! - [`filter`] decides the OPKG's filters for one target, [`version`] compares release numbers;
//! - [`parts`] says what each of the three packages gets;
//! - [`scriptlet`] writes the shell text that the package manager runs;
//! - [`text`] wraps, quotes and formats dates; [`finding`] makes diagnostics; [`log`] tells the user.

#[doc(hidden)]
pub mod bindings;
mod distribution;
pub mod filter;
pub mod finding;
pub mod log;
pub mod parts;
pub mod scriptlet;
pub mod text;
pub mod version;

pub use bindings::exports::opkg::plugin::{package_manager, packaging};
pub use bindings::opkg::plugin::{artefacts, opkg};
pub use distribution::{Distribution, Exported};
