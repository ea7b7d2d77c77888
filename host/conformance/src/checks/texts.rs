//! Text: it arrives, and it stays text.

use opkg::model::Role;
use opkg_interface::archive::ArchiveMetadata;
use opkg_interface::artefacts::{BinaryPackage, Container, Output, TextFile};

use crate::ledger::{Ledger, Place};
use crate::rule::{Rule, RuleGroup};
use crate::scene::{Scene, document_text, excerpt, missing_word};

pub const GROUP: RuleGroup = RuleGroup {
    title: "Text",
    rules: &[ARRIVES, IN_META_FILES, CHANGELOG, NOT_EXPANDED, STAYS_TEXT, PLAIN_META_FILES],
};

const ARRIVES: Rule = Rule {
    name: "text-arrives",
    sentence: "Summary, description, home page and maintainer of the OPKG are those of its packages.",
    reason: "All words of them are looked for, however the lines are broken and whatever signs are escaped.",
    advice: "Fill the fields of `binary-package` from the OPKG, in all languages and with all signs.",
};
const IN_META_FILES: Rule = Rule {
    name: "text-in-meta-files",
    sentence: "Summary and description stand in the meta-files as well.",
    reason: "Whoever builds packages with the distribution's own tools gets the same. An archive needs no description there.",
    advice: "Write meta-files and records from the same plan.",
};
const CHANGELOG: Rule = Rule {
    name: "changelog-whole",
    sentence: "Every change of the changelog is in the packages, or in their documents.",
    reason: "An archive alone has no place for it but members, and may do without.",
    advice: "Write all releases of `opkg.history`, with all of their changes.",
};
const NOT_EXPANDED: Rule = Rule {
    name: "text-not-expanded",
    sentence: "Nothing of the OPKG's text is left in the meta-files that the distribution's tools would expand.",
    reason: "In a spec, a `%` that is not doubled begins a macro, which can run programs on the machine that builds. In a \
             control file, `${` begins a variable.",
    advice: "Escape text for the format that it is written into: everything in the OPKG is somebody's text.",
};
const STAYS_TEXT: Rule = Rule {
    name: "text-stays-text",
    sentence: "No line of the OPKG's text becomes a section, a condition or a field of the meta-files.",
    reason: "The suite has OPKGs in pairs, one with signs that mean something and one with letters in their place: sections and \
             fields of their meta-files must be the same.",
    advice: "Indent text, or mark its lines, so that none of them begins as what the format reads.",
};
const PLAIN_META_FILES: Rule = Rule {
    name: "meta-files-plain",
    sentence: "Meta-files are text without control characters other than line feeds and tabulators.",
    reason: "A terminal obeys them, and tools of distributions refuse them or end a line there.",
    advice: "Replace them with blanks.",
};

pub fn check(scene: &Scene<'_>, ledger: &mut Ledger) {
    let opkg = &scene.test.opkg;
    for package in &scene.output.packages {
        check_record(scene, package, ledger);
    }
    if scene.output.packages.is_empty() {
        return;
    }
    let meta: String = scene.output.meta_files.iter().map(|file| file.contents.as_str()).collect();
    let descriptions = opkg.description.iter().filter(|_| !scene.is_archive());
    for text in [&opkg.summary].into_iter().chain(descriptions) {
        let missing = missing_word(text, &meta);
        scene.check(ledger, &IN_META_FILES, missing.is_none(), || {
            format!("no meta-file has the word {} of {}", excerpt(missing.unwrap_or_default()), excerpt(text))
        });
    }
    for file in &scene.output.meta_files {
        check_meta_file(scene, file, ledger);
    }
}

fn check_record(scene: &Scene<'_>, package: &BinaryPackage, ledger: &mut Ledger) {
    let opkg = &scene.test.opkg;
    let mut arrives = |what: &str, text: &str, within: &str| {
        let missing = missing_word(text, within);
        scene.check(ledger, &ARRIVES, missing.is_none(), || {
            format!("the {what} of {} lacks the word {}", package.name, excerpt(missing.unwrap_or_default()))
        });
    };
    arrives("summary", &opkg.summary, &package.summary);
    opkg.description.iter().for_each(|text| arrives("description", text, &package.description));
    if let Some(uri) = &opkg.uri {
        arrives("home page", uri, package.url.as_deref().unwrap_or_default());
    }
    if let Some(author) = opkg.authors.iter().find(|author| author.role == Role::Maintainer) {
        arrives("maintainer", &author.name, &package.maintainer);
        arrives("maintainer", &author.email, &package.maintainer);
    }
    if scene.leaves_open(ArchiveMetadata::CHANGELOG) {
        return;
    }
    let changes: String = package.changelog.iter().map(|change| format!("{}\n", change.text)).collect();
    let told = changes + &document_text(package);
    let items = opkg.history.iter().flat_map(|release| &release.changes).flat_map(|change| &change.items);
    for item in items {
        let missing = missing_word(item, &told);
        scene.check(ledger, &CHANGELOG, missing.is_none(), || {
            let word = excerpt(missing.unwrap_or_default());
            format!("the changelog of {} lacks the word {word} of {}", package.name, excerpt(item))
        });
    }
}

fn check_meta_file(scene: &Scene<'_>, file: &TextFile, ledger: &mut Ledger) {
    let control = file.contents.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    scene.check(ledger, &PLAIN_META_FILES, control.is_none(), || {
        format!("{} has the character {:?} in it", file.path, control.unwrap_or_default())
    });
    let expanded = match scene.output.main_container() {
        Some(Container::Rpm(_)) if file.path.ends_with(".spec") => left_macro(&file.contents),
        Some(Container::Deb(_)) if file.path.ends_with("/control") => left_variable(&file.contents),
        _ => return,
    };
    scene.check(ledger, &NOT_EXPANDED, expanded.is_none(), || {
        format!("{} has {} in it", file.path, excerpt(expanded.unwrap_or_default()))
    });
}

/// How the OPKGs of the suite name what nothing but their text has.
const MACRO_NAMES: [&str; 3] = ["{zq_macro}", "(zq)", "[zq]"];

/// The first macro of the suite's own that RPM would expand: one behind an odd number of `%`.
fn left_macro(text: &str) -> Option<&str> {
    MACRO_NAMES.iter().find_map(|name| {
        text.match_indices(name).find_map(|(at, _)| {
            let signs = text[..at].bytes().rev().take_while(|byte| *byte == b'%').count();
            (signs % 2 == 1).then(|| &text[at - signs..at + name.len()])
        })
    })
}

/// The first variable of the suite's own that dpkg would replace.
fn left_variable(text: &str) -> Option<&str> {
    ["${zq:Field}", "${Newline}", "${zq}"].into_iter().find(|name| text.contains(name))
}

/// Compares the shapes of meta-files of two OPKGs that differ in signs alone.
pub fn compare_twins(place: Place<'_>, one: &Output, twin: &Output, ledger: &mut Ledger) {
    let (shape, other) = (shape(one), shape(twin));
    let difference = shape.iter().zip(&other).find(|(one, other)| one != other);
    let holds = shape == other;
    ledger.check(&STAYS_TEXT, place, holds, || match difference {
        Some((one, other)) => {
            format!("with signs there is {}, with letters in their place {}", excerpt(one), excerpt(other))
        }
        None => {
            format!("with signs there are {} sections and fields, with letters {}", shape.len(), other.len())
        }
    });
}

/// Sections and fields of all meta-files, in their order, by the names of the files.
fn shape(output: &Output) -> Vec<String> {
    let lines = |file: &TextFile| {
        let name = file.path.rsplit('/').next().unwrap_or_default().to_owned();
        let found = file.contents.lines().filter_map(|line| match output.main_container() {
            Some(Container::Rpm(_)) => section(line),
            Some(Container::Deb(_)) => field(&name, line),
            Some(Container::Archives(_)) | None => None,
        });
        found.map(|word| format!("{name}: {word}")).collect::<Vec<_>>()
    };
    output.meta_files.iter().flat_map(lines).collect()
}

/// What RPM takes for the beginning of a section or a condition, after it has expanded the line.
fn section(line: &str) -> Option<&str> {
    const WORDS: [&str; 24] = [
        "package",
        "description",
        "prep",
        "build",
        "install",
        "check",
        "clean",
        "pre",
        "post",
        "preun",
        "postun",
        "pretrans",
        "posttrans",
        "files",
        "changelog",
        "if",
        "ifarch",
        "ifnarch",
        "ifos",
        "else",
        "elif",
        "endif",
        "define",
        "include",
    ];
    let word = line.trim_start().strip_prefix('%')?.trim_start_matches('%');
    let end = word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len());
    WORDS.contains(&&word[..end]).then(|| &word[..end])
}

/// What dpkg takes for a field, or for the beginning of an entry of the changelog.
fn field<'l>(file: &str, line: &'l str) -> Option<&'l str> {
    if !matches!(file, "control" | "copyright" | "changelog") || line.starts_with([' ', '\t']) {
        return None;
    }
    let end = line.find([':', ' ']).unwrap_or(line.len());
    Some(&line[..end])
}
