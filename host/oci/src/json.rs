//! Documents of registries, read and written.

use opkg_interface::text::one_line;
use serde::de::DeserializeOwned;

use crate::error::RegistryError;

pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, RegistryError> {
    serde_json::from_slice(bytes).map_err(|error| RegistryError::Malformed {
        what: what.to_owned(),
        reason: one_line(&error.to_string()),
    })
}

pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<Vec<u8>, RegistryError> {
    serde_json::to_vec(value)
        .map_err(|error| RegistryError::Malformed { what: "JSON".into(), reason: error.to_string() })
}
