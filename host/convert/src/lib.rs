//! Writes OPKG directories: in the present form from one in the form before OSCAR 5 ([`convert()`]), and new
//! ones from a template ([`create`]).
//!
//! A directory appears whole or not at all, and nothing that exists is ever written to.

mod config;
mod convert;
mod copy;
mod distribution;
mod error;
mod filters;
mod identity;
mod leftover;
mod new;
mod old;
mod people;
mod relations;
mod report;
mod scaffold;
mod scripts;
mod staging;
mod version;
mod xml;

pub use convert::{Conversion, convert};
pub use error::Error;
pub use people::PLACEHOLDER_EMAIL;
pub use report::{At, Entry, Report};
pub use scaffold::{Maintainer, MaintainerError, create};
