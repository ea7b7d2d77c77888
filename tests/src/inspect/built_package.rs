//! A package as the tools of its distribution describe it.

use std::collections::BTreeMap;

use crate::package::Package;

/// A package read back from its file.
#[derive(Debug)]
pub struct BuiltPackage {
    pub package: Package,
    /// Scriptlets by name: the interpreter and the text.
    pub scripts: BTreeMap<String, (String, String)>,
    /// Further fields, under the names of the format.
    pub fields: BTreeMap<String, String>,
}
