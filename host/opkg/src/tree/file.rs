//! One file after the other: what it is to the package, and what is wrong with it.

use std::collections::HashSet;
use std::path::Path;

use super::contents::{self, Interpreter};
use super::layout;
use super::script::{self, Component, Native};
use super::walk::{self, Entry, EntryKind};
use crate::decode::latin1;
use crate::diagnostic::{Diagnostic, Place};
use crate::findings::{Findings, Places};
use crate::model::{Destination, Part, Scriptlet, SourceFile};
use crate::text::show;
use crate::{limits, nearest};

/// Reads the files among the entries, one after the other.
pub(super) fn read(
    root: &Path,
    name: &str,
    entries: &[Entry],
    findings: &mut Findings,
    places: &mut Places,
) -> Vec<SourceFile> {
    let paths =
        entries.iter().filter(|entry| entry.kind != EntryKind::Directory).map(|entry| entry.path.as_str());
    let mut files = Files { root, name, paths: paths.collect(), findings, places, total: 0 };
    entries.iter().filter_map(|entry| files.read(entry)).collect()
}

/// The name of a file right inside of `scripts/`.
fn script_name(path: &str) -> Option<&str> {
    path.strip_prefix("scripts/").filter(|name| !name.contains('/'))
}

struct Files<'a> {
    root: &'a Path,
    name: &'a str,
    /// Of all files and links.
    paths: HashSet<&'a str>,
    findings: &'a mut Findings,
    places: &'a mut Places,
    /// Bytes read so far.
    total: u64,
}

impl Files<'_> {
    fn report(&mut self, path: &str, finding: Diagnostic) {
        self.findings.push(finding.at(Place::File(path.to_owned())));
    }

    /// One entry; nothing where it is a directory, or a finding has said why it is not packaged.
    fn read(&mut self, entry: &Entry) -> Option<SourceFile> {
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
        if let Some(shadow) = self.shadow(path) {
            let message = format!("not packaged: `{shadow}` is installed at the same place");
            let finding = Diagnostic::warning("file-shadowed", message)
                .help("remove the one that is not in use")
                .related(Place::File(shadow.into()), "the one that is packaged");
            self.report(path, finding);
            return None;
        }
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
        let component = script_name(path).and_then(script::component);
        if let Some(component) = component {
            self.check_component(path, component, link.is_some() || contents::is_component(head));
        }
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
            part: native.map(|it| it.part).or(component.map(|it| it.part)).unwrap_or(Part::Api),
            destination,
            mode,
            size: contents.as_ref().map_or(0, |contents| contents.size),
            sha256: contents.map_or_else(contents::hash_of_nothing, |contents| contents.sha256),
            interpreter,
            link,
            scriptlet,
        })
    }

    /// The file at the top that takes the place of one in `scripts/`: both go into the same directory, and
    /// real OPKGs keep old copies of their form there.
    fn shadow<'p>(&self, path: &'p str) -> Option<&'p str> {
        script_name(path).filter(|name| {
            self.paths.contains(name)
                && matches!(layout::of_file(self.name, name), Some(Destination::Path(_)))
        })
    }

    fn report_unknown(&mut self, path: &str) {
        let known = layout::names_at_the_top().filter(|name| *name != path);
        let help = match nearest(path, known) {
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

    /// What is wrong with a hook that should be a component.
    fn check_component(&mut self, path: &str, component: Component<'_>, is_one: bool) {
        let Component { hook, is_too_early, .. } = component;
        if !is_one {
            let finding = Diagnostic::error("hook-component", "the file is no WebAssembly component");
            self.report(path, finding.help("`opkgc hook build DIR` makes one of a crate"));
        }
        if is_too_early {
            let message = "a component cannot run before its package is installed";
            let finding = Diagnostic::error("hook-component", message);
            self.report(path, finding.help("let it run after the installation, or write it as a script"));
        }
        if self.paths.contains(format!("scripts/{hook}").as_str()) {
            let message = format!("never run: `scripts/{hook}` is there as well");
            let finding = Diagnostic::warning("script-twice", message)
                .help("remove one of the two")
                .related(Place::File(format!("scripts/{hook}")), "the one that runs");
            self.report(path, finding);
        }
    }

    /// What the package manager is to do with a native script; nothing where another one of the present name
    /// is there, or there is something wrong with it.
    fn scriptlet(&mut self, path: &str, native: Native, head: &[u8]) -> Option<Scriptlet> {
        if let Some(present) = native.renamed
            && self.paths.contains(format!("scripts/{present}").as_str())
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
