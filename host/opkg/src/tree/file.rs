//! Classifies and checks each file of the package.

use std::collections::HashSet;
use std::path::Path;

use super::contents::{self, Shebang};
use super::layout;
use super::script::{self, ComponentHook, NativeScript};
use super::walk::{self, Entry, EntryKind};
use crate::decode::decode_windows_1252;
use crate::diagnostic::{Diagnostic, Location};
use crate::diagnostic_sink::{DiagnosticSink, LocationTable};
use crate::model::{Destination, Part, Scriptlet, SourceFile};
use crate::text::escape_for_display;
use crate::{closest_match, limits};

/// Reads the files among the entries, one after the other.
pub(super) fn read_files(
    root: &Path,
    name: &str,
    entries: &[Entry],
    diagnostics: &mut DiagnosticSink,
    locations: &mut LocationTable,
) -> Vec<SourceFile> {
    let paths =
        entries.iter().filter(|entry| entry.kind != EntryKind::Directory).map(|entry| entry.path.as_str());
    let mut files = FileReader { root, name, paths: paths.collect(), diagnostics, locations, total_bytes: 0 };
    entries.iter().filter_map(|entry| files.read_entry(entry)).collect()
}

/// The name of a file right inside of `scripts/`.
fn script_name(path: &str) -> Option<&str> {
    path.strip_prefix("scripts/").filter(|name| !name.contains('/'))
}

struct FileReader<'a> {
    root: &'a Path,
    name: &'a str,
    /// Of all files and links.
    paths: HashSet<&'a str>,
    diagnostics: &'a mut DiagnosticSink,
    locations: &'a mut LocationTable,
    /// Bytes read so far.
    total_bytes: u64,
}

impl FileReader<'_> {
    fn report(&mut self, path: &str, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic.at(Location::File(path.to_owned())));
    }

    /// One entry; nothing where it is a directory, or a diagnostic has said why it is not packaged.
    fn read_entry(&mut self, entry: &Entry) -> Option<SourceFile> {
        let path = entry.path.as_str();
        let destination = match entry.kind {
            EntryKind::Directory if path.contains('/') || layout::TOP_LEVEL_DIRECTORIES.contains(&path) => {
                return None;
            }
            EntryKind::Directory => None,
            EntryKind::Link(_) if layout::TOP_LEVEL_DIRECTORIES.contains(&path) => {
                let diagnostic = Diagnostic::error("link", format!("`{path}` is a link, not a directory"));
                self.report(path, diagnostic.help("put the directory itself there"));
                return None;
            }
            _ => layout::file_destination(self.name, path),
        };
        let Some(destination) = destination else {
            self.report_unknown(path);
            return None;
        };
        if let Some(shadow) = self.shadowing_file(path) {
            let message = format!("not packaged: `{shadow}` is installed at the same place");
            let diagnostic = Diagnostic::warning("file-shadowed", message)
                .help("remove the one that is not in use")
                .related(Location::File(shadow.into()), "the one that is packaged");
            self.report(path, diagnostic);
            return None;
        }
        let native = script_name(path).and_then(script::parse_native_script);
        if let Some(meant) = script_name(path).and_then(script::suggest_hook_name) {
            let diagnostic = Diagnostic::warning(
                "script-name",
                format!("unknown hook name `{}`: the script is never run", escape_for_display(path)),
            );
            self.report(path, diagnostic.help(format!("did you mean `{meant}`?")));
        }
        let (is_executable, link) = match &entry.kind {
            EntryKind::File { is_executable } => (*is_executable, None),
            EntryKind::Link(held) => (false, Some(held.clone())),
            EntryKind::Directory => return None,
        };
        // A link stands for a script as well as a file does.
        let contents = if link.is_none() { Some(self.digest_file(path, path)?) } else { None };
        let target = match &link {
            Some(_) if native.is_some() => Some(self.digest_link_target(path)?),
            _ => None,
        };
        let head = contents
            .as_ref()
            .or(target.as_ref())
            .map(|contents| contents.head.as_slice())
            .unwrap_or_default();
        let line = contents::parse_shebang(head);
        let component = script_name(path).and_then(script::parse_component_hook);
        if let Some(component) = component {
            self.check_component(path, component, link.is_some() || contents::is_wasm(head));
        }
        let scriptlet = native.and_then(|native| self.make_scriptlet(path, native, head));
        let mode = if path.starts_with("scripts/") || is_executable || line != Shebang::None {
            0o755
        } else {
            0o644
        };
        let interpreter = self.interpreter_words(path, line, scriptlet.as_ref());
        Some(SourceFile {
            at: self.locations.insert(Location::File(path.to_owned())),
            path: path.to_owned(),
            part: native.map(|script| script.part).or(component.map(|hook| hook.part)).unwrap_or(Part::Api),
            destination,
            mode,
            size: contents.as_ref().map_or(0, |contents| contents.size),
            sha256: contents.map_or_else(contents::empty_hash, |contents| contents.sha256),
            interpreter,
            link,
            scriptlet,
        })
    }

    /// The file at the top that takes the place of one in `scripts/`: both go into the same directory, and
    /// real OPKGs keep old copies of their form there.
    fn shadowing_file<'p>(&self, path: &'p str) -> Option<&'p str> {
        script_name(path).filter(|name| {
            self.paths.contains(name)
                && matches!(layout::file_destination(self.name, name), Some(Destination::Path(_)))
        })
    }

    fn report_unknown(&mut self, path: &str) {
        let known = layout::top_level_names().filter(|name| *name != path);
        let help = match closest_match(path, known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => {
                "scripts and their helpers go into `scripts/`, documents into `doc/`, tests into `testing/`"
                    .to_owned()
            }
        };
        let diagnostic = Diagnostic::warning(
            "not-packaged",
            format!("the format knows no `{}`: it is not packaged", escape_for_display(path)),
        );
        self.report(path, diagnostic.help(help));
    }

    /// What is in the file at `path`, for which `named` stands in diagnostics; nothing where that was reported.
    fn digest_file(&mut self, path: &str, named: &str) -> Option<contents::FileDigest> {
        let limit = limits::MAX_FILE_BYTES.min(limits::MAX_TOTAL_BYTES - self.total_bytes);
        match contents::digest(&self.root.join(path), limit) {
            Ok(Some(contents)) => {
                self.total_bytes += contents.size;
                Some(contents)
            }
            Ok(None) => {
                let message = if limit < limits::MAX_FILE_BYTES {
                    format!("with this file there are more than {} GiB", limits::MAX_TOTAL_BYTES >> 30)
                } else {
                    format!("the file is larger than {} GiB", limits::MAX_FILE_BYTES >> 30)
                };
                let help = "an OPKG configures software; put the software itself into a package of its own";
                self.report(named, Diagnostic::error("file-limit", message).help(help));
                None
            }
            Err(error) => {
                self.diagnostics.push(walk::read_error(named, &error));
                None
            }
        }
    }

    /// What is in the file that a link leads to in the end. Links have been checked to stay inside.
    fn digest_link_target(&mut self, link: &str) -> Option<contents::FileDigest> {
        match self.resolve_path(link) {
            Some(target) => self.digest_file(&target, link),
            None => {
                let diagnostic = Diagnostic::error("link", "the link leads to nothing that can be run");
                self.report(link, diagnostic.help("put the script itself there"));
                None
            }
        }
    }

    /// The path inside of the OPKG that a path leads to.
    fn resolve_path(&self, path: &str) -> Option<String> {
        let target = std::fs::canonicalize(self.root.join(path)).ok()?;
        target.strip_prefix(self.root).ok()?.to_str().map(str::to_owned)
    }

    /// Reports problems of a hook that should be a component.
    fn check_component(&mut self, path: &str, component: ComponentHook<'_>, is_component: bool) {
        let ComponentHook { hook, is_pre_install, .. } = component;
        if !is_component {
            let diagnostic = Diagnostic::error("hook-component", "the file is not a WebAssembly component");
            self.report(path, diagnostic.help("`opkgc hook build DIR` makes one of a crate"));
        }
        if is_pre_install {
            let message = "a component cannot run before its package is installed";
            let diagnostic = Diagnostic::error("hook-component", message);
            self.report(path, diagnostic.help("let it run after the installation, or write it as a script"));
        }
        if self.paths.contains(format!("scripts/{hook}").as_str()) {
            let message = format!("never run: `scripts/{hook}` is there as well");
            let diagnostic = Diagnostic::warning("script-twice", message)
                .help("remove one of the two")
                .related(Location::File(format!("scripts/{hook}")), "the one that runs");
            self.report(path, diagnostic);
        }
    }

    /// What the package manager is to do with a native script; nothing where another one of the present name
    /// is there, or there is something wrong with it.
    fn make_scriptlet(&mut self, path: &str, native: NativeScript, head: &[u8]) -> Option<Scriptlet> {
        if let Some(present) = native.current_name
            && self.paths.contains(format!("scripts/{present}").as_str())
        {
            let message = format!("never run by the package manager: `scripts/{present}` is there as well");
            let diagnostic = Diagnostic::warning("script-twice", message)
                .help("remove one of the two")
                .related(Location::File(format!("scripts/{present}")), "the one that runs");
            self.report(path, diagnostic);
            return None;
        }
        let is_program = head.starts_with(b"\x7fELF");
        if contents::parse_shebang(head) == Shebang::None && !is_program {
            let diagnostic = Diagnostic::warning("script-interpreter", "the script has no `#!` line");
            self.report(path, diagnostic.help("begin it with `#!/bin/sh`, or whatever it is written for"));
        }
        let time = native.time;
        if time.is_file_installed() {
            return Some(Scriptlet { time, text: None });
        }
        let text = Some(self.read_embedded_script(path)?);
        Some(Scriptlet { time, text })
    }

    /// The text of a script that its package must embed.
    fn read_embedded_script(&mut self, path: &str) -> Option<String> {
        let file = self.resolve_path(path)?;
        let (bytes, is_longer) =
            match contents::read_limited(&self.root.join(file), limits::MAX_EMBEDDED_SCRIPT_BYTES) {
                Ok(read) => read,
                Err(error) => {
                    self.diagnostics.push(walk::read_error(path, &error));
                    return None;
                }
            };
        let why = "runs while its file is not on disk, so the package must embed it as text";
        if is_longer {
            let message = format!(
                "the script {why}, and has more than {} KiB",
                limits::MAX_EMBEDDED_SCRIPT_BYTES >> 10
            );
            self.report(path, Diagnostic::error("script-carried", message).help("make it shorter"));
            return None;
        }
        if bytes.contains(&0) {
            let diagnostic =
                Diagnostic::error("script-carried", format!("the script {why}, but it is not text"));
            self.report(path, diagnostic.help("write it as a script"));
            return None;
        }
        Some(String::from_utf8(bytes).unwrap_or_else(|error| {
            let diagnostic =
                Diagnostic::warning("script-encoding", "the script is not UTF-8, and read as ISO-8859-1");
            self.report(path, diagnostic.help("save it as UTF-8"));
            decode_windows_1252(error.as_bytes())
        }))
    }

    /// The interpreter as words, and what is wrong with its line.
    fn interpreter_words(&mut self, path: &str, line: Shebang, scriptlet: Option<&Scriptlet>) -> Vec<String> {
        match line {
            Shebang::Line { words, has_carriage_return } => {
                if has_carriage_return {
                    let diagnostic = Diagnostic::warning(
                        "script-line-ends",
                        "the lines end with carriage returns, so nothing can run this",
                    );
                    self.report(path, diagnostic.help("save it with the line ends of Unix"));
                }
                words
            }
            Shebang::Invalid => {
                let diagnostic = match scriptlet {
                    Some(_) => {
                        Diagnostic::error("script-interpreter", "no program can be found by the first line")
                    }
                    None => {
                        Diagnostic::warning("script-interpreter", "no program can be found by the first line")
                    }
                };
                self.report(path, diagnostic.help("write `#!` and the absolute path of a program"));
                Vec::new()
            }
            Shebang::None if scriptlet.is_some_and(|scriptlet| scriptlet.text.is_some()) => {
                vec!["/bin/sh".into()]
            }
            Shebang::None => Vec::new(),
        }
    }
}
