//! What was built against what was expected. Whatever may differ is named here, with its reason, and
//! nowhere else.

use std::collections::BTreeSet;
use std::fmt::Debug;

use crate::expect::{ExpectedPackage, Target};
use crate::inspect::BuiltPackage;
use crate::package::{ChangelogEntry, InstalledFile, Package, PackageFormat, RelationKind};

/// Everything in which a package is not what was expected, a line each; empty if it is.
#[must_use]
pub fn differences(expected: &ExpectedPackage, built: &BuiltPackage, target: &Target) -> Vec<String> {
    let (wanted, got) = (&expected.package, &built.package);
    let mut found = Differences { package: wanted.name.clone(), lines: Vec::new() };
    found.compare_value("name", &wanted.name, &got.name);
    found.compare_value("version", &wanted.version, &got.version);
    found.compare_value("architecture", &wanted.arch, &got.arch);
    found.compare_value("summary", &wanted.summary, &strip_word_joiners(&got.summary));
    let mut description: Vec<String> =
        got.description.iter().map(|paragraph| strip_word_joiners(paragraph)).collect();
    if target.format == PackageFormat::Deb && description.len() == wanted.description.len() + 1 {
        // Debian wants three packages of one source to be described each in its own way, at the end.
        description.pop();
    }
    found.compare_value("description", &wanted.description, &description);
    found.compare_value("home page", &wanted.url, &got.url);
    found.compare_value("licence", &wanted.license, &got.license);
    found.compare_value("scriptlets", &wanted.scriptlets, &got.scriptlets);
    found.compare_value("opkg-level conflicts", &wanted.opkg_conflicts, &got.opkg_conflicts);
    let may_be_there = |relation: &(RelationKind, String)| is_exempt_relation(relation, expected, target);
    let relations = got.relations.iter().filter(|relation| !may_be_there(relation));
    let missing = wanted
        .relations
        .iter()
        .filter(|relation| !got.relations.contains(relation) && !may_be_missing(relation, got, target));
    let further = relations.filter(|relation| !wanted.relations.contains(relation));
    found.compare_sets("relation", missing, further);
    found.compare_files(wanted, got, target);
    found.compare_changelog(&wanted.changelog, &got.changelog);
    found.lines
}

/// RPM refuses a text line that begins like a section of the spec, so a word joiner, which cannot be
/// seen, may stand before it.
fn strip_word_joiners(text: &str) -> String {
    text.replace('\u{2060}', "")
}

/// Relations that the format does not speak of:
///
/// - an RPM provides itself, by its name and by its name with the architecture;
/// - what runs a scriptlet may be required: a shell, an interpreter, or the package that has it, and what
///   unpacks a script that the package carries.
fn is_exempt_relation(
    (kind, relation): &(RelationKind, String),
    expected: &ExpectedPackage,
    target: &Target,
) -> bool {
    let package = &expected.package;
    match kind {
        RelationKind::Provides if target.format == PackageFormat::Rpm => {
            let name = relation.split(" = ").next().unwrap_or(relation);
            name == package.name || name.strip_prefix(&package.name).is_some_and(|rest| rest.starts_with('('))
        }
        RelationKind::Requires if !package.scriptlets.is_empty() => {
            let interpreters = expected.interpreters.iter().map(String::as_str);
            let programs = interpreters.chain(["/bin/sh", "/usr/bin/env"]).collect::<BTreeSet<_>>();
            let carried = ["pre-install", "post-uninstall"].iter().any(|it| package.scriptlets.contains(*it));
            programs.iter().any(|program| match target.format {
                PackageFormat::Rpm => program == relation || (carried && relation == "coreutils"),
                PackageFormat::Deb => {
                    program.rsplit('/').next().is_some_and(|name| relation.starts_with(name))
                }
            })
        }
        _ => false,
    }
}

/// Debian's packages do not name what is on every system, and `dpkg-gencontrol` leaves out what another
/// relation of the package says as well, or what the package itself provides.
fn may_be_missing((kind, relation): &(RelationKind, String), got: &Package, target: &Target) -> bool {
    let name = |relation: &str| relation.split(' ').next().unwrap_or_default().to_owned();
    target.format == PackageFormat::Deb
        && (["bash", "coreutils", "sed", "tar", "grep", "util-linux"].contains(&relation.as_str())
            || got.relations.iter().any(|(other, stronger)| {
                let says_more = other == kind
                    || (*other == RelationKind::Provides
                        && matches!(
                            kind,
                            RelationKind::Requires | RelationKind::Recommends | RelationKind::Suggests
                        ))
                    || (*other == RelationKind::Requires
                        && matches!(kind, RelationKind::Recommends | RelationKind::Suggests));
                says_more && name(stronger) == name(relation)
            }))
}

/// Files that every Debian package has of its own.
fn is_exempt_file(path: &str, package: &str) -> bool {
    let documentation = format!("/usr/share/doc/{package}");
    path == format!("{documentation}/copyright") || path == format!("{documentation}/changelog.Debian.gz")
}

struct Differences {
    package: String,
    lines: Vec<String>,
}

impl Differences {
    fn push(&mut self, what: &str) {
        self.lines.push(format!("{}: {what}", self.package));
    }

    fn compare_value<T: PartialEq + Debug>(&mut self, what: &str, wanted: &T, got: &T) {
        if wanted != got {
            self.push(&format!("{what}: expected {wanted:?}, got {got:?}"));
        }
    }

    fn compare_sets<'a, T: Debug + 'a>(
        &mut self,
        what: &str,
        missing: impl Iterator<Item = &'a T>,
        further: impl Iterator<Item = &'a T>,
    ) {
        for item in missing {
            self.push(&format!("{what} missing: {item:?}"));
        }
        for item in further {
            self.push(&format!("{what} not expected: {item:?}"));
        }
    }

    fn compare_files(&mut self, wanted: &Package, got: &Package, target: &Target) {
        for (path, file) in &wanted.files {
            match got.files.get(path) {
                Some(there) if there == file => (),
                there => self.push(&format!("file {path:?}: expected {file:?}, got {there:?}")),
            }
        }
        for (path, file) in got.files.iter().filter(|(path, _)| !wanted.files.contains_key(*path)) {
            let free = target.format == PackageFormat::Deb
                // dpkg wants all directories in the archive; they are shared between packages.
                && (*file == InstalledFile::Directory(0o755) || is_exempt_file(path, &wanted.name));
            if !free {
                self.push(&format!("file not expected: {path:?}, {file:?}"));
            }
        }
    }

    fn compare_changelog(&mut self, wanted: &[ChangelogEntry], got: &[ChangelogEntry]) {
        if wanted.len() != got.len() {
            self.push(&format!("changelog: expected {} entries, got {}", wanted.len(), got.len()));
        }
        for (wanted, got) in wanted.iter().zip(got) {
            let same = wanted.version == got.version && wanted.day == got.day;
            // Numbers of bugs may be added to the text, in the format's own way.
            if !same
                || wanted.author != got.author
                || !contains_words(&strip_word_joiners(&got.text), &wanted.text)
            {
                self.push(&format!("changelog: expected {wanted:?}, got {got:?}"));
            }
        }
    }
}

/// Whether a text has these words in this order, and little else.
fn contains_words(text: &str, wanted: &str) -> bool {
    let mut words = text.split_whitespace();
    wanted.split_whitespace().all(|word| words.any(|candidate| candidate == word))
}
