//! Whether symbolic links still lead somewhere once the files are installed: the directories of an OPKG do not
//! all stay neighbours.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::diagnostic::{Diagnostic, Place};
use crate::findings::Findings;
use crate::model::{Destination, Directory, Part, SourceFile};
use crate::text::show;

/// Links that lead to links, at most; what kernels follow.
const HOPS: usize = 40;

/// Everything installed, by where. Documentation has a root of its own, since nobody knows yet where it lies.
struct Installed<'a> {
    files: BTreeMap<Vec<&'a str>, &'a SourceFile>,
    directories: BTreeSet<Vec<&'a str>>,
}

/// Reports links that would lead nowhere once installed.
pub(super) fn check(files: &[SourceFile], directories: &[Directory], findings: &mut Findings) {
    if files.iter().all(|file| file.link.is_none()) {
        return;
    }
    let mut installed = Installed { files: BTreeMap::new(), directories: BTreeSet::new() };
    for file in files {
        let place = components(&file.destination);
        installed.directories.extend((1..place.len()).map(|length| place[..length].to_vec()));
        installed.files.insert(place, file);
    }
    installed.directories.extend(directories.iter().map(|directory| components(&directory.destination)));
    for file in files {
        let Some(held) = &file.link else { continue };
        if !installed.leads_somewhere(file, held) {
            let message = format!("once installed, the link to `{}` would lead nowhere", show(held));
            findings.push(
                Diagnostic::error("link", message)
                    .at(Place::File(file.path.clone()))
                    .help("its target is not installed, goes to another machine, or to another directory: put a copy there"),
            );
        }
    }
}

fn components(destination: &Destination) -> Vec<&str> {
    let (root, path) = match destination {
        Destination::Path(path) => ("/", path),
        Destination::Documentation(path) => ("documentation", path),
    };
    std::iter::once(root).chain(path.split('/').filter(|component| !component.is_empty())).collect()
}

impl<'a> Installed<'a> {
    fn leads_somewhere(&self, link: &'a SourceFile, held: &'a str) -> bool {
        let mut place = components(&link.destination);
        place.pop();
        let mut ahead: VecDeque<&str> = held.split('/').collect();
        let mut hops = 0;
        while let Some(component) = ahead.pop_front() {
            match component {
                "" | "." => continue,
                ".." if place.len() == 1 => return false,
                ".." => {
                    place.pop();
                    continue;
                }
                name => place.push(name),
            }
            if let Some(file) = self.files.get(&place) {
                if !reaches(link.part, file.part) {
                    return false;
                }
                if let Some(next) = &file.link {
                    hops += 1;
                    if hops > HOPS {
                        return false;
                    }
                    place.pop();
                    for component in next.split('/').rev() {
                        ahead.push_front(component);
                    }
                } else {
                    return ahead.iter().all(|component| component.is_empty());
                }
            } else if !self.directories.contains(&place) {
                return false;
            }
        }
        true
    }
}

/// Whether what is in one package may rely on a file of another: the server part requires the api part.
fn reaches(from: Part, to: Part) -> bool {
    from == to || (from == Part::Server && to == Part::Api)
}
