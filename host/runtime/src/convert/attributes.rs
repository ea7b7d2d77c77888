//! What records say beside their fields.

use opkg_interface::text::quote;

use crate::bindings::v1::opkg::plugin::model::Attribute;
use crate::validate_words::{ValidationError, invalid};

/// Refuses what a plugin says that this program knows nothing of: it would be lost.
pub(super) fn refuse_attributes(attributes: &[Attribute]) -> Result<(), ValidationError> {
    match attributes.first() {
        Some(attribute) => {
            invalid(format!("an attribute {}, which this program does not know", quote(&attribute.name)))
        }
        None => Ok(()),
    }
}
