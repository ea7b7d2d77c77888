//! What a check collects while it goes on: diagnostics, and the places that nodes of the model stand for.

use crate::diagnostic::{Diagnostic, Location, Severity};
use crate::limits;
use crate::model::NodeId;

/// Diagnostics so far, at most [`limits::MAX_DIAGNOSTICS`] of them.
#[derive(Debug, Default)]
pub(crate) struct DiagnosticSink {
    diagnostics: Vec<Diagnostic>,
    dropped_count: usize,
    max_dropped_severity: Option<Severity>,
}

impl DiagnosticSink {
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < limits::MAX_DIAGNOSTICS {
            self.diagnostics.push(diagnostic);
        } else {
            self.dropped_count += 1;
            self.max_dropped_severity =
                self.max_dropped_severity.into_iter().chain([diagnostic.severity]).min();
        }
    }

    pub fn has_error(&self) -> bool {
        self.max_dropped_severity == Some(Severity::Error)
            || self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Sorted by place: the OPKG as such, `config.xml` from top to bottom, then the files by name.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        if let Some(severity) = self.max_dropped_severity {
            let message = format!("{} further findings are left out", self.dropped_count);
            self.diagnostics
                .push(Diagnostic::new(severity, "too-many-findings", message).help("correct these first"));
        }
        self.diagnostics.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
        self.diagnostics
    }
}

fn sort_key(diagnostic: &Diagnostic) -> (u8, usize, &str) {
    match &diagnostic.location {
        None => (0, 0, ""),
        Some(Location::Config(range)) => (1, range.start, ""),
        Some(Location::File(path)) => (2, 0, path),
    }
}

/// The places of the model's nodes.
#[derive(Debug, Default)]
pub(crate) struct LocationTable(Vec<Location>);

impl LocationTable {
    pub fn insert(&mut self, location: Location) -> NodeId {
        // The limits on what is read keep this far from 2³².
        let index = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.push(location);
        NodeId(index)
    }

    pub fn get(&self, node: NodeId) -> Option<&Location> {
        self.0.get(node.0 as usize)
    }

    pub fn into_vec(self) -> Vec<Location> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_counts_even_if_it_is_not_kept() {
        let mut diagnostics = DiagnosticSink::default();
        for _ in 0..limits::MAX_DIAGNOSTICS {
            diagnostics.push(Diagnostic::note("a", "b"));
        }
        assert!(!diagnostics.has_error());
        diagnostics.push(Diagnostic::warning("a", "b"));
        diagnostics.push(Diagnostic::error("a", "b"));
        diagnostics.push(Diagnostic::note("a", "b"));
        assert!(diagnostics.has_error());
        let list = diagnostics.into_sorted();
        assert_eq!(list.len(), limits::MAX_DIAGNOSTICS + 1);
        assert!(list.iter().any(|diagnostic| diagnostic.message.starts_with("3 further")
            && diagnostic.severity == Severity::Error));
    }

    #[test]
    fn findings_are_sorted_by_place() {
        let mut diagnostics = DiagnosticSink::default();
        let file = |name: &str| Diagnostic::note(name, "").at(Location::File(name.into()));
        for diagnostic in [
            file("b"),
            file("a"),
            Diagnostic::note("text", "").at(Location::Config(3..4)),
            Diagnostic::note("none", ""),
        ] {
            diagnostics.push(diagnostic);
        }
        let codes: Vec<_> = diagnostics.into_sorted().into_iter().map(|diagnostic| diagnostic.code).collect();
        assert_eq!(codes, ["none", "text", "a", "b"]);
    }
}
