//! Hard links of a source: further names of files in it, each of which becomes a copy; of links, each of which becomes one.

use std::collections::HashMap;
use std::io::{self, Read};

use fs_err as fs;
use opkg::escape_for_display;
use opkg_inspect::{ContentsEntry, FileKind};

use super::Unpacking;
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

    /// Whether a path is that of a symbolic link.
    pub(super) fn is_symbolic(&self, path: &str) -> bool {
        self.symbolic.contains_key(path)
    }
}

impl<'a> Unpacking<'a, '_> {
    /// Makes a hard link what it leads to, if that is there; returns whether it is.
    pub(super) fn follow(&mut self, link: &PendingLink<'a>) -> io::Result<bool> {
        let target = self.link_targets.resolve(&link.target);
        if self.extracted.contains_key(&target) {
            self.copy(&target, &link.place, link.mode)?;
            return Ok(true);
        }
        let text = self.link_targets.symbolic.get(&target).cloned().flatten();
        Ok(text.map(|text| self.links.insert(link.place.path.clone(), text)).is_some())
    }

    /// Makes hard links what they lead to, as far as that was written; returns whether others are left.
    pub(super) fn follow_hard_links(&mut self) -> io::Result<bool> {
        for (place, link) in std::mem::take(&mut self.pending) {
            if !self.follow(&link)? {
                self.pending.insert(place, link);
            }
        }
        Ok(!self.pending.is_empty())
    }

    /// What hard links lead to that is not taken under its own name, each with their places.
    pub(super) fn missing_targets(&self) -> HashMap<String, Vec<String>> {
        let mut missing: HashMap<String, Vec<String>> = HashMap::new();
        for (place, link) in &self.pending {
            missing.entry(self.link_targets.resolve(&link.target)).or_default().push(place.clone());
        }
        missing
    }

    /// Of the second pass: a file that is taken under other names alone.
    pub(super) fn take_target(
        &mut self,
        wanted: &HashMap<String, Vec<String>>,
        entry: &ContentsEntry,
        contents: &mut dyn Read,
    ) -> io::Result<()> {
        self.position += 1;
        let Some(places) = wanted.get(&entry.path) else { return Ok(()) };
        let written = self.write_target(places, entry, contents);
        written.map_err(|error| self.stop(error))
    }

    fn write_target(
        &mut self,
        places: &[String],
        entry: &ContentsEntry,
        contents: &mut dyn Read,
    ) -> io::Result<()> {
        let shown = escape_for_display(&entry.path).to_string();
        let mut is_first = true;
        for place in places {
            let Some(link) = self.pending.get(place).cloned() else { continue };
            // Of several files of one name, a hard link is of the last in front of it.
            if link.is_written && link.position < self.position {
                continue;
            }
            let at = link.place.take.at;
            match entry.kind {
                FileKind::File => {}
                FileKind::Link | FileKind::HardLink => continue,
                FileKind::Directory | FileKind::Special => {
                    let message = format!(
                        "`/{}` is a hard link to `{shown}`, which is no file",
                        escape_for_display(&link.place.path)
                    );
                    return Err(self.refuse(at, message, "leave it with `<omit path=\"…\"/>`"));
                }
            }
            self.check_readable(entry, at)?;
            let to = self.root.join(place);
            if link.is_written {
                fs::remove_file(&to)?;
            }
            if is_first {
                self.write(at, &shown, contents, &to, link.mode)?;
                self.extracted.insert(entry.path.clone(), place.clone());
                is_first = false;
            } else {
                self.copy(&entry.path, &link.place, link.mode)?;
            }
            self.pending.insert(place.clone(), PendingLink { is_written: true, ..link });
        }
        Ok(())
    }
}
