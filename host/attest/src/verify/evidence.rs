//! What is looked at: a package and what is beside it.

use std::collections::BTreeMap;

use crate::document_kind::DocumentKind;

/// What there is to look at.
pub struct Evidence<'a> {
    /// The name of the package's file.
    pub file_name: &'a str,
    /// All of the package.
    pub package: &'a [u8],
    /// A signature in a file beside the package, if there is one.
    pub signature: Option<&'a [u8]>,
    /// The documents beside it.
    pub documents: BTreeMap<DocumentKind, DocumentFile>,
}

/// A document as it was found.
#[derive(Debug, Clone, Default)]
pub struct DocumentFile {
    /// All of it.
    pub bytes: Vec<u8>,
    /// The signature in a file beside it, if there is one.
    pub signature: Option<Vec<u8>>,
}
