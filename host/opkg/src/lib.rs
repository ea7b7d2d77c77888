//! The OPKG source format: config.xml and its directory, read, checked and typed.
//!
//! [`load`] is the entry point. It finds everything that is wrong at once ([`diagnostic`]), and gives an
//! [`model::Opkg`] where nothing stops the compilation. What an OPKG means for a distribution is not decided
//! here; no distribution has a name in this crate but in the texts of the schema.

// Diagnostics travel as errors, each created once.
#![allow(clippy::result_large_err)]

pub mod account;
pub mod arch;
mod closest_match;
mod config;
pub mod date;
mod decode;
pub mod diagnostic;
mod diagnostic_sink;
pub mod digest;
pub mod filesystem;
mod license;
pub mod limits;
mod load;
mod markup;
pub mod model;
pub mod native_name;
pub mod reference;
pub mod regular_file;
pub mod rules;
mod sanitize;
mod settings;
mod source;
mod source_dir;
#[cfg(test)]
mod testing;
mod text;
mod toml_text;
mod tree;
mod unit_name;
pub mod version;
mod xml;
mod xml_text;

pub use closest_match::closest_match;
pub use config::{is_relation_name, legacy_format_element};
pub use load::{LoadResult, UnpackPayloads, UnpackedPayloads, load, load_config, load_with_payloads};
pub use markup::{Markup, MarkupError, read_markup};
pub use sanitize::{
    escape_hidden, escape_hidden_in_json, escape_hidden_keeping_colors, escape_line, is_hidden,
};
pub use settings::{AutomaticRelations, Profile, Settings};
pub use source::Source;
pub use source_dir::SourceDir;
pub use text::{collapse_whitespace, escape_for_display, is_unsafe_control, line_column};
pub use toml_text::toml_string;
pub use tree::{LOCK_FILE, PAYLOAD_DIRECTORY};
pub use xml_text::{XmlContext, is_xml_char, push_xml_escaped, xml_escaped};

/// The XML schema (XSD 1.0) of `config.xml`, for editors and validators. It is stricter than [`load`], which
/// reads on with a warning where it can see what is meant.
#[must_use]
pub fn schema() -> &'static str {
    include_str!("opkg.xsd")
}
