//! The OPKG's directory: which files there are, where they go, and what is wrong with them.

pub(crate) mod contents;
mod layout;
mod links;
mod script;
mod walk;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

pub(crate) use layout::home;

use crate::decode::latin1;
use crate::diagnostic::{Diagnostic, Place};
use crate::findings::{Findings, Places};
use crate::model::{Destination, Directory, Part, Scriptlet, SourceFile};
use crate::text::show;
use crate::{limits, nearest};
use contents::Interpreter;
use script::Native;
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
    let mut tree = Tree { root, name, findings, places, total: 0, scripts: names_of_scripts(&entries) };
    let mut files = Vec::new();
    for entry in &entries {
        files.extend(tree.read_entry(entry));
    }
    let directories = owned(name, &entries, &files);
    check_clashes(&files, &directories, tree.findings);
    links::check(&files, &directories, tree.findings);
    (files, directories)
}

/// The names right inside of `scripts/`.
fn names_of_scripts(entries: &[Entry]) -> HashSet<String> {
    let names = entries.iter().filter_map(|entry| script_name(&entry.path));
    names.map(str::to_owned).collect()
}

/// The name of a file right inside of `scripts/`.
fn script_name(path: &str) -> Option<&str> {
    path.strip_prefix("scripts/").filter(|name| !name.contains('/'))
}

struct Tree<'a> {
    root: &'a Path,
    name: &'a str,
    findings: &'a mut Findings,
    places: &'a mut Places,
    /// Bytes read so far.
    total: u64,
    scripts: HashSet<String>,
}

impl Tree<'_> {
    fn report(&mut self, path: &str, finding: Diagnostic) {
        self.findings.push(finding.at(Place::File(path.to_owned())));
    }

    fn read_entry(&mut self, entry: &Entry) -> Option<SourceFile> {
        let path = entry.path.as_str();
        let destination = match entry.kind {
            EntryKind::Directory if path.contains('/') || layout::DIRECTORIES.contains(&path) => return None,
            EntryKind::Directory => None,
            EntryKind::Link(_) if layout::DIRECTORIES.contains(&path) => {
                let finding = Diagnostic::error("link", format!("`{path}` is a link, not a directory"));
                self.report(path, finding.help("put the directory itself there"));
                return None;
            }
            _ => layout::of_file(self.name, path),
        };
        let Some(destination) = destination else {
            self.report_unknown(path);
            return None;
        };
        let native = script_name(path).and_then(script::native);
        if let Some(meant) = script_name(path).and_then(script::misspelt) {
            let finding = Diagnostic::warning(
                "script-name",
                format!("nothing ever runs a script of the name `{}`", show(path)),
            );
            self.report(path, finding.help(format!("did you mean `{meant}`?")));
        }
        let (is_executable, link) = match &entry.kind {
            EntryKind::File { is_executable } => (*is_executable, None),
            EntryKind::Link(held) => (false, Some(held.clone())),
            EntryKind::Directory => return None,
        };
        // A link stands for a script as well as a file does.
        let contents = if link.is_none() { Some(self.contents(path, path)?) } else { None };
        let target = match &link {
            Some(_) if native.is_some() => Some(self.contents_behind(path)?),
            _ => None,
        };
        let head = contents
            .as_ref()
            .or(target.as_ref())
            .map(|contents| contents.head.as_slice())
            .unwrap_or_default();
        let line = contents::interpreter(head);
        let scriptlet = native.and_then(|native| self.scriptlet(path, native, head));
        let mode = if path.starts_with("scripts/") || is_executable || line != Interpreter::None {
            0o755
        } else {
            0o644
        };
        let interpreter = self.words(path, line, scriptlet.as_ref());
        Some(SourceFile {
            at: self.places.node(Place::File(path.to_owned())),
            path: path.to_owned(),
            part: native.map_or(Part::Api, |native| native.part),
            destination,
            mode,
            size: contents.as_ref().map_or(0, |contents| contents.size),
            sha256: contents.map_or_else(contents::hash_of_nothing, |contents| contents.sha256),
            interpreter,
            link,
            scriptlet,
        })
    }

    fn report_unknown(&mut self, path: &str) {
        let help = match nearest(path, layout::names_at_the_top()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => {
                "scripts and their helpers go into `scripts/`, documents into `doc/`, tests into `testing/`"
                    .to_owned()
            }
        };
        let finding = Diagnostic::warning(
            "not-packaged",
            format!("the format knows no `{}`: it is not packaged", show(path)),
        );
        self.report(path, finding.help(help));
    }

    /// What is in the file at `path`, for which `named` stands in findings; nothing where that was reported.
    fn contents(&mut self, path: &str, named: &str) -> Option<contents::Contents> {
        let limit = limits::FILE_BYTES.min(limits::TOTAL_BYTES - self.total);
        match contents::read(&self.root.join(path), limit) {
            Ok(Some(contents)) => {
                self.total += contents.size;
                Some(contents)
            }
            Ok(None) => {
                let message = if limit < limits::FILE_BYTES {
                    format!("with this file there are more than {} GiB", limits::TOTAL_BYTES >> 30)
                } else {
                    format!("the file is larger than {} GiB", limits::FILE_BYTES >> 30)
                };
                let help = "an OPKG configures software; put the software itself into a package of its own";
                self.report(named, Diagnostic::error("file-limit", message).help(help));
                None
            }
            Err(error) => {
                self.findings.push(walk::unreadable(named, &error));
                None
            }
        }
    }

    /// What is in the file that a link leads to in the end. Links have been checked to stay inside.
    fn contents_behind(&mut self, link: &str) -> Option<contents::Contents> {
        match self.resolve(link) {
            Some(target) => self.contents(&target, link),
            None => {
                let finding = Diagnostic::error("link", "the link leads to nothing that can be run");
                self.report(link, finding.help("put the script itself there"));
                None
            }
        }
    }

    /// The path inside of the OPKG that a path leads to.
    fn resolve(&self, path: &str) -> Option<String> {
        let target = std::fs::canonicalize(self.root.join(path)).ok()?;
        target.strip_prefix(self.root).ok()?.to_str().map(str::to_owned)
    }

    /// What the package manager is to do with a native script; nothing where another one of the present name
    /// is there, or there is something wrong with it.
    fn scriptlet(&mut self, path: &str, native: Native, head: &[u8]) -> Option<Scriptlet> {
        if let Some(present) = native.renamed
            && self.scripts.contains(present)
        {
            let message = format!("never run by the package manager: `scripts/{present}` is there as well");
            let finding = Diagnostic::warning("script-twice", message)
                .help("remove one of the two")
                .related(Place::File(format!("scripts/{present}")), "the one that runs");
            self.report(path, finding);
            return None;
        }
        let is_program = head.starts_with(b"\x7fELF");
        if contents::interpreter(head) == Interpreter::None && !is_program {
            let finding =
                Diagnostic::warning("script-interpreter", "the script does not say who is to run it");
            self.report(path, finding.help("begin it with `#!/bin/sh`, or whatever it is written for"));
        }
        let time = native.time;
        if time.file_is_there() {
            return Some(Scriptlet { time, text: None });
        }
        let text = Some(self.carried(path)?);
        Some(Scriptlet { time, text })
    }

    /// The text of a script that its package must carry.
    fn carried(&mut self, path: &str) -> Option<String> {
        let file = self.resolve(path)?;
        let (bytes, is_longer) =
            match contents::read_up_to(&self.root.join(file), limits::CARRIED_SCRIPT_BYTES) {
                Ok(read) => read,
                Err(error) => {
                    self.findings.push(walk::unreadable(path, &error));
                    return None;
                }
            };
        let why = "runs while its file is not on disk, so the package must carry it as text";
        if is_longer {
            let message =
                format!("the script {why}, and has more than {} KiB", limits::CARRIED_SCRIPT_BYTES >> 10);
            self.report(path, Diagnostic::error("script-carried", message).help("make it shorter"));
            return None;
        }
        if bytes.contains(&0) {
            let finding = Diagnostic::error("script-carried", format!("the script {why}, but it is no text"));
            self.report(path, finding.help("write it as a script"));
            return None;
        }
        Some(String::from_utf8(bytes).unwrap_or_else(|error| {
            let finding =
                Diagnostic::warning("script-encoding", "the script is not UTF-8, and read as ISO-8859-1");
            self.report(path, finding.help("save it as UTF-8"));
            latin1(error.as_bytes())
        }))
    }

    /// The interpreter as words, and what is wrong with its line.
    fn words(&mut self, path: &str, line: Interpreter, scriptlet: Option<&Scriptlet>) -> Vec<String> {
        match line {
            Interpreter::Line { words, has_carriage_return } => {
                if has_carriage_return {
                    let finding = Diagnostic::warning(
                        "script-line-ends",
                        "the lines end with carriage returns, so nothing can run this",
                    );
                    self.report(path, finding.help("save it with the line ends of Unix"));
                }
                words
            }
            Interpreter::Bad => {
                let finding = match scriptlet {
                    Some(_) => {
                        Diagnostic::error("script-interpreter", "no program can be found by the first line")
                    }
                    None => {
                        Diagnostic::warning("script-interpreter", "no program can be found by the first line")
                    }
                };
                self.report(path, finding.help("write `#!` and the absolute path of a program"));
                Vec::new()
            }
            Interpreter::None if scriptlet.is_some_and(|scriptlet| scriptlet.text.is_some()) => {
                vec!["/bin/sh".into()]
            }
            Interpreter::None => Vec::new(),
        }
    }
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
