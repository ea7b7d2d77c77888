//! What payloads lay into the root, as if it were below `files/`: it has to pass the same checks.

use std::path::Path;

use super::file::{self, FileTree, Totals};
use super::layout;
use super::walk::{self, Entry};
use crate::diagnostic::{Diagnostic, Location};
use crate::diagnostic_sink::{DiagnosticSink, LocationTable};
use crate::model::{Payload, SourceFile};
use crate::source_dir::SourceDir;
use crate::text::escape_for_display;

/// What was found in the directories of payloads.
#[derive(Default)]
pub(super) struct UnpackedFiles {
    pub entries: Vec<Entry>,
    pub files: Vec<SourceFile>,
}

/// Whether something at the top of the OPKG's directory belongs to its payloads: it is not packaged as it stands.
pub(super) fn is_source(payloads: &[Payload], path: &str) -> bool {
    let is_top = |payload: &Payload| {
        payload.is_inside
            && payload.source.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    !payloads.is_empty()
        && (path == layout::LOCK_FILE || path == layout::PAYLOAD_DIRECTORY || payloads.iter().any(is_top))
}

/// How messages call a file.
pub(super) fn describe(file: &SourceFile, payloads: &[Payload]) -> String {
    let payload = file.payload.and_then(|index| payloads.get(index as usize));
    match payload {
        None => format!("`{}`", escape_for_display(&file.path)),
        Some(payload) => format!(
            "`{}` of `{}`",
            escape_for_display(installed_path(&file.path)),
            escape_for_display(payload.file_name())
        ),
    }
}

/// Reads what was unpacked of all payloads of an OPKG with this name, restricted to these architectures. What is wrong with
/// it is said of the payload.
pub(super) fn read(
    unpacked: &Path,
    payloads: &[Payload],
    (name, archs): (&str, &[String]),
    totals: &mut Totals,
    diagnostics: &mut DiagnosticSink,
    locations: &mut LocationTable,
) -> UnpackedFiles {
    let mut read = UnpackedFiles::default();
    for (index, payload) in (0..).zip(payloads) {
        let Some(place) = locations.get(payload.at).cloned() else { continue };
        let mut found = DiagnosticSink::default();
        let root = unpacked.join(index.to_string());
        match SourceDir::open(&root) {
            Ok(source) => {
                let entries = walk::walk(&source, &root, |_| false, |_| true, &mut found);
                let tree = FileTree {
                    source: &source,
                    root: &root,
                    entries: &entries,
                    payload: Some((index, &place)),
                };
                read.files.extend(file::read_files(tree, name, archs, totals, &mut found, locations));
                read.entries.extend(entries);
            }
            Err(error) => found.push(walk::read_error("", &error)),
        }
        for diagnostic in found.into_sorted() {
            diagnostics.push(say_of_payload(diagnostic, payload, &place));
        }
    }
    read
}

/// What was found about a file that is nowhere in the OPKG.
fn say_of_payload(diagnostic: Diagnostic, payload: &Payload, place: &Location) -> Diagnostic {
    let file = match &diagnostic.location {
        Some(Location::File(path)) => format!("`{}` of ", escape_for_display(installed_path(path))),
        _ => String::new(),
    };
    let message = format!("{file}`{}`: {}", escape_for_display(payload.file_name()), diagnostic.message);
    Diagnostic { message, related: Vec::new(), ..diagnostic }.at(place.clone())
}

/// Of `files/client/usr/bin/tool`, where it is installed.
fn installed_path(path: &str) -> &str {
    path.match_indices('/').nth(1).map_or(path, |(start, _)| &path[start..])
}
