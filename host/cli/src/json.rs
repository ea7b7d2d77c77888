//! Diagnostics as programs read them.

use std::path::Path;

use opkg::diagnostic::{Diagnostic, Place, Severity};
use opkg::{Source, line_column};
use serde::Serialize;

/// A diagnostic with its place resolved.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// `error`, `warning` or `note`.
    severity: &'static str,
    /// Stable name of the rule.
    code: String,
    message: String,
    help: Option<String>,
    #[serde(flatten)]
    place: Location,
    related: Vec<Related>,
}

/// Another place that belongs to a finding.
#[derive(Debug, Serialize)]
struct Related {
    label: String,
    #[serde(flatten)]
    place: Location,
}

/// Lines and columns count from 1, columns in characters; the end is exclusive.
#[derive(Debug, Serialize)]
struct Location {
    file: String,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
}

/// Resolves the places of a diagnostic.
#[must_use]
pub fn finding(directory: &Path, source: Option<&Source>, diagnostic: &Diagnostic) -> Finding {
    let related = diagnostic.related.iter();
    Finding {
        severity: match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        code: diagnostic.code.clone(),
        message: diagnostic.message.clone(),
        help: diagnostic.help.clone(),
        place: location(directory, source, diagnostic.place.as_ref()),
        related: related
            .map(|(place, label)| Related {
                label: label.clone(),
                place: location(directory, source, Some(place)),
            })
            .collect(),
    }
}

fn location(directory: &Path, source: Option<&Source>, place: Option<&Place>) -> Location {
    let whole = |file: &Path| Location {
        file: file.to_string_lossy().into_owned(),
        line: None,
        column: None,
        end_line: None,
        end_column: None,
    };
    match (place, source) {
        (Some(Place::Config(range)), Some(source)) => {
            let (line, column) = line_column(&source.text, range.start);
            let (end_line, end_column) = line_column(&source.text, range.end);
            Location {
                line: Some(line),
                column: Some(column),
                end_line: Some(end_line),
                end_column: Some(end_column),
                ..whole(&source.path)
            }
        }
        (Some(Place::Config(_)), None) => whole(&directory.join("config.xml")),
        (Some(Place::File(file)), _) => whole(&directory.join(file)),
        (None, _) => whole(directory),
    }
}
