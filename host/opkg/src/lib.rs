//! The OPKG source format: config.xml and its directory, read, checked and typed.
//!
//! [`load`] is the way in. It finds everything that is wrong at once ([`diagnostic`]), and gives an
//! [`model::Opkg`] where nothing stops the compilation. What an OPKG means for a distribution is not decided
//! here; no distribution has a name in this crate.

// Findings travel as errors; each is made once, and then it is all that counts.
#![allow(clippy::result_large_err)]

pub mod arch;
mod config;
pub mod date;
mod decode;
pub mod diagnostic;
mod findings;
pub mod limits;
mod load;
mod markup;
pub mod model;
mod nearest;
pub mod rules;
mod settings;
#[cfg(test)]
mod testing;
mod text;
mod tree;
pub mod version;
mod xml;

pub use config::{is_relation_name, sign_of_old_form};
pub use load::{Loaded, Source, load};
pub use markup::{Markup, Refusal, markup};
pub use nearest::nearest;
pub use settings::{Automatic, Settings};
pub use text::{fold, is_control, line_column, show};

/// The XML schema (XSD 1.0) of `config.xml`, for editors and validators. It is stricter than [`load`], which
/// reads on with a warning where it can see what is meant.
#[must_use]
pub fn schema() -> &'static str {
    include_str!("opkg.xsd")
}
