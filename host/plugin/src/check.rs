//! What a plugin returned, checked against the rules of the interface before anybody else sees it.
//!
//! The writers of packages rely on all of this: on paths that stay where they belong, on nodes that exist, on
//! fields of one line.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use opkg::model::Opkg;

use crate::artefacts::{
    BinaryPackage, Container, Content, Diagnostic, NativeBuild, Output, PackedFile, Scriptlet, Severity,
    SourcePackage,
};
use crate::bindings::exports::opkg::plugin::package_manager::{Command, Installed};
use crate::limits::Limits;
use crate::text::quoted;

/// One line: what is wrong. Reads as the end of "returned something invalid".
type Flaw = String;

/// How the names of files begin that a command of a package manager brings with it.
const OWN_FILES: &str = "opkg-";

/// Bytes of a path's component, as file systems have it.
const LONGEST_NAME: usize = 255;

/// Bytes of a path, as operating systems have it, with room for the directory that it is put into.
const LONGEST_PATH: usize = 3072;

/// Checks everything that a plugin generated for `opkg`.
///
/// # Errors
/// The first thing that breaks a rule.
pub(crate) fn output(output: &Output, opkg: &Opkg, limits: &Limits) -> Result<(), Flaw> {
    sizes(output, limits)?;
    tree(output, opkg)?;
    build(&output.native_build)?;
    for diagnostic in &output.diagnostics {
        if diagnostic.severity == Severity::Error {
            return Err("output together with an error".into());
        }
        node(diagnostic, opkg)?;
    }
    let mut names = BTreeSet::new();
    for package in &output.packages {
        binary(package, opkg).map_err(|flaw| format!("package {}: {flaw}", quoted(&package.name)))?;
        if !names.insert(&package.file_name) {
            return Err(format!("two packages in the file {}", quoted(&package.file_name)));
        }
    }
    let is_archive = matches!(output.container, Container::Archive(_));
    match output.packages.iter().find(|package| !is_archive && !package.members.is_empty()) {
        Some(package) => {
            Err(format!("package {}: members, which only an archive has", quoted(&package.name)))
        }
        None => Ok(()),
    }
}

/// Checks the findings with which a plugin refuses an OPKG.
///
/// # Errors
/// When one points at nothing, or none is an error.
pub(crate) fn failure(diagnostics: &[Diagnostic], opkg: &Opkg) -> Result<(), Flaw> {
    if diagnostics.iter().all(|it| it.severity != Severity::Error) {
        return Err("a failure without an error".into());
    }
    diagnostics.iter().try_for_each(|diagnostic| node(diagnostic, opkg))
}

/// Checks that a diagnostic points at something that exists.
///
/// # Errors
/// When it does not.
pub(crate) fn node(diagnostic: &Diagnostic, opkg: &Opkg) -> Result<(), Flaw> {
    match diagnostic.at {
        Some(at) if at as usize >= opkg.places.len() => {
            Err(format!("a diagnostic about node {at}, which does not exist"))
        }
        _ => Ok(()),
    }
}

/// Checks the commands of a package manager.
///
/// # Errors
/// When one cannot be started, cannot succeed, or has a file that may be somebody else's.
pub(crate) fn commands(commands: &[Command]) -> Result<(), Flaw> {
    commands.iter().try_for_each(|command| {
        startable(&command.argv, &command.env)?;
        if command.success.is_empty() {
            return Err(format!("a command that cannot succeed: {}", quoted(&command.argv[0])));
        }
        for file in &command.files {
            absolute(&file.path)?;
            if !file.path.rsplit('/').next().is_some_and(|name| name.starts_with(OWN_FILES)) {
                return Err(format!(
                    "the file {} for a command, whose name does not begin with `{OWN_FILES}`",
                    quoted(&file.path)
                ));
            }
        }
        distinct(&mut command.files.iter().map(|file| Entry::file(&file.path)).collect::<Vec<_>>())
    })
}

/// Checks the names of programs that the host shall look for.
///
/// # Errors
/// When one is not a plain name.
pub(crate) fn programs(names: &[String]) -> Result<(), Flaw> {
    names.iter().try_for_each(|name| file_name(name))
}

/// Checks what a package manager is said to have printed.
///
/// # Errors
/// When something is not one printable line.
pub(crate) fn installed(packages: &[Installed]) -> Result<(), Flaw> {
    packages.iter().try_for_each(|it| {
        filled("name of an installed package", &it.name)?;
        line("version of an installed package", &it.version)?;
        line("architecture of an installed package", &it.arch)
    })
}

fn sizes(output: &Output, limits: &Limits) -> Result<(), Flaw> {
    let packed = output.packages.iter().map(|it| it.members.len() + it.files.len()).sum::<usize>();
    let files = output.meta_files.len() + packed;
    if files > limits.files {
        return Err(format!("{files} files, where {} are the limit", limits.files));
    }
    let plain = output.meta_files.iter().map(|file| file.contents.len());
    let text = plain.sum::<usize>() + output.packages.iter().map(text).sum::<usize>();
    if text > limits.text {
        return Err(format!("{} MiB of text, where {} are the limit", text >> 20, limits.text >> 20));
    }
    Ok(())
}

/// Bytes of the longer texts of a package.
fn text(package: &BinaryPackage) -> usize {
    let contents = package.files.iter().map(|file| match &file.content {
        Content::Text(text) | Content::GzipText(text) => text.len(),
        Content::Source(_) | Content::Directory | Content::Link(_) => 0,
    });
    contents.sum::<usize>()
        + package.scriptlets.iter().map(|it| it.body.len()).sum::<usize>()
        + package.changelog.iter().map(|it| it.text.len()).sum::<usize>()
        + package.fields.iter().map(|it| it.value.len()).sum::<usize>()
        + package.members.iter().map(|it| it.contents.len()).sum::<usize>()
        + package.description.len()
}

/// Meta-files and sources, as they lie in the output directory.
fn tree(output: &Output, opkg: &Opkg) -> Result<(), Flaw> {
    let sources: Vec<String>;
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for file in &output.meta_files {
        relative(&file.path)?;
        entries.push(Entry::file(&file.path));
    }
    let unpacked = match &output.source {
        SourcePackage::Tarball(tarball) => {
            relative(&tarball.path)?;
            relative(&tarball.prefix)?;
            entries.push(Entry::file(&tarball.path));
            None
        }
        SourcePackage::Quilt(quilt) => {
            file_name(&quilt.name)?;
            filled("version of the source package", &quilt.version)?;
            if quilt.version.contains('/') {
                return Err(format!("a `/` in the version {}", quoted(&quilt.version)));
            }
            fields(quilt.fields.iter().map(|it| (&it.name, &it.value)))?;
            Some(&quilt.directory)
        }
        SourcePackage::Tree(directory) => Some(directory),
    };
    if let Some(directory) = unpacked {
        relative(directory)?;
        entries.push(Entry { path: directory, is_directory: true });
        sources = opkg.files.iter().map(|file| format!("{directory}/{}", file.path)).collect();
        entries.extend(sources.iter().map(|path| Entry::file(path)));
    }
    distinct(&mut entries)
}

fn build(build: &NativeBuild) -> Result<(), Flaw> {
    for command in &build.commands {
        startable(&command.argv, &command.env)?;
        if !command.directory.is_empty() {
            relative(&command.directory)?;
        }
    }
    build.results.iter().try_for_each(|path| relative(path))
}

fn startable(argv: &[String], env: &[(String, String)]) -> Result<(), Flaw> {
    if argv.first().is_none_or(String::is_empty) {
        return Err("a command without a program".into());
    }
    if let Some(word) = argv.iter().chain(env.iter().map(|(_, value)| value)).find(|it| it.contains('\0')) {
        return Err(format!("a zero byte in {}", quoted(word)));
    }
    match env.iter().find(|(name, _)| name.is_empty() || name.contains(['=', '\0'])) {
        Some((name, _)) => Err(format!("an environment variable named {}", quoted(name))),
        None => Ok(()),
    }
}

fn binary(package: &BinaryPackage, opkg: &Opkg) -> Result<(), Flaw> {
    filled("name", &package.name)?;
    filled("version", &package.version)?;
    for (what, value) in [
        ("release", &package.release),
        ("architecture", &package.arch),
        ("summary", &package.summary),
        ("license", &package.license),
        ("section", &package.section),
        ("maintainer", &package.maintainer),
    ] {
        line(what, value)?;
    }
    if let Some(url) = &package.url {
        line("home page", url)?;
    }
    file_name(&package.file_name)?;
    for relation in &package.relations {
        filled("name in a relation", &relation.name)?;
        if let Some(bound) = &relation.bound {
            filled("version in a relation", &bound.version)?;
        }
    }
    fields(package.fields.iter().map(|it| (&it.name, &it.value)))?;
    package.changelog.iter().try_for_each(|change| filled("header of a change", &change.header))?;
    scriptlets(&package.scriptlets)?;
    package.members.iter().try_for_each(|member| relative(&member.path))?;
    distinct(&mut package.members.iter().map(|member| Entry::file(&member.path)).collect::<Vec<_>>())?;
    packed(&package.files, opkg)
}

fn fields<'a>(fields: impl Iterator<Item = (&'a String, &'a String)>) -> Result<(), Flaw> {
    for (name, value) in fields {
        filled("name of a field", name)?;
        // Fields may be folded over several lines: how, is the matter of each format.
        if let Some(odd) = value.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err(format!("the character {odd:?} in the field {}", quoted(name)));
        }
    }
    Ok(())
}

fn scriptlets(scriptlets: &[Scriptlet]) -> Result<(), Flaw> {
    for (index, scriptlet) in scriptlets.iter().enumerate() {
        if scriptlets[..index].iter().any(|other| other.time == scriptlet.time) {
            return Err("two scriptlets of one time".into());
        }
        if scriptlet.interpreter.first().is_none_or(String::is_empty) {
            return Err("a scriptlet without an interpreter".into());
        }
        scriptlet.interpreter.iter().try_for_each(|word| line("interpreter", word))?;
        if scriptlet.body.contains('\0') {
            return Err("a scriptlet with a zero byte".into());
        }
    }
    Ok(())
}

fn packed(files: &[PackedFile], opkg: &Opkg) -> Result<(), Flaw> {
    let sources: BTreeSet<u32> = opkg.files.iter().map(|file| file.at.0).collect();
    for file in files {
        let what = quoted(&file.path);
        absolute(&file.path)?;
        if file.mode > 0o777 {
            return Err(format!("the mode {:o} for {what}; special bits are not allowed", file.mode));
        }
        match &file.content {
            Content::Source(node) if !sources.contains(node) => {
                return Err(format!("{what} from node {node}, which is no file of the OPKG"));
            }
            Content::Link(target) if target.is_empty() || target.contains(char::is_control) => {
                return Err(format!("{what} as a link to {}", quoted(target)));
            }
            _ => {}
        }
    }
    let mut entries: Vec<Entry<'_>> = files
        .iter()
        .map(|file| Entry { path: &file.path, is_directory: matches!(file.content, Content::Directory) })
        .collect();
    distinct(&mut entries)?;
    match files.windows(2).find(|pair| pair[0].path > pair[1].path) {
        Some(pair) => Err(format!(
            "files that are not sorted: {} before {}",
            quoted(&pair[0].path),
            quoted(&pair[1].path)
        )),
        None => Ok(()),
    }
}

/// A place in a tree that is taken.
#[derive(Clone, Copy)]
struct Entry<'a> {
    path: &'a str,
    is_directory: bool,
}

impl<'a> Entry<'a> {
    fn file(path: &'a str) -> Self {
        Self { path, is_directory: false }
    }

    /// Orders a directory right before all that is inside of it.
    fn order(&self, other: &Self) -> Ordering {
        self.path.split('/').cmp(other.path.split('/'))
    }
}

/// No path occurs twice, and none lies inside of a file.
fn distinct(entries: &mut [Entry<'_>]) -> Result<(), Flaw> {
    entries.sort_by(Entry::order);
    for pair in entries.windows(2) {
        let [first, second] = pair else { continue };
        let Some(rest) = second.path.strip_prefix(first.path) else { continue };
        if rest.is_empty() {
            return Err(format!("the path {} twice", quoted(first.path)));
        }
        if !first.is_directory && rest.starts_with('/') {
            return Err(format!("{} inside of {}, which is a file", quoted(second.path), quoted(first.path)));
        }
    }
    Ok(())
}

/// A path that stays below where it starts.
fn relative(path: &str) -> Result<(), Flaw> {
    let clean = |name: &str| {
        !matches!(name, "" | "." | "..") && name.len() <= LONGEST_NAME && !name.contains(char::is_control)
    };
    if path.len() <= LONGEST_PATH && path.split('/').all(clean) {
        return Ok(());
    }
    Err(format!("the path {}, which is not relative and clean", quoted(path)))
}

/// The path of something in the root of a system.
fn absolute(path: &str) -> Result<(), Flaw> {
    match path.strip_prefix('/') {
        Some(rest) => relative(rest).map_err(|_| format!("the path {}, which is not clean", quoted(path))),
        None => Err(format!("the path {}, which is not absolute", quoted(path))),
    }
}

fn file_name(name: &str) -> Result<(), Flaw> {
    relative(name)
        .map_err(|_| ())
        .and_then(|()| if name.contains('/') { Err(()) } else { Ok(()) })
        .map_err(|()| format!("{}, where the name of a file is meant", quoted(name)))
}

fn line(what: &str, value: &str) -> Result<(), Flaw> {
    match value.chars().find(|c| c.is_control()) {
        Some(odd) => Err(format!("the character {odd:?} in the {what} {}", quoted(value))),
        None => Ok(()),
    }
}

fn filled(what: &str, value: &str) -> Result<(), Flaw> {
    if value.is_empty() { Err(format!("an empty {what}")) } else { line(what, value) }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
