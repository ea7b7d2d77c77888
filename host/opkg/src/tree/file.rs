//! Classifies and checks each file of the package.

use std::collections::HashSet;
use std::path::Path;

use opkg_encoding::decode_windows_1252;

use super::action::ActionSearch;
use super::contents;
use super::elf;
use super::layout;
use super::script::{self, ComponentHook, NativeScript};
use super::shebang::{Shebang, parse_shebang};
use super::systemd;
use super::walk::{self, Entry, EntryKind};
use crate::diagnostic::{Diagnostic, Location};
use crate::diagnostic_sink::{DiagnosticSink, LocationTable};
use crate::model::{Destination, ScriptTime, Scriptlet, SourceFile};
use crate::source_dir::SourceDir;
use crate::text::escape_for_display;
use crate::{arch, closest_match, limits};

/// Files that are in the directory of the OPKG, or in that of a payload.
#[derive(Clone, Copy)]
pub(super) struct FileTree<'a> {
    pub source: &'a SourceDir,
    /// Its canonical path.
    pub root: &'a Path,
    pub entries: &'a [Entry],
    /// The index of the payload, and where that is written.
    pub payload: Option<(u32, &'a Location)>,
}

/// What is read of all files.
#[derive(Default)]
pub(super) struct Totals {
    /// Bytes so far.
    pub bytes: u64,
    /// Whether a file of `scripts/` mentions what tells scripts why they run.
    pub tells_action: bool,
}

/// Reads the files among the entries, one after the other. `archs` are those that the OPKG is restricted to.
pub(super) fn read_files(
    tree: FileTree<'_>,
    name: &str,
    archs: &[String],
    totals: &mut Totals,
    diagnostics: &mut DiagnosticSink,
    locations: &mut LocationTable,
) -> Vec<SourceFile> {
    let FileTree { source, root, entries, payload } = tree;
    let paths = entries.iter().filter(|entry| !entry.is_directory()).map(|entry| entry.path.as_str());
    let mut files = FileReader {
        source,
        root,
        name,
        archs,
        paths: paths.collect(),
        payload,
        diagnostics,
        locations,
        totals,
    };
    entries.iter().filter_map(|entry| files.read_entry(entry)).collect()
}

/// The name of a file right inside of `scripts/`.
fn script_name(path: &str) -> Option<&str> {
    path.strip_prefix("scripts/").filter(|name| !name.contains('/'))
}

struct FileReader<'a> {
    source: &'a SourceDir,
    /// Its canonical path.
    root: &'a Path,
    name: &'a str,
    /// That the OPKG is restricted to; empty where it is not.
    archs: &'a [String],
    /// Of all files and links.
    paths: HashSet<&'a str>,
    payload: Option<(u32, &'a Location)>,
    diagnostics: &'a mut DiagnosticSink,
    locations: &'a mut LocationTable,
    totals: &'a mut Totals,
}

impl FileReader<'_> {
    fn report(&mut self, path: &str, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic.at(Location::File(path.to_owned())));
    }

    /// One entry; nothing where it is a directory, or a diagnostic has said why it is not packaged.
    fn read_entry(&mut self, entry: &Entry) -> Option<SourceFile> {
        let path = entry.path.as_str();
        let destination = match entry.kind {
            EntryKind::Directory { .. }
                if path.contains('/') || layout::TOP_LEVEL_DIRECTORIES.contains(&path) =>
            {
                return None;
            }
            EntryKind::Directory { .. } => None,
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
        self.check_script_name(path);
        let is_for_root = layout::is_for_root(path);
        if is_for_root && let Some(reason) = layout::refused_place(&destination) {
            self.report(path, Diagnostic::error("file-place", reason.message).help(reason.help));
            return None;
        }
        let (own_mode, link) = match &entry.kind {
            EntryKind::File { mode } => (*mode, None),
            EntryKind::Link(held) => (0, Some(held.clone())),
            EntryKind::Directory { .. } => return None,
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
        let arch = elf::architecture(head);
        match layout::root_directory(path).and_then(|directory| directory.arch) {
            Some(written) => self.check_directory(path, written, arch),
            None => self.check_architecture(path, arch, is_for_root),
        }
        let shebang = parse_shebang(head);
        let component = script_name(path).and_then(script::parse_component_hook);
        if let Some(component) = component {
            self.check_component(path, component, link.is_some() || contents::is_wasm(head));
        }
        if contents.is_some() || target.is_some() {
            self.check_shebang(path, head, &shebang);
        }
        let scriptlet = native.and_then(|native| self.make_scriptlet(path, native));
        let is_executable = own_mode & 0o111 != 0;
        let mode = match () {
            // Whoever made the directory may be somebody whose files the group can write.
            () if is_for_root && link.is_none() => own_mode & 0o755,
            () if path.starts_with("scripts/") || is_executable || head.starts_with(b"#!") => 0o755,
            () => 0o644,
        };
        let interpreter = if head.starts_with(b"#!") {
            shebang.words
        } else if scriptlet.as_ref().is_some_and(|scriptlet| scriptlet.text.is_some()) {
            vec!["/bin/sh".into()]
        } else {
            Vec::new()
        };
        let described = link.is_none().then_some(&destination);
        let (accounts, unreadable) =
            described.map(|at| systemd::read_accounts(self.source, path, at)).unwrap_or_default();
        for line in unreadable {
            let message = format!("line {}: {}", line.number, line.problem);
            let help =
                "packages make nobody of it: write it as sysusers.d(5) has it, `u sited - \"Site's daemon\"`";
            self.report(path, Diagnostic::warning("sysusers-line", message).help(help));
        }
        let place = self.payload.map_or_else(|| Location::File(path.to_owned()), |(_, place)| place.clone());
        Some(SourceFile {
            at: self.locations.insert(place),
            path: path.to_owned(),
            payload: self.payload.map(|(index, _)| index),
            part: native
                .map(|script| script.part)
                .or(component.map(|hook| hook.part))
                .unwrap_or_else(|| layout::helper_part(path)),
            is_configuration: is_for_root && link.is_none() && layout::is_configuration(&destination),
            arch: arch.filter(|_| is_for_root),
            only_arch: layout::only_arch(path),
            rules: Vec::new(),
            unit: described.and_then(|at| systemd::read_unit(self.source, path, at)),
            accounts,
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
            _ if layout::is_for_root(path) => {
                "what is in `files/api`, `files/server` and `files/client` is laid into the root of \
                 the head node, of the head node's server part, and of nodes"
                    .to_owned()
            }
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
        let limit = limits::MAX_FILE_BYTES.min(limits::MAX_TOTAL_BYTES - self.totals.bytes);
        let mut search = ActionSearch::default();
        let each = |piece: &[u8]| {
            if named.starts_with("scripts/") {
                search.read(piece);
            }
        };
        match self.source.open_file(path).and_then(|file| contents::digest(file, limit, each)) {
            Ok(Some(contents)) => {
                self.totals.bytes += contents.size;
                self.totals.tells_action |= search.is_found;
                Some(contents)
            }
            Ok(None) => {
                let message = if limit < limits::MAX_FILE_BYTES {
                    format!("with this file there are more than {} GiB", limits::MAX_TOTAL_BYTES >> 30)
                } else {
                    format!("the file is larger than {} GiB", limits::MAX_FILE_BYTES >> 30)
                };
                let help = "put it on a shared file system, or divide it among several OPKGs";
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
        let ComponentHook { hook, native_time, .. } = component;
        if !is_component {
            let diagnostic = Diagnostic::error("hook-component", "the file is not a WebAssembly component");
            self.report(path, diagnostic.help("`opkgc hook build DIR` makes one of a crate"));
        }
        let never_run = match native_time {
            Some(ScriptTime::PreInstall) => Some("a component cannot run before its package is installed"),
            Some(ScriptTime::PostTransaction) => Some("a component cannot run at the end of a transaction"),
            Some(ScriptTime::Triggered) => Some("a component cannot run when files of other packages change"),
            _ => None,
        };
        if let Some(message) = never_run {
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
    fn make_scriptlet(&mut self, path: &str, native: NativeScript) -> Option<Scriptlet> {
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
        let (bytes, is_longer) = match self
            .source
            .open_file(&file)
            .and_then(|file| contents::read_limited(file, limits::MAX_EMBEDDED_SCRIPT_BYTES))
        {
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
                Diagnostic::warning("script-encoding", "the script is not UTF-8, and read as windows-1252");
            self.report(path, diagnostic.help("save it as UTF-8"));
            decode_windows_1252(error.as_bytes())
        }))
    }

    /// Reports a name that was probably meant to be that of a hook.
    fn check_script_name(&mut self, path: &str) {
        let Some(name) = path.strip_prefix("scripts/") else { return };
        let (message, help) = match name.rsplit_once('/') {
            None => {
                let Some(meant) = script::suggest_hook_name(name) else { return };
                (
                    format!("unknown hook name `{}`: the script is never run", escape_for_display(path)),
                    format!("did you mean `{meant}`?"),
                )
            }
            Some((_, name)) if script::is_hook_name(name) => (
                format!("`{}` is never run: hooks lie right in `scripts/`", escape_for_display(path)),
                format!("move it to `scripts/{name}`, or give a helper another name"),
            ),
            Some(_) => return,
        };
        self.report(path, Diagnostic::warning("script-name", message).help(help));
    }

    /// Reports a program for one architecture in a package that goes to others as well.
    fn check_architecture(&mut self, path: &str, arch: Option<&str>, is_for_root: bool) {
        let Some(arch) = arch else { return };
        if self.archs == [arch] {
            return;
        }
        if is_for_root {
            // Its part is for that architecture alone.
            if !self.archs.is_empty() && !self.archs.iter().any(|one| one == arch) {
                let message = format!(
                    "a program for `{arch}`, where the package is only for `{}`",
                    self.archs.join("`, `")
                );
                let help =
                    format!("add `<arch>{arch}</arch>` to the filters of the package, or remove the file");
                self.report(path, Diagnostic::error("file-architecture", message).help(help));
            }
            return;
        }
        let goes_to = match self.archs {
            [] => "all architectures".to_owned(),
            archs => format!("`{}`", archs.join("`, `")),
        };
        let message = format!("a program for `{arch}`, but the package goes to {goes_to}");
        let help = format!(
            "restrict the package with `<filters><arch>{arch}</arch></filters>`, or put the program into a package of \
             its own and require that"
        );
        self.report(path, Diagnostic::warning("file-architecture", message).help(help));
    }

    /// Reports a directory for an architecture that there is not, or that the OPKG is not for, and a program for another one
    /// in it.
    fn check_directory(&mut self, path: &str, written: &str, program: Option<&str>) {
        let shown = escape_for_display(written);
        let Some(arch) = arch::canonical_name(written) else {
            let help = match closest_match(written, arch::all_spellings()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("known are `{}`", arch::CANONICAL_NAMES.join("`, `")),
            };
            let message = format!("there is no architecture `{shown}`");
            self.report(path, Diagnostic::error("file-architecture", message).help(help));
            return;
        };
        if let Some(program) = program.filter(|program| *program != arch) {
            let message = format!("a program for `{program}` in a directory for `{arch}`");
            let help = format!("build it for `{arch}`, or move it to the directory for `{program}`");
            self.report(path, Diagnostic::error("file-architecture", message).help(help));
        }
        if !self.archs.is_empty() && !self.archs.iter().any(|one| one == arch) {
            let message = format!("never packaged: the package is only for `{}`", self.archs.join("`, `"));
            let help = format!("add `<arch>{arch}</arch>` to the filters of the package, or remove the file");
            self.report(path, Diagnostic::warning("file-architecture", message).help(help));
        }
    }

    /// Reports why a file cannot be run that is meant to be: an error where something runs it by itself.
    fn check_shebang(&mut self, path: &str, head: &[u8], shebang: &Shebang) {
        if !path.starts_with("scripts/") && !path.starts_with("testing/") {
            return;
        }
        let is_hook = script_name(path).is_some_and(script::is_hook_name);
        for problem in &shebang.problems {
            self.report(path, problem.diagnostic(is_hook, &shebang.words));
        }
        if is_hook && !shebang.is_script && !elf::is_elf(head) && !contents::is_wasm(head) {
            let diagnostic = Diagnostic::warning("script-interpreter", "the script has no `#!` line");
            self.report(path, diagnostic.help("begin it with `#!/bin/sh`, or whatever it is written for"));
        }
    }
}
