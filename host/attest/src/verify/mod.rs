//! Whether a package is what its documents say, and these are what was written.
//!
//! Everything here may be anybody's: what cannot be read is a finding, never a panic.

mod claims;
mod document;
mod evidence;
mod expectations;
mod materials;
mod own;
mod report;

use std::path::Path;

use crate::document_kind::DocumentKind;
pub use evidence::{DocumentFile, Evidence};
pub use expectations::{Expectations, Materials};
pub use report::{Check, Report};

/// Looks at everything.
#[must_use]
pub fn verify(evidence: &Evidence<'_>, expected: &Expectations<'_>) -> Report {
    let mut report = Report::default();
    let name = evidence.file_name;
    let package = evidence
        .open()
        .map_err(|error| error.to_string())
        .and_then(|file| opkg_inspect::read_from(file, Path::new(name)).map_err(|error| error.to_string()));
    let package = package.map_err(|problem| report.add(name, "format", Err(problem))).ok();
    let is_signed = own::check(evidence, package.as_ref(), expected.keys, &mut report);
    let mut vouched = is_signed;
    for kind in DocumentKind::ALL {
        if let Some(file) = evidence.documents.get(&kind) {
            vouched |= document::check(evidence, kind, file, package.as_ref(), expected, &mut report);
        }
    }
    let has_statement = evidence.documents.contains_key(&DocumentKind::Provenance);
    if !has_statement && (expected.materials.is_some() || expected.plugins.is_some()) {
        let missing = DocumentKind::Provenance.file_name(name);
        let problem = "there is none, so nobody says what the package was made of";
        report.add(&missing, "statement of provenance", Err(problem.into()));
    }
    if expected.keys.is_some() && !vouched {
        let problem = "neither the package nor a document about it is signed with one of these keys";
        report.add(name, "signature", Err(problem.into()));
    }
    report
}
