//! What a conversion has to tell.

use std::collections::HashSet;

/// What an entry is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum At {
    /// The OPKG as such.
    Whole,
    /// A line of the old `config.xml`, counted from 1.
    Line(usize),
    /// A file or directory, relative to the old OPKG's.
    File(String),
}

/// One thing that was done, or is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Entry {
    pub at: At,
    /// One line.
    pub text: String,
}

/// What came of everything in the old OPKG.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// What means the same in the new form.
    pub taken: Vec<Entry>,
    /// What was changed by a rule. The old `config.xml`'s words stand in a comment of the new one.
    pub decided: Vec<Entry>,
    /// What a person must still do or look at.
    pub open: Vec<Entry>,
}

impl Report {
    pub(crate) fn take(&mut self, at: At, text: impl Into<String>) {
        self.taken.push(Entry { at, text: text.into() });
    }

    pub(crate) fn decide(&mut self, at: At, text: impl Into<String>) {
        self.decided.push(Entry { at, text: text.into() });
    }

    pub(crate) fn leave_open(&mut self, at: At, text: impl Into<String>) {
        self.open.push(Entry { at, text: text.into() });
    }

    /// In the order of the old OPKG. What was said of one line is not said again of another.
    pub(crate) fn tidy(&mut self) {
        for list in [&mut self.taken, &mut self.decided, &mut self.open] {
            list.sort_by(|a, b| a.at.cmp(&b.at));
            let mut said = HashSet::new();
            list.retain(|entry| !matches!(entry.at, At::Line(_)) || said.insert(entry.text.clone()));
        }
    }
}
