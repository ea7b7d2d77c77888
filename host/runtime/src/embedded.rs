//! The components that are part of the program.

use serde::Deserialize;

use crate::plugin_description::PluginDescription;

/// A component of `plugins/prebuilt`.
pub(crate) struct Embedded {
    pub(crate) component: &'static [u8],
    provenance: &'static str,
}

/// All of them, sorted by name. Without the feature `embedded` there are none.
pub(crate) static ALL: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// What is noted of an embedded component, as far as it is needed to find it.
#[derive(Debug, Deserialize)]
pub(crate) struct EmbeddedRecord {
    pub(crate) plugin: String,
    pub(crate) interface: String,
    /// SHA-256 of the component, which nobody can have changed since: it is part of the program.
    #[serde(rename = "component")]
    pub(crate) sha256: String,
    pub(crate) description: Option<PluginDescription>,
}

impl Embedded {
    /// # Errors
    /// When the note is not what this release of the program writes.
    pub(crate) fn record(&self) -> Result<EmbeddedRecord, serde_json::Error> {
        serde_json::from_str(self.provenance)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn notes_are_of_these_components() {
        for embedded in ALL {
            let note = embedded.record().unwrap();
            assert_eq!(opkg::digest::sha256(embedded.component), note.sha256, "{}", note.plugin);
            assert!(note.description.is_some(), "{} is described", note.plugin);
        }
    }
}
