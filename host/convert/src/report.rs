//! What a conversion has to tell.

use std::collections::HashSet;

/// What an entry is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportLocation {
    /// The OPKG as such.
    Package,
    /// A line of the old `config.xml`, counted from 1.
    Line(usize),
    /// A file or directory, relative to the old OPKG's.
    File(String),
}

/// One thing that was done, or is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct ReportEntry {
    pub at: ReportLocation,
    /// One line.
    pub text: String,
}

/// What came of everything in the old OPKG.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// What means the same in the new form.
    pub converted: Vec<ReportEntry>,
    /// What was changed by a rule. The old `config.xml`'s words stand in a comment of the new one.
    pub changed: Vec<ReportEntry>,
    /// What a person must still do or look at.
    pub needs_review: Vec<ReportEntry>,
}

impl Report {
    pub(crate) fn add_converted(&mut self, at: ReportLocation, text: impl Into<String>) {
        self.converted.push(ReportEntry { at, text: text.into() });
    }

    pub(crate) fn add_changed(&mut self, at: ReportLocation, text: impl Into<String>) {
        self.changed.push(ReportEntry { at, text: text.into() });
    }

    pub(crate) fn add_needs_review(&mut self, at: ReportLocation, text: impl Into<String>) {
        self.needs_review.push(ReportEntry { at, text: text.into() });
    }

    /// In the order of the old OPKG. What was said of one line is not said again of another.
    pub(crate) fn sort_and_dedup(&mut self) {
        for list in [&mut self.converted, &mut self.changed, &mut self.needs_review] {
            list.sort_by(|a, b| a.at.cmp(&b.at));
            let mut said = HashSet::new();
            list.retain(|entry| {
                !matches!(entry.at, ReportLocation::Line(_)) || said.insert(entry.text.clone())
            });
        }
    }
}
