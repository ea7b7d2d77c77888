//! Reads packages of all formats that are written, and says in what two of them differ.
//!
//! Packages are hostile: sizes and offsets are checked, what takes more than `limits.rs` allows is refused, and nothing
//! is unpacked to disk. The contents of files are read only for their checksums, or handed on as they come
//! ([`visit_contents`]).

#![warn(clippy::disallowed_methods)]

mod archive;
mod contents;
mod control;
mod cpio;
mod deb;
mod decompress;
mod differences;
mod dsc;
mod error;
mod file;
mod integrity;
mod limits;
mod matching;
mod package;
mod read;
mod rpm;
mod rpm_names;
mod rpm_tags;
mod tar_entries;

pub use crate::contents::{ContentsEntry, ContentsError, ContentsFormat, ContentsSummary, visit_contents};
pub use crate::differences::{Difference, compare};
pub use crate::error::Error;
pub use crate::integrity::check_integrity;
pub use crate::matching::{FilePair, match_files};
pub use crate::package::{FileEntry, FileKind, Package, PackageFormat};
pub use crate::read::{read, read_from};
