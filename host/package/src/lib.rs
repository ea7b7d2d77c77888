//! Writes what a plugin returned: trees of meta-files, source packages, binary packages.
//!
//! This crate knows the formats of containers and nothing of who uses them. Everything it writes depends
//! on the OPKG and the plugin's answer alone: order, times, owners and modes are fixed.

#![warn(clippy::disallowed_methods)]

mod archives;
mod build_options;
mod checksums;
mod compress;
mod content;
mod deb;
mod deb822;
mod deb_changelog;
mod direct;
mod document;
mod entries;
mod error;
mod index_request;
mod meta;
mod native;
mod output_dir;
mod output_tree;
mod ownership;
mod permissions;
mod publish;
mod quilt;
mod repository;
mod repository_url;
pub mod rpm;
mod sign;
mod source;
mod spool;
mod staged;
pub mod tar_reader;
mod tar_writer;
mod upload;
mod write;
mod written;

pub use build_options::{BuildMode, BuildOptions};
pub use compress::CompressionEffort;
pub use document::{CompletePackage, Document, DocumentWriter};
pub use error::Error;
pub use index_request::IndexRequest;
pub use output_dir::{OutputDir, write_index, write_packages};
pub use repository::{IndexState, UnsignedReason, has_own_index, index_state};
pub use repository_url::{RepositoryUrl, RepositoryUrlError};
pub use sign::{KeyError, PublicKeyError, Signer, Verifier};
pub use source::OpkgSource;
pub use staged::StagedPackages;
pub use written::{OutputKind, WrittenFile, WrittenIndex};
