//! Writes OPKG directories: in the present form from one in the form before OSCAR 5 ([`convert()`]), and new
//! ones from a template ([`create_opkg`]).
//!
//! A directory appears whole or not at all, and nothing that exists is ever written to.

mod authors;
mod config;
mod convert;
mod copy;
mod distribution;
mod error;
mod filters;
mod metadata;
mod new_config;
mod old_config;
mod relations;
mod report;
mod scaffold;
mod scripts;
mod staging;
mod unconverted;
mod version;
mod xml;

pub use authors::PLACEHOLDER_EMAIL;
pub use convert::{Conversion, convert};
pub use error::Error;
pub use report::{Report, ReportEntry, ReportLocation};
pub use scaffold::{Extras, Maintainer, MaintainerError, create_opkg, find_template_texts};
