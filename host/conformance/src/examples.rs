//! Examples that come with a plugin: an OPKG, a target, and the meta-files that have to come of it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg::Settings;
use opkg::diagnostic::{Diagnostic, Severity};
use opkg_interface::{DistributionDescription, PackageSettings, Target};

use crate::plugin::{Outcome, PluginUnderTest};

/// The name of the file in `expected` that stands for a refusal.
const REFUSED: &str = "refused";

/// Files below `expected`; more than any plugin writes.
const MAX_FILES: usize = 10_000;

/// An example in a directory of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Of the directory.
    pub name: String,
    pub directory: PathBuf,
}

/// What came of an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExampleResult {
    Passed,
    /// What was expected was written anew; how many files.
    Updated(usize),
    Failed(Vec<FileDifference>),
    /// It is no example: what is wrong with it.
    Invalid(String),
}

/// In what a file differs from what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDifference {
    /// Below `expected`.
    pub path: String,
    /// What was expected, if anything was.
    pub expected: Option<String>,
    /// What came, if anything did.
    pub found: Option<String>,
}

/// The examples in a directory, by name: directories that hold an `opkg`.
///
/// # Errors
/// It cannot be read.
pub fn find_examples(directory: &Path) -> io::Result<Vec<Example>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let directory = entry.path();
        if directory.join("opkg").is_dir() {
            found.push(Example { name: entry.file_name().to_string_lossy().into_owned(), directory });
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// Compiles an example, and compares; with `update`, writes what came of it.
///
/// # Errors
/// Files cannot be read or written.
pub fn run_example(
    plugin: &dyn PluginUnderTest,
    description: &DistributionDescription,
    example: &Example,
    update: bool,
) -> io::Result<ExampleResult> {
    let target = match read_target(description, &example.directory.join("target"))? {
        Ok(target) => target,
        Err(reason) => return Ok(ExampleResult::Invalid(reason)),
    };
    let loaded = opkg::load(&example.directory.join("opkg"), &Settings::default());
    let Some(opkg) = loaded.opkg else {
        let errors = loaded.diagnostics.iter().filter(|it| it.severity == Severity::Error);
        let reason = errors.map(|it| it.message.as_str()).next().unwrap_or("it cannot be read");
        return Ok(ExampleResult::Invalid(format!(
            "its OPKG is not valid: {reason} (`opkgc check` shows all)"
        )));
    };
    let found = match plugin.generate(&opkg, &target, &PackageSettings::default()) {
        Outcome::Generated(generated) => {
            generated.output.meta_files.into_iter().map(|file| (file.path, file.contents)).collect()
        }
        Outcome::Unavailable(diagnostic) => refused(&[diagnostic]),
        Outcome::Refused(diagnostics) => refused(&diagnostics),
        Outcome::UnknownTarget(reason) => return Ok(ExampleResult::Invalid(reason)),
        Outcome::Broken(error) => return Ok(ExampleResult::Invalid(format!("the plugin {error}"))),
    };
    let directory = example.directory.join("expected");
    if update {
        return write_expected(&directory, &found);
    }
    let expected = read_expected(&directory)?;
    let paths: std::collections::BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let differences: Vec<FileDifference> = paths
        .into_iter()
        .filter(|path| expected.get(*path) != found.get(*path))
        .map(|path| FileDifference {
            path: path.clone(),
            expected: expected.get(path).cloned(),
            found: found.get(path).cloned(),
        })
        .collect();
    Ok(if differences.is_empty() { ExampleResult::Passed } else { ExampleResult::Failed(differences) })
}

/// What is read, or why it names no target.
fn read_target(description: &DistributionDescription, path: &Path) -> io::Result<Result<Target, String>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Err("it has no file `target` with the target in one line".to_owned()));
        }
        Err(error) => return Err(error),
    };
    let known = |id: &str| description.ids().any(|own| own == id).then_some(description);
    let target = match Target::parse(text.trim(), known) {
        Ok(target) => target,
        Err(error) => return Ok(Err(format!("in its file `target`: {error}"))),
    };
    // Nothing depends on the machine.
    let default_arch = description.archs.first().map(|arch| arch.canonical.clone());
    Ok(Ok(Target { default_arch: default_arch.unwrap_or_else(|| target.default_arch.clone()), ..target }))
}

fn refused(diagnostics: &[Diagnostic]) -> BTreeMap<String, String> {
    let lines: String = diagnostics.iter().map(|it| format!("{}\n", it.message)).collect();
    BTreeMap::from([(REFUSED.to_owned(), lines)])
}

/// All files below a directory, by their paths in it; none where it is not there.
fn read_expected(directory: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut open = vec![(directory.to_owned(), String::new())];
    while let Some((directory, prefix)) = open.pop() {
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push((entry.path(), format!("{path}/")));
            } else if kind.is_file() {
                let contents = String::from_utf8_lossy(&fs::read(entry.path())?).into_owned();
                files.insert(path, contents);
            }
            if files.len() + open.len() > MAX_FILES {
                return Err(io::Error::other(format!(
                    "{} holds more than {MAX_FILES} files",
                    directory.display()
                )));
            }
        }
    }
    Ok(files)
}

/// The host has checked that no path leads elsewhere.
fn write_expected(directory: &Path, found: &BTreeMap<String, String>) -> io::Result<ExampleResult> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    for (path, contents) in found {
        let path = directory.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, contents)?;
    }
    Ok(ExampleResult::Updated(found.len()))
}
