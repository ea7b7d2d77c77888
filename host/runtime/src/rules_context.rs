//! What a plugin may ask for the rules of.

use opkg::model::Opkg;

use crate::convert::rules::to_sdk;

/// The OPKG that a call is about, in the records that the rules are about.
pub(crate) struct RulesContext(pub(crate) opkg_sdk::model::Opkg);

impl RulesContext {
    pub(crate) fn new(opkg: &Opkg) -> Self {
        Self(to_sdk::opkg(opkg))
    }
}
