//! What a check collects while it goes on: findings, and the places that nodes of the model stand for.

use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::limits;
use crate::model::Node;

/// Findings so far, at most [`limits::FINDINGS`] of them.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Diagnostic>,
    dropped: usize,
    worst_dropped: Option<Severity>,
}

impl Findings {
    pub fn push(&mut self, finding: Diagnostic) {
        if self.list.len() < limits::FINDINGS {
            self.list.push(finding);
        } else {
            self.dropped += 1;
            self.worst_dropped = self.worst_dropped.into_iter().chain([finding.severity]).min();
        }
    }

    pub fn has_error(&self) -> bool {
        self.worst_dropped == Some(Severity::Error)
            || self.list.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Sorted by place: the OPKG as such, `config.xml` from top to bottom, then the files by name.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        if let Some(severity) = self.worst_dropped {
            let message = format!("{} further findings are left out", self.dropped);
            self.list
                .push(Diagnostic::new(severity, "too-many-findings", message).help("correct these first"));
        }
        self.list.sort_by(|a, b| order(a).cmp(&order(b)));
        self.list
    }
}

fn order(finding: &Diagnostic) -> (u8, usize, &str) {
    match &finding.place {
        None => (0, 0, ""),
        Some(Place::Config(range)) => (1, range.start, ""),
        Some(Place::File(path)) => (2, 0, path),
    }
}

/// The places of the model's nodes.
#[derive(Debug, Default)]
pub(crate) struct Places(Vec<Place>);

impl Places {
    pub fn node(&mut self, place: Place) -> Node {
        // The limits on what is read keep this far from 2³².
        let index = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.push(place);
        Node(index)
    }

    pub fn into_list(self) -> Vec<Place> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_counts_even_if_it_is_not_kept() {
        let mut findings = Findings::default();
        for _ in 0..limits::FINDINGS {
            findings.push(Diagnostic::note("a", "b"));
        }
        assert!(!findings.has_error());
        findings.push(Diagnostic::warning("a", "b"));
        findings.push(Diagnostic::error("a", "b"));
        findings.push(Diagnostic::note("a", "b"));
        assert!(findings.has_error());
        let list = findings.into_sorted();
        assert_eq!(list.len(), limits::FINDINGS + 1);
        assert!(
            list.iter().any(
                |finding| finding.message.starts_with("3 further") && finding.severity == Severity::Error
            )
        );
    }

    #[test]
    fn findings_are_sorted_by_place() {
        let mut findings = Findings::default();
        let file = |name: &str| Diagnostic::note(name, "").at(Place::File(name.into()));
        for finding in [
            file("b"),
            file("a"),
            Diagnostic::note("text", "").at(Place::Config(3..4)),
            Diagnostic::note("none", ""),
        ] {
            findings.push(finding);
        }
        let codes: Vec<_> = findings.into_sorted().into_iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["none", "text", "a", "b"]);
    }
}
