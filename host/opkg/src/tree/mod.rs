//! The OPKG's directory: which files there are, where they go, and what is wrong with them.

mod action;
mod alternatives;
pub(crate) mod contents;
mod directory_modes;
mod elf;
mod file;
mod file_rules;
mod helpers;
mod layout;
mod links;
mod payloads;
mod script;
mod service_rules;
mod shebang;
mod systemd;
mod sysusers;
mod triggers;
mod walk;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

pub use layout::{LOCK_FILE, PAYLOAD_DIRECTORY};
pub(crate) use layout::{SHARED_DIRECTORIES, is_known_top_level_name, package_home};
pub use script::hook_names;
pub use walk::is_vcs_or_editor_file;

use crate::diagnostic::{Diagnostic, Location};
use crate::diagnostic_sink::{DiagnosticSink, LocationTable};
use crate::model::{
    Alternative, Destination, Directory, FileRule, Part, Payload, ServiceRule, SourceFile, Trigger,
};
use crate::source_dir::SourceDir;
use crate::text::escape_for_display;
use file::{FileTree, Totals};
use walk::Entry;

/// What the description of an OPKG says about its directory.
#[derive(Clone, Copy)]
pub(crate) struct Description<'a> {
    /// Of the OPKG.
    pub name: &'a str,
    /// That it is restricted to; empty where it is not.
    pub archs: &'a [String],
    pub payloads: &'a [Payload],
    /// Where the files of each payload were laid, in a directory that its index names; nothing where they were not.
    pub unpacked: Option<&'a Path>,
    pub file_rules: &'a [FileRule],
    pub service_rules: &'a [ServiceRule],
    pub alternatives: &'a [Alternative],
    pub triggers: &'a [Trigger],
}

/// What is in the directory of an OPKG.
#[derive(Default)]
pub(crate) struct Contents {
    /// Sorted by path.
    pub files: Vec<SourceFile>,
    /// That its packages own, parents first.
    pub directories: Vec<Directory>,
    /// Further rules, after those of `files`: for directories that are closed in the source.
    pub directory_rules: Vec<FileRule>,
    /// Whether scripts want to be told why they run.
    pub tells_action: bool,
}

/// Reads all of it. `root` is canonical.
pub(crate) fn read(
    root: &Path,
    described: Description<'_>,
    diagnostics: &mut DiagnosticSink,
    locations: &mut LocationTable,
) -> Contents {
    let enter = |path: &str| path.contains('/') || layout::TOP_LEVEL_DIRECTORIES.contains(&path);
    let source = match SourceDir::open(root) {
        Ok(source) => source,
        Err(error) => {
            diagnostics.push(walk::read_error("", &error));
            return Contents::default();
        }
    };
    let Description { name, archs, payloads, unpacked, file_rules, service_rules, alternatives, triggers } =
        described;
    let skip = |path: &str| layout::is_ignored(path) || payloads::is_source(payloads, path);
    let mut entries = walk::walk(&source, root, skip, enter, diagnostics);
    let own_entries = entries.len();
    let mut totals = Totals::default();
    let tree = FileTree { source: &source, root, entries: &entries, payload: None };
    let mut files = file::read_files(tree, name, archs, &mut totals, diagnostics, locations);
    if let Some(unpacked) = unpacked {
        let read = payloads::read(unpacked, payloads, (name, archs), &mut totals, diagnostics, locations);
        entries.extend(read.entries);
        files.extend(read.files);
        files.sort_by(|one, other| one.path.cmp(&other.path));
    }
    let tells_action = totals.tells_action;
    let mut directories = owned_directories(name, &entries, &files);
    // Those of payloads were made here.
    let own_entries = &entries[..own_entries];
    let directory_rules =
        directory_modes::assign(name, own_entries, &mut directories, file_rules.len(), locations);
    check_path_collisions(&files, &directories, payloads, diagnostics, locations);
    links::check(&files, &directories, diagnostics);
    helpers::check(&source, &package_home(name), &files, diagnostics);
    // What is not known to be there cannot be missed.
    let is_complete = payloads.is_empty() || unpacked.is_some();
    let mut report = |found: Diagnostic, at| {
        if is_complete {
            diagnostics.push(match locations.get(at) {
                Some(location) => found.at(location.clone()),
                None => found,
            });
        }
    };
    alternatives::check(alternatives, &files, &mut report);
    triggers::check(triggers, &files, &mut report);
    if !file_rules.is_empty() {
        let laid_directories = entries
            .iter()
            .filter(|entry| entry.is_directory() && layout::is_for_root(&entry.path))
            .filter_map(|entry| layout::directory_destination(name, &entry.path))
            .collect();
        file_rules::assign(file_rules, &mut files, &mut directories, &laid_directories, &mut report);
        sysusers::check_owners(file_rules, &files, &directories, &mut report);
    }
    service_rules::check(service_rules, &files, &mut report);
    Contents { files, directories, directory_rules, tells_action }
}

/// The directories that the packages own: those of the source, and the roots that files need.
fn owned_directories(name: &str, entries: &[Entry], files: &[SourceFile]) -> Vec<Directory> {
    let mut directories = BTreeSet::new();
    let mut own = |part: Part, destination: Destination, only_arch: Option<&'static str>| {
        directories.insert(Directory { part, destination, only_arch, rules: Vec::new() })
    };
    own(Part::Api, Destination::Path(package_home(name)), None);
    for entry in entries.iter().filter(|entry| entry.is_directory()) {
        let destination = layout::directory_destination(name, &entry.path);
        // An empty `doc/` is no documentation.
        if let Some(destination) =
            destination.filter(|destination| *destination != Destination::Documentation(String::new()))
        {
            let part = layout::helper_part(&entry.path);
            let only_arch = layout::only_arch(&entry.path);
            layout::required_root(name, &destination).map(|root| own(part, root, only_arch));
            own(part, destination, only_arch);
        }
    }
    for file in files {
        layout::required_root(name, &file.destination).map(|root| own(file.part, root, file.only_arch));
    }
    directories.into_iter().collect()
}

/// Two things cannot be installed at the same place.
fn check_path_collisions(
    files: &[SourceFile],
    directories: &[Directory],
    payloads: &[Payload],
    diagnostics: &mut DiagnosticSink,
    locations: &LocationTable,
) {
    let place = |file: &SourceFile| {
        locations.get(file.at).cloned().unwrap_or_else(|| Location::File(file.path.clone()))
    };
    let named = |file: &SourceFile| payloads::describe(file, payloads);
    let directories: HashSet<&Destination> =
        directories.iter().map(|directory| &directory.destination).collect();
    let mut taken: HashMap<&Destination, Vec<&SourceFile>> = HashMap::new();
    for file in files {
        let (Destination::Path(path) | Destination::Documentation(path)) = &file.destination;
        if directories.contains(&file.destination) {
            let message = format!(
                "{} is to be installed as `{}`, where a directory is",
                named(file),
                escape_for_display(path)
            );
            diagnostics
                .push(Diagnostic::error("file-clash", message).at(place(file)).help("rename one of the two"));
        }
        // Of several architectures, a package has what is for one.
        let is_together = |other: &&&SourceFile| {
            other.part != file.part
                || other.only_arch.is_none()
                || file.only_arch.is_none()
                || other.only_arch == file.only_arch
        };
        let others = taken.entry(&file.destination).or_default();
        if let Some(other) = others.iter().find(is_together) {
            let message = format!(
                "{} and {} are both to be installed as `{}`",
                named(other),
                named(file),
                escape_for_display(path)
            );
            diagnostics.push(
                Diagnostic::error("file-clash", message)
                    .at(place(file))
                    .help("rename one of the two")
                    .related(place(other), "the other one"),
            );
        }
        others.push(file);
    }
}
