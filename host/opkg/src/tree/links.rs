//! Whether symbolic links still lead somewhere once the files are installed: the directories of an OPKG do not
//! all stay neighbours.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::helpers::is_within_reach;
use super::layout;
use crate::diagnostic::{Diagnostic, Location};
use crate::diagnostic_sink::DiagnosticSink;
use crate::model::{Destination, Directory, SourceFile};
use crate::text::escape_for_display;

/// Links that lead to links, at most; what kernels follow.
const MAX_LINK_HOPS: usize = 40;

/// Everything installed, by where. Documentation has a root of its own, since nobody knows yet where it lies.
struct InstalledTree<'a> {
    files: BTreeMap<Vec<&'a str>, &'a SourceFile>,
    directories: BTreeSet<Vec<&'a str>>,
}

/// Reports links that would lead nowhere once installed.
pub(super) fn check(files: &[SourceFile], directories: &[Directory], diagnostics: &mut DiagnosticSink) {
    if files.iter().all(|file| file.link.is_none()) {
        return;
    }
    let mut installed = InstalledTree { files: BTreeMap::new(), directories: BTreeSet::new() };
    for file in files {
        let path = path_components(&file.destination);
        installed.directories.extend((1..path.len()).map(|length| path[..length].to_vec()));
        installed.files.insert(path, file);
    }
    installed.directories.extend(directories.iter().map(|directory| path_components(&directory.destination)));
    for file in files {
        let Some(held) = file.link.as_ref().filter(|_| !layout::is_for_root(&file.path)) else { continue };
        if !installed.resolves(file, held) {
            let message =
                format!("once installed, the link to `{}` would lead nowhere", escape_for_display(held));
            diagnostics.push(
                Diagnostic::error("link", message)
                    .at(Location::File(file.path.clone()))
                    .help("its target is not installed, goes to another machine, or to another directory: put a copy there"),
            );
        }
    }
}

fn path_components(destination: &Destination) -> Vec<&str> {
    let (root, path) = match destination {
        Destination::Path(path) => ("/", path),
        Destination::Documentation(path) => ("documentation", path),
    };
    std::iter::once(root).chain(path.split('/').filter(|component| !component.is_empty())).collect()
}

impl<'a> InstalledTree<'a> {
    fn resolves(&self, link: &'a SourceFile, held: &'a str) -> bool {
        let mut path = path_components(&link.destination);
        path.pop();
        let mut ahead: VecDeque<&str> = held.split('/').collect();
        let mut hops = 0;
        while let Some(component) = ahead.pop_front() {
            match component {
                "" | "." => continue,
                ".." if path.len() == 1 => return false,
                ".." => {
                    path.pop();
                    continue;
                }
                name => path.push(name),
            }
            if let Some(file) = self.files.get(&path) {
                if !is_within_reach(link.part, file.part) {
                    return false;
                }
                if let Some(next) = &file.link {
                    hops += 1;
                    if hops > MAX_LINK_HOPS {
                        return false;
                    }
                    path.pop();
                    for component in next.split('/').rev() {
                        ahead.push_front(component);
                    }
                } else {
                    return ahead.iter().all(|component| component.is_empty());
                }
            } else if !self.directories.contains(&path) {
                return false;
            }
        }
        true
    }
}
