//! What evidence is held against.

use std::collections::BTreeMap;

use opkg::model::Opkg;
use opkg_package::Verifier;

use crate::statement::material_digest;

/// What to hold the evidence against.
#[derive(Default)]
pub struct Expectations<'a> {
    /// Keys of which one must vouch for the package.
    pub keys: Option<&'a Verifier>,
    /// What the package must have been made of.
    pub materials: Option<&'a Materials>,
    /// SHA-256 of the plugins at hand by their ids: that of the package must be among them.
    pub plugins: Option<&'a BTreeMap<String, String>>,
}

/// The files of an OPKG: SHA-256 by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Materials(pub(super) BTreeMap<String, String>);

impl Materials {
    /// Of an OPKG.
    #[must_use]
    pub fn new(opkg: &Opkg) -> Self {
        Self(opkg.files.iter().map(|file| (file.path.clone(), material_digest(file))).collect())
    }
}
