//! Records of plugins as the host's own, and the other way round, for each version of the interface that is served. A plugin
//! of an older version says what it says in the host's words, so that nobody else knows that there are versions.

#[macro_use]
mod from_wit;
#[macro_use]
mod to_wit;
pub(crate) mod archive;
mod attributes;
pub(crate) mod package_to_wit;
pub(crate) mod rules;
pub(crate) mod v0_1;
pub(crate) mod v1;

use opkg::diagnostic::Diagnostic;
use opkg::diagnostic::Severity;
use opkg::model::{NodeId, Opkg};
use opkg_interface::artefacts;
use opkg_interface::text::one_line;

/// Why a plugin makes nothing for a target.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The target cannot be.
    UnknownTarget(String),
    /// The OPKG's own filters exclude it.
    Unavailable(artefacts::Diagnostic),
    /// It should be possible, but is not.
    Failed(Vec<artefacts::Diagnostic>),
}

/// A plugin's finding, with the place that it is about.
pub(crate) fn host_diagnostic(found: artefacts::Diagnostic, opkg: &Opkg, plugin: &str) -> Diagnostic {
    Diagnostic {
        severity: match found.severity {
            artefacts::Severity::Error => Severity::Error,
            artefacts::Severity::Warning => Severity::Warning,
            artefacts::Severity::Note => Severity::Note,
        },
        code: plugin.to_owned(),
        message: one_line(&found.message),
        location: found.at.and_then(|at| opkg.location(NodeId(at)).cloned()),
        help: found.help.map(|help| one_line(&help)),
        related: Vec::new(),
    }
}
