//! Reads packages of all formats that are written, and says in what two of them differ.
//!
//! Packages are hostile: sizes and offsets are checked, what unpacks to more than is reasonable is refused, and
//! nothing is unpacked to disk. The contents of files are read only for their checksums.

mod archive;
mod control;
mod deb;
mod decompress;
mod differences;
mod dsc;
mod error;
mod find;
mod package;
mod read;
mod rpm;
mod rpm_tags;

pub use crate::differences::{Difference, differences};
pub use crate::error::Error;
pub use crate::find::{Pair, pairs};
pub use crate::package::{Entry, Format, Kind, Package};
pub use crate::read::{read, read_bytes};
