//! Documents that vouch for packages, and whether they hold.
//!
//! A bill of materials says what is in a package, in the words of SPDX or of CycloneDX; a statement of in-toto says what
//! it was made of, and by what. All of them follow from the package, the OPKG and the plugin alone, so that the same build
//! gives the same documents. Each is named by its own contents, so that a changed byte shows even where nobody signed it.

#![warn(clippy::disallowed_methods)]

mod build_facts;
mod content_id;
mod cyclonedx;
mod document_kind;
mod documents;
mod facts;
mod license;
mod payloads;
mod purl;
mod spdx;
mod statement;
pub mod verify;

pub use build_facts::{BuildFacts, PluginFacts};
pub use document_kind::DocumentKind;
pub use documents::Documents;
pub use facts::DescribeError;
