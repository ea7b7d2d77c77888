//! What a later version of the interface says beside the fields of a record. Nothing is known yet.

use opkg_interface::text::quote;

use crate::bindings::v1::opkg::plugin::model::Attribute;
use crate::validate_words::{ValidationError, invalid};

/// Refuses what comes from a plugin, so that nothing is lost.
pub(super) fn refuse_attributes(attributes: &[Attribute]) -> Result<(), ValidationError> {
    match attributes.first() {
        Some(attribute) => {
            invalid(format!("an attribute {}, which this program does not know", quote(&attribute.name)))
        }
        None => Ok(()),
    }
}
