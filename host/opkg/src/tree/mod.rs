//! The OPKG's directory: which files there are, where they go, and what is wrong with them.

pub(crate) mod contents;
mod file;
mod layout;
mod links;
mod script;
mod walk;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

pub(crate) use layout::home;
pub use walk::is_dropping;

use crate::diagnostic::{Diagnostic, Place};
use crate::findings::{Findings, Places};
use crate::model::{Destination, Directory, Part, SourceFile};
use crate::text::show;
use walk::{Entry, EntryKind};

/// The files of an OPKG, sorted by path, and the directories that its packages own, parents first. `root` is
/// canonical; `name` is that of the OPKG.
pub(crate) fn read(
    root: &Path,
    name: &str,
    findings: &mut Findings,
    places: &mut Places,
) -> (Vec<SourceFile>, Vec<Directory>) {
    let enter = |path: &str| path.contains('/') || layout::DIRECTORIES.contains(&path);
    let entries = walk::walk(root, layout::is_ignored, enter, findings);
    let files = file::read(root, name, &entries, findings, places);
    let directories = owned(name, &entries, &files);
    check_clashes(&files, &directories, findings);
    links::check(&files, &directories, findings);
    (files, directories)
}

/// The directories that the packages own: those of the source, and the roots that files need.
fn owned(name: &str, entries: &[Entry], files: &[SourceFile]) -> Vec<Directory> {
    let mut directories = BTreeSet::new();
    let mut own = |part: Part, destination: Destination| directories.insert(Directory { part, destination });
    own(Part::Api, Destination::Path(home(name)));
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Directory) {
        let destination = layout::of_directory(name, &entry.path);
        // An empty `doc/` is no documentation.
        if let Some(destination) =
            destination.filter(|destination| *destination != Destination::Documentation(String::new()))
        {
            layout::needed_root(name, &destination).map(|root| own(Part::Api, root));
            own(Part::Api, destination);
        }
    }
    for file in files {
        layout::needed_root(name, &file.destination).map(|root| own(file.part, root));
    }
    directories.into_iter().collect()
}

/// Two things cannot be installed at the same place.
fn check_clashes(files: &[SourceFile], directories: &[Directory], findings: &mut Findings) {
    let directories: HashSet<&Destination> =
        directories.iter().map(|directory| &directory.destination).collect();
    let mut taken: HashMap<&Destination, &str> = HashMap::new();
    for file in files {
        let (Destination::Path(place) | Destination::Documentation(place)) = &file.destination;
        if directories.contains(&file.destination) {
            let message = format!(
                "`{}` is to be installed as `{}`, where a directory is",
                show(&file.path),
                show(place)
            );
            findings.push(
                Diagnostic::error("file-clash", message)
                    .at(Place::File(file.path.clone()))
                    .help("rename one of the two"),
            );
        }
        if let Some(other) = taken.insert(&file.destination, &file.path) {
            let message = format!(
                "`{}` and `{}` are both to be installed as `{}`",
                show(other),
                show(&file.path),
                show(place)
            );
            findings.push(
                Diagnostic::error("file-clash", message)
                    .at(Place::File(file.path.clone()))
                    .help("rename one of the two")
                    .related(Place::File(other.to_owned()), "the other one"),
            );
        }
    }
}
