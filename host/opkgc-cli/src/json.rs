//! Diagnostics as programs read them.

use std::path::Path;

use opkg::diagnostic::{Diagnostic, Location, Severity};
use opkg::{Source, line_column};
use serde::Serialize;

/// A diagnostic with its place resolved.
#[derive(Debug, Clone, Serialize)]
pub struct DiagnosticJson {
    /// `error`, `warning` or `note`.
    severity: &'static str,
    /// Stable name of the rule.
    code: String,
    message: String,
    help: Option<String>,
    #[serde(flatten)]
    place: LocationJson,
    related: Vec<RelatedJson>,
}

/// Another place that belongs to a finding.
#[derive(Debug, Clone, Serialize)]
struct RelatedJson {
    label: String,
    #[serde(flatten)]
    place: LocationJson,
}

/// Lines and columns count from 1, columns in characters; the end is exclusive.
#[derive(Debug, Clone, Serialize)]
struct LocationJson {
    file: String,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
}

/// Resolves the places of a diagnostic.
#[must_use]
pub fn diagnostic_json(directory: &Path, source: Option<&Source>, diagnostic: &Diagnostic) -> DiagnosticJson {
    let related = diagnostic.related.iter();
    DiagnosticJson {
        severity: match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        code: diagnostic.code.clone(),
        message: diagnostic.message.clone(),
        help: diagnostic.help.clone(),
        place: location_json(directory, source, diagnostic.location.as_ref()),
        related: related
            .map(|(place, label)| RelatedJson {
                label: label.clone(),
                place: location_json(directory, source, Some(place)),
            })
            .collect(),
    }
}

fn location_json(directory: &Path, source: Option<&Source>, place: Option<&Location>) -> LocationJson {
    let whole = |file: &Path| LocationJson {
        file: file.to_string_lossy().into_owned(),
        line: None,
        column: None,
        end_line: None,
        end_column: None,
    };
    match (place, source) {
        (Some(Location::Config(range)), Some(source)) => {
            let (line, column) = line_column(&source.text, range.start);
            let (end_line, end_column) = line_column(&source.text, range.end);
            LocationJson {
                line: Some(line),
                column: Some(column),
                end_line: Some(end_line),
                end_column: Some(end_column),
                ..whole(&source.path)
            }
        }
        (Some(Location::Config(_)), None) => whole(&directory.join("config.xml")),
        (Some(Location::File(file)), _) => whole(&directory.join(file)),
        (None, _) => whole(directory),
    }
}
