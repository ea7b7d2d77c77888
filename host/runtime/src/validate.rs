//! What a plugin returned, checked against the rules of the interface before anybody else sees it.
//!
//! The writers of packages rely on all of this: on paths that stay where they belong, on nodes that exist, on
//! fields of one line.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use opkg::model::Opkg;

use crate::limits::Limits;
use crate::validate_archives::validate_archives;
use crate::validate_triggers::validate_triggers;
use crate::validate_words::{
    ValidationError, invalid, validate_absolute, validate_account, validate_file_name, validate_non_empty,
    validate_relative, validate_single_line,
};
use opkg_interface::archive::{ArchiveEntry, ArchiveMetadata};
use opkg_interface::artefacts::{
    BinaryPackage, Condition, Container, Content, Diagnostic, FileMarks, NativeBuild, Output, PackedFile,
    Scriptlet, Severity, SourcePackage,
};
use opkg_interface::text::quote;

/// Checks everything that a plugin generated for `opkg`.
///
/// # Errors
/// The first thing that breaks a rule.
pub(crate) fn validate_output(output: &Output, opkg: &Opkg, limits: &Limits) -> Result<(), ValidationError> {
    validate_size(output, limits)?;
    validate_tree(output, opkg)?;
    validate_native_build(&output.native_build)?;
    for diagnostic in &output.diagnostics {
        if diagnostic.severity == Severity::Error {
            return invalid("output together with an error");
        }
        validate_node(diagnostic, opkg)?;
    }
    let mut names = BTreeSet::new();
    for package in &output.packages {
        validate_package(package, opkg)
            .and_then(|()| validate_container(package))
            .and_then(|()| validate_triggers(package))
            .or_else(|error| invalid(format!("package {}: {error}", quote(&package.name))))?;
        if !names.insert(&package.file_name) {
            return invalid(format!("two packages in the file {}", quote(&package.file_name)));
        }
    }
    Ok(())
}

/// Checks that the package's container holds all that the package has.
fn validate_container(package: &BinaryPackage) -> Result<(), ValidationError> {
    if !matches!(package.container, Container::Rpm(_)) {
        validate_plain_files(package)?;
    }
    let says_conditions = match &package.container {
        Container::Rpm(_) => true,
        Container::Deb(_) => false,
        Container::Archives(archives) => {
            validate_archives(package, archives)?;
            archives.metadata.contains(ArchiveMetadata::RELATIONS)
        }
    };
    match package.relations.iter().find(|relation| relation.condition.is_some() && !says_conditions) {
        Some(relation) => invalid(format!(
            "a condition of the relation to {}, which its container does not have",
            quote(&relation.name)
        )),
        None => Ok(()),
    }
}

/// Checks that nothing is said of files for which only RPM has a place. Of archives, members may tell of ghosts.
fn validate_plain_files(package: &BinaryPackage) -> Result<(), ValidationError> {
    let mut of_rpm = FileMarks::REPLACED | FileMarks::LICENSE | FileMarks::MISSING_OK;
    of_rpm.set(FileMarks::GHOST, matches!(package.container, Container::Deb(_)));
    let is_special = |file: &&PackedFile| file.capabilities.is_some() || file.marks.intersects(of_rpm);
    match package.files.iter().find(is_special) {
        Some(file) => invalid(format!(
            "{} with capabilities, or marked as configuration to be replaced, as a license, as what may be missing, or in \
             a deb as a ghost, which only an RPM has",
            quote(&file.path)
        )),
        None => Ok(()),
    }
}

/// Checks the findings with which a plugin refuses an OPKG.
///
/// # Errors
/// When one points at nothing, or none is an error.
pub(crate) fn validate_failure(diagnostics: &[Diagnostic], opkg: &Opkg) -> Result<(), ValidationError> {
    if diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error) {
        return invalid("a failure without an error");
    }
    diagnostics.iter().try_for_each(|diagnostic| validate_node(diagnostic, opkg))
}

/// Checks that a diagnostic points at something that exists.
///
/// # Errors
/// When it does not.
pub(crate) fn validate_node(diagnostic: &Diagnostic, opkg: &Opkg) -> Result<(), ValidationError> {
    match diagnostic.at {
        Some(at) if at as usize >= opkg.locations.len() => {
            invalid(format!("a diagnostic about node {at}, which does not exist"))
        }
        _ => Ok(()),
    }
}

fn validate_size(output: &Output, limits: &Limits) -> Result<(), ValidationError> {
    let packed = output.packages.iter().map(|package| package.files.len()).sum::<usize>();
    let files = output.meta_files.len() + packed;
    if files > limits.files {
        return invalid(format!("{files} files, where {} are the limit", limits.files));
    }
    let plain = output.meta_files.iter().map(|file| file.contents.len());
    let text = plain.sum::<usize>() + output.packages.iter().map(text_size).sum::<usize>();
    if text > limits.text_bytes {
        return invalid(format!(
            "{} MiB of text, where {} are the limit",
            text >> 20,
            limits.text_bytes >> 20
        ));
    }
    Ok(())
}

/// Bytes of the longer texts of a package.
fn text_size(package: &BinaryPackage) -> usize {
    let contents = package.files.iter().map(|file| match &file.content {
        Content::Text(text) | Content::GzipText(text) => text.len(),
        Content::Source(_) | Content::Directory | Content::Link(_) => 0,
    });
    contents.sum::<usize>()
        + package.scriptlets.iter().map(|scriptlet| scriptlet.body.len()).sum::<usize>()
        + package.file_triggers.iter().map(|trigger| trigger.body.len()).sum::<usize>()
        + package.changelog.iter().map(|change| change.text.len()).sum::<usize>()
        + package.fields.iter().map(|field| field.value.len()).sum::<usize>()
        + archived_size(package)
        + package.description.len()
}

/// Of the members that stand in its archives already.
fn archived_size(package: &BinaryPackage) -> usize {
    let Container::Archives(container) = &package.container else { return 0 };
    let entries = container.archives.iter().flat_map(|archive| &archive.entries);
    let size = |entry: &ArchiveEntry| match entry {
        ArchiveEntry::Member(member) => member.content.size(),
        _ => 0,
    };
    entries.map(size).sum()
}

/// Meta-files and sources, as they lie in the output directory.
fn validate_tree(output: &Output, opkg: &Opkg) -> Result<(), ValidationError> {
    let sources: Vec<String>;
    let mut entries: Vec<TreeEntry<'_>> = Vec::new();
    for file in &output.meta_files {
        validate_relative(&file.path)?;
        entries.push(TreeEntry::file(&file.path));
    }
    let unpacked = match &output.source {
        SourcePackage::Tarball(tarball) => {
            validate_relative(&tarball.path)?;
            validate_relative(&tarball.prefix)?;
            entries.push(TreeEntry::file(&tarball.path));
            None
        }
        SourcePackage::Quilt(quilt) => {
            validate_file_name(&quilt.name)?;
            validate_non_empty("version of the source package", &quilt.version)?;
            if quilt.version.contains('/') {
                return invalid(format!("a `/` in the version {}", quote(&quilt.version)));
            }
            validate_fields(quilt.fields.iter().map(|field| (&field.name, &field.value)))?;
            Some(&quilt.directory)
        }
        SourcePackage::Tree(directory) => Some(directory),
    };
    if let Some(directory) = unpacked {
        validate_relative(directory)?;
        entries.push(TreeEntry { path: directory, is_directory: true });
        sources = opkg.files.iter().map(|file| format!("{directory}/{}", file.path)).collect();
        entries.extend(sources.iter().map(|path| TreeEntry::file(path)));
    }
    validate_no_conflicts(&mut entries)
}

fn validate_native_build(build: &NativeBuild) -> Result<(), ValidationError> {
    for command in &build.commands {
        validate_command(&command.argv, &command.env)?;
        if !command.directory.is_empty() {
            validate_relative(&command.directory)?;
        }
    }
    build.results.iter().try_for_each(|path| validate_relative(path))
}

pub(crate) fn validate_command(argv: &[String], env: &[(String, String)]) -> Result<(), ValidationError> {
    if argv.first().is_none_or(String::is_empty) {
        return invalid("a command without a program");
    }
    if let Some(word) = argv.iter().chain(env.iter().map(|(_, value)| value)).find(|word| word.contains('\0'))
    {
        return invalid(format!("a zero byte in {}", quote(word)));
    }
    match env.iter().find(|(name, _)| name.is_empty() || name.contains(['=', '\0'])) {
        Some((name, _)) => invalid(format!("an environment variable named {}", quote(name))),
        None => Ok(()),
    }
}

fn validate_package(package: &BinaryPackage, opkg: &Opkg) -> Result<(), ValidationError> {
    validate_non_empty("name", &package.name)?;
    validate_non_empty("version", &package.version)?;
    for (what, value) in [
        ("release", &package.release),
        ("architecture", &package.arch),
        ("summary", &package.summary),
        ("license", &package.license),
        ("section", &package.section),
        ("maintainer", &package.maintainer),
    ] {
        validate_single_line(what, value)?;
    }
    if let Some(url) = &package.url {
        validate_single_line("home page", url)?;
    }
    validate_file_name(&package.file_name)?;
    for relation in &package.relations {
        for (name, bound) in relation.packages() {
            validate_non_empty("name in a relation", name)?;
            if let Some(bound) = bound {
                validate_non_empty("version in a relation", &bound.version)?;
            }
        }
        if !relation.alternatives.is_empty() && !relation.kind.has_alternatives() {
            return invalid(format!("alternatives in a relation to {} that has none", quote(&relation.name)));
        }
    }
    validate_fields(package.fields.iter().map(|field| (&field.name, &field.value)))?;
    package
        .changelog
        .iter()
        .try_for_each(|change| validate_non_empty("header of a change", &change.header))?;
    validate_scriptlets(&package.scriptlets)?;
    for Condition { package: other, .. } in package.relations.iter().filter_map(|it| it.condition.as_ref()) {
        validate_non_empty("name in a condition", &other.name)?;
        if let Some(bound) = &other.bound {
            validate_non_empty("version in a condition", &bound.version)?;
        }
    }
    validate_files(&package.files, opkg)
}

fn validate_fields<'a>(
    fields: impl Iterator<Item = (&'a String, &'a String)>,
) -> Result<(), ValidationError> {
    for (name, value) in fields {
        validate_non_empty("name of a field", name)?;
        // Fields may be folded over several lines: how, is the matter of each format.
        if let Some(odd) = value.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            return invalid(format!("the character {odd:?} in the field {}", quote(name)));
        }
    }
    Ok(())
}

fn validate_scriptlets(scriptlets: &[Scriptlet]) -> Result<(), ValidationError> {
    for (index, scriptlet) in scriptlets.iter().enumerate() {
        if scriptlets[..index].iter().any(|other| other.time == scriptlet.time) {
            return invalid("two scriptlets of one time");
        }
        if scriptlet.interpreter.first().is_none_or(String::is_empty) {
            return invalid("a scriptlet without an interpreter");
        }
        scriptlet.interpreter.iter().try_for_each(|word| validate_single_line("interpreter", word))?;
        if scriptlet.body.contains('\0') {
            return invalid("a scriptlet with a zero byte");
        }
    }
    Ok(())
}

fn validate_files(files: &[PackedFile], opkg: &Opkg) -> Result<(), ValidationError> {
    let sources: BTreeSet<u32> = opkg.files.iter().map(|file| file.at.0).collect();
    for file in files {
        let what = quote(&file.path);
        validate_absolute(&file.path)?;
        let special = file.mode & !0o777;
        if special != 0
            && !opkg.file_rules.iter().any(|rule| rule.mode.is_some_and(|mode| mode & 0o7000 == special))
        {
            return invalid(format!(
                "the mode {:o} for {what}, whose special bits no rule of the OPKG has",
                file.mode
            ));
        }
        for account in [&file.owner, &file.group] {
            validate_account(account)?;
        }
        if let Some(capabilities) = &file.capabilities {
            validate_non_empty("set of capabilities", capabilities)?;
        }
        let is_file = matches!(file.content, Content::Source(_) | Content::Text(_) | Content::GzipText(_));
        if !is_file && (file.capabilities.is_some() || file.marks.contains(FileMarks::GHOST)) {
            return invalid(format!("{what}, which is no regular file, as a ghost or with capabilities"));
        }
        match &file.content {
            Content::Source(node) if !sources.contains(node) => {
                return invalid(format!("{what} from node {node}, which is no file of the OPKG"));
            }
            Content::Link(target) if target.is_empty() || target.contains(char::is_control) => {
                return invalid(format!("{what} as a link to {}", quote(target)));
            }
            _ => {}
        }
    }
    let mut entries: Vec<TreeEntry<'_>> = files
        .iter()
        .map(|file| TreeEntry { path: &file.path, is_directory: matches!(file.content, Content::Directory) })
        .collect();
    validate_no_conflicts(&mut entries)?;
    match files.windows(2).find(|pair| pair[0].path > pair[1].path) {
        Some(pair) => invalid(format!(
            "files that are not sorted: {} before {}",
            quote(&pair[0].path),
            quote(&pair[1].path)
        )),
        None => Ok(()),
    }
}

/// A place in a tree that is taken.
#[derive(Clone, Copy)]
pub(crate) struct TreeEntry<'a> {
    path: &'a str,
    is_directory: bool,
}

impl<'a> TreeEntry<'a> {
    pub(crate) fn file(path: &'a str) -> Self {
        Self { path, is_directory: false }
    }

    /// Orders a directory right before all that is inside of it.
    fn cmp_path(&self, other: &Self) -> Ordering {
        self.path.split('/').cmp(other.path.split('/'))
    }
}

/// No path occurs twice, and none lies inside of a file.
pub(crate) fn validate_no_conflicts(entries: &mut [TreeEntry<'_>]) -> Result<(), ValidationError> {
    entries.sort_by(TreeEntry::cmp_path);
    for pair in entries.windows(2) {
        let [first, second] = pair else { continue };
        let Some(rest) = second.path.strip_prefix(first.path) else { continue };
        if rest.is_empty() {
            return invalid(format!("the path {} twice", quote(first.path)));
        }
        if !first.is_directory && rest.starts_with('/') {
            return invalid(format!(
                "{} inside of {}, which is a file",
                quote(second.path),
                quote(first.path)
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
