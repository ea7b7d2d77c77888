//! The OPKG source format: config.xml and its directory, read, checked and typed.

pub mod arch;
mod config;
pub mod date;
mod decode;
pub mod diagnostic;
mod findings;
pub mod limits;
mod load;
pub mod model;
mod nearest;
mod text;
mod tree;
pub mod version;
mod xml;

pub use config::is_relation_name;
pub use load::{Automatic, Loaded, Settings, Source, load};
pub use nearest::nearest;
pub use text::{is_control, line_column};

/// The XML schema (XSD 1.0) of `config.xml`.
#[must_use]
pub fn schema() -> &'static str {
    include_str!("opkg.xsd")
}
