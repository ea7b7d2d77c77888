//! Directories below `files/` that are closed to others: their packages keep them so.

use std::collections::HashMap;

use super::layout;
use super::walk::{Entry, EntryKind};
use crate::diagnostic::Location;
use crate::diagnostic_sink::LocationTable;
use crate::model::{Destination, Directory, FileRule, Filter, Part};

/// Permissions of a directory that nobody closed.
const OPEN: u32 = 0o755;

/// Makes a rule for each mode that directories of the OPKG called `name` have in its source, beginning with `first` of all
/// rules, and notes it as the first of those that are about them, so that what `files` says comes after it. Whatever the
/// source, root may do everything in them, and nobody else may write.
pub(super) fn assign(
    name: &str,
    entries: &[Entry],
    directories: &mut [Directory],
    first: usize,
    locations: &mut LocationTable,
) -> Vec<FileRule> {
    let mut modes: HashMap<(Part, Option<&'static str>, Destination), (u32, &str)> = HashMap::new();
    for entry in entries.iter().filter(|entry| layout::is_for_root(&entry.path)) {
        let EntryKind::Directory { mode } = entry.kind else { continue };
        let mode = 0o700 | mode & 0o055;
        if mode != OPEN
            && let Some(destination) = layout::directory_destination(name, &entry.path)
        {
            let key = (layout::helper_part(&entry.path), layout::only_arch(&entry.path), destination);
            modes.insert(key, (mode, &entry.path));
        }
    }
    let mut rules: Vec<FileRule> = Vec::new();
    for directory in directories {
        let key = (directory.part, directory.only_arch, directory.destination.clone());
        let (Some((mode, source)), Destination::Path(path)) = (modes.get(&key), &directory.destination)
        else {
            continue;
        };
        let index = rules.iter().position(|rule| rule.mode == Some(*mode)).unwrap_or_else(|| {
            rules.push(FileRule {
                at: locations.insert(Location::File((*source).to_owned())),
                path: path.clone(),
                is_tree: false,
                filter: Filter::default(),
                owner: None,
                group: None,
                mode: Some(*mode),
                configuration: None,
                is_ghost: None,
                capabilities: None,
            });
            rules.len() - 1
        });
        // There are fewer than 64 modes.
        directory.rules.extend(u32::try_from(first + index));
    }
    rules
}
