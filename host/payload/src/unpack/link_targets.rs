//! What hard links of a source lead to.

use std::collections::HashMap;

use opkg_inspect::{ContentsEntry, FileKind};

use crate::placement::Place;

/// Hard links that lead to hard links.
const MAX_LINK_HOPS: usize = 40;

/// A hard link of which nothing has been written yet.
#[derive(Clone)]
pub(super) struct PendingLink<'a> {
    /// A path of the source.
    pub(super) target: String,
    pub(super) place: Place<'a>,
    pub(super) mode: u32,
    /// Its number in the source.
    pub(super) position: usize,
    /// Whether there is a file by now; one of the source that comes later, but in front of the link, takes its place.
    pub(super) is_written: bool,
}

/// What hard links may lead to besides files that are taken, by paths of the source, wanted or not.
#[derive(Default)]
pub(super) struct LinkTargets {
    hard_links: HashMap<String, String>,
    /// What symbolic links hold; nothing of one that cannot be installed.
    symbolic: HashMap<String, Option<String>>,
}

impl LinkTargets {
    /// Notes an entry. What is noted of an earlier one with the same path is forgotten.
    pub(super) fn note(&mut self, entry: &ContentsEntry, link_text: Option<String>) {
        self.hard_links.remove(&entry.path);
        self.symbolic.remove(&entry.path);
        match (entry.kind, &entry.target) {
            (FileKind::HardLink, Some(target)) => {
                self.hard_links.insert(entry.path.clone(), target.clone());
            }
            (FileKind::Link, _) => {
                self.symbolic.insert(entry.path.clone(), link_text);
            }
            _ => {}
        }
    }

    /// The path of the source that a hard link leads to in the end.
    pub(super) fn resolve(&self, target: &str) -> String {
        let mut target = target;
        for _ in 0..MAX_LINK_HOPS {
            match self.hard_links.get(target) {
                Some(next) if next != target => target = next,
                _ => break,
            }
        }
        target.to_owned()
    }

    /// What the symbolic link at a path holds, if there is one that can be installed.
    pub(super) fn link_text(&self, path: &str) -> Option<String> {
        self.symbolic.get(path).cloned().flatten()
    }

    /// Whether a path is that of a symbolic link.
    pub(super) fn is_symbolic(&self, path: &str) -> bool {
        self.symbolic.contains_key(path)
    }
}
