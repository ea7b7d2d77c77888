//! What is looked at: a package and what is beside it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use crate::document_kind::DocumentKind;

/// What there is to look at.
pub struct Evidence<'a> {
    /// The name of the package's file.
    pub file_name: &'a str,
    /// The package, which is read from its beginning, more than once.
    pub package: &'a File,
    /// A signature in a file beside the package, if there is one.
    pub signature: Option<&'a [u8]>,
    /// The documents beside it.
    pub documents: BTreeMap<DocumentKind, DocumentFile>,
}

impl Evidence<'_> {
    /// The package from its beginning.
    pub(super) fn open(&self) -> io::Result<BufReader<impl Read + Seek>> {
        let mut file = self.package;
        file.rewind()?;
        Ok(BufReader::with_capacity(64 << 10, file))
    }
}

/// A document as it was found.
#[derive(Debug, Clone, Default)]
pub struct DocumentFile {
    /// All of it.
    pub bytes: Vec<u8>,
    /// The signature in a file beside it, if there is one.
    pub signature: Option<Vec<u8>>,
}
