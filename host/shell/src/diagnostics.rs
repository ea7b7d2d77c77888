//! Diagnostics as people read them: the line of the source, a caret, what is wrong, what to do.

use std::path::Path;

use annotate_snippets::{AnnotationKind, Element, Level, Origin, Renderer, Snippet};
use opkg::Source;
use opkg::diagnostic::{Diagnostic, Location, Severity};

/// Renders findings of one OPKG, each followed by a blank line.
#[must_use]
pub fn render_diagnostics(
    renderer: &Renderer,
    directory: &Path,
    source: Option<&Source>,
    findings: &[Diagnostic],
) -> String {
    let mut text = String::new();
    for finding in findings {
        text.push_str(&render_diagnostic(renderer, directory, source, finding));
        text.push_str("\n\n");
    }
    text
}

fn render_diagnostic(
    renderer: &Renderer,
    directory: &Path,
    source: Option<&Source>,
    finding: &Diagnostic,
) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let places = finding.location.iter().map(|place| (place, None));
    let places = places.chain(finding.related.iter().map(|(place, label)| (place, Some(label.as_str()))));

    // One snippet shows all places within config.xml, files are named below it.
    let mut annotations = Vec::new();
    let mut files = Vec::new();
    for (place, label) in places {
        match (place, source) {
            (Location::Config(range), Some(source)) => {
                let kind = if label.is_none() { AnnotationKind::Primary } else { AnnotationKind::Context };
                let range = first_line_range(&source.text, range);
                annotations.push(match label {
                    Some(label) => kind.span(range).label(label),
                    None => kind.span(range),
                });
            }
            (Location::Config(_), None) => files.push(directory.join("config.xml")),
            (Location::File(file), _) => files.push(directory.join(file)),
        }
    }
    if finding.location.is_none() {
        files.push(directory.to_owned());
    }

    let mut group =
        level.primary_title(&finding.message).id(&finding.code).elements(Vec::<Element<'_>>::new());
    if let (Some(source), false) = (source, annotations.is_empty()) {
        let path = source.path.to_string_lossy().into_owned();
        group = group.element(Snippet::source(&source.text).path(path).annotations(annotations));
    }
    for file in files {
        group = group.element(Origin::path(file.to_string_lossy().into_owned()));
    }
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help));
    }
    renderer.render(&[group])
}

/// A long element is shown by its first line only.
fn first_line_range(text: &str, range: &std::ops::Range<usize>) -> std::ops::Range<usize> {
    let start = range.start.min(text.len());
    let end = range.end.clamp(start, text.len());
    let line_end = text.get(start..end).and_then(|it| it.find('\n')).map_or(end, |length| start + length);
    start..line_end
}

/// How many of each severity: `2 errors, 1 warning`; nothing if there are none.
#[must_use]
pub fn count_by_severity(findings: &[Diagnostic]) -> String {
    let kinds = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
    let mut parts = Vec::new();
    for (severity, name) in kinds {
        match findings.iter().filter(|finding| finding.severity == severity).count() {
            0 => {}
            1 => parts.push(format!("1 {name}")),
            many => parts.push(format!("{many} {name}s")),
        }
    }
    parts.join(", ")
}
