//! Hard links of a source: further names of files in it, each of which becomes a copy; of links, each of which becomes one.

use std::collections::HashMap;
use std::io::{self, Read};

use fs_err as fs;
use opkg::escape_for_display;
use opkg_inspect::{ContentsEntry, FileKind};

use super::Unpacking;
use super::link_targets::PendingLink;

impl<'a> Unpacking<'a, '_> {
    /// Makes a hard link what it leads to, if that is there; returns whether it is.
    pub(super) fn follow(&mut self, link: &PendingLink<'a>) -> io::Result<bool> {
        let target = self.link_targets.resolve(&link.target);
        if self.extracted.contains_key(&target) {
            self.copy(&target, &link.place, link.mode)?;
            return Ok(true);
        }
        let text = self.link_targets.link_text(&target);
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
