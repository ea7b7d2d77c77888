//! What evidence is held against.

use std::collections::BTreeMap;

use opkg::model::Opkg;
use opkg_package::Verifier;

use crate::payloads::{PAYLOAD_PREFIX, payload_digests};
use crate::statement::{FILE_PREFIX, material_digest};

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

/// The files of an OPKG, and the sources of its payloads: SHA-256 by the names that statements have for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Materials(pub(super) BTreeMap<String, String>);

impl Materials {
    /// Of an OPKG.
    #[must_use]
    pub fn new(opkg: &Opkg) -> Self {
        let files = opkg.files.iter();
        let files = files.map(|file| (format!("{FILE_PREFIX}{}", file.path), material_digest(file)));
        let payloads = payload_digests(opkg).into_iter();
        let payloads =
            payloads.map(|(payload, sha256)| (format!("{PAYLOAD_PREFIX}{}", payload.source), sha256));
        Self(files.chain(payloads).collect())
    }
}
