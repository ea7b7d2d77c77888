//! Reads `config.xml` into typed metadata.

mod alternatives;
mod authors;
mod capabilities;
mod changelog;
mod contradictions;
mod file_rules;
mod filters;
mod groups;
mod name;
mod payloads;
mod reader;
mod related;
mod relations;
mod service_rules;
mod triggers;
mod values;

use roxmltree::Node as XmlNode;

pub use authors::{EmailError, check_email};
pub use name::{is_name, suggest_name};
pub(crate) use reader::ElementReader;
pub use related::is_relation_name;
pub(crate) use relations::add_automatic_relations;

use crate::closest_match;
use crate::diagnostic::{Diagnostic, Location};
use crate::filesystem;
use crate::license::{LICENSES, LicenseText, classify_license};
use crate::limits::MAX_NAME_CHARS;
use crate::model::{
    Alternative, Author, Class, FileRule, Filter, NodeId, Payload, Relation, Release, ServiceRule, Trigger,
};
use crate::native_name;
use crate::text::{escape_for_display, split_paragraphs};

/// The children of the root in the order of the schema; those of one rank may be mixed.
const ELEMENT_ORDER: [&[&str]; 20] = [
    &["name"],
    &["class"],
    &["summary"],
    &["description"],
    &["license"],
    &["group"],
    &["uri"],
    &["authors"],
    &["filters"],
    &relations::ROOT_GROUPS,
    &["serverDeps"],
    &["clientDeps"],
    &["commonDeps"],
    &["apiDeps"],
    &["payloads"],
    &["files"],
    &["services"],
    &["alternatives"],
    &["triggers"],
    &["changelog"],
];

/// The classes by the names that the file has for them.
pub const CLASSES: [(&str, Class); 4] = [
    ("core", Class::Core),
    ("base", Class::Base),
    ("included", Class::Included),
    ("third-party", Class::ThirdParty),
];

/// Where the file names no group.
pub const DEFAULT_GROUP: &str = "Applications/System";

/// The longest summary: `, server part` is added, and 80 characters are all that a line has.
pub const MAX_SUMMARY_CHARS: usize = 67;

/// The contents of `config.xml`. Only complete if there was no error; the fields are those of [`crate::model::Opkg`].
pub(crate) struct Metadata {
    pub at: NodeId,
    /// Absent where it is missing or cannot be a name.
    pub name: Option<String>,
    pub class: Class,
    pub summary: String,
    pub description: Vec<String>,
    pub license: String,
    pub groups: Vec<String>,
    pub uri: Option<String>,
    pub authors: Vec<Author>,
    pub filter: Filter,
    pub relations: Vec<Relation>,
    pub payloads: Vec<Payload>,
    pub file_rules: Vec<FileRule>,
    pub service_rules: Vec<ServiceRule>,
    pub alternatives: Vec<Alternative>,
    pub triggers: Vec<Trigger>,
    pub history: Vec<Release>,
}

/// The root element, and its name before OSCAR 5.
const ROOT: &str = "oscar";
const OLD_ROOT: &str = "package";

/// Why a document is not read at all: it is not an OPKG, or has the legacy format from before OSCAR 5.
pub(crate) fn unsupported_document(reader: &ElementReader<'_>, root: XmlNode<'_, '_>) -> Option<Diagnostic> {
    let name = root.tag_name().name();
    if name != ROOT && name != OLD_ROOT {
        let diagnostic = Diagnostic::error(
            "root",
            format!("the root element is `{}`, not `oscar`", escape_for_display(name)),
        )
        .at(Location::Config(reader.tag_range(root)))
        .help("an OPKG's `config.xml` begins with `<oscar>`; is this the right directory?");
        return Some(diagnostic);
    }
    let sign = legacy_format_element(root)?;
    let name = sign.tag_name().name();
    let diagnostic = Diagnostic::error(
        "old-form",
        format!("this OPKG has the legacy format from before OSCAR 5 (`{name}`)"),
    )
    .at(Location::Config(reader.tag_range(sign)))
    .help("`opkgc convert` converts it to the current format, into another directory");
    Some(diagnostic)
}

/// The element by which a document is known to have the form before OSCAR 5: a `version` with a `major`, or an
/// `rpmlist`. Nothing in one of the present form.
#[must_use]
pub fn legacy_format_element<'a, 'i>(root: XmlNode<'a, 'i>) -> Option<XmlNode<'a, 'i>> {
    let is_ours = |node: &XmlNode<'_, '_>| {
        let namespace = node.tag_name().namespace();
        namespace.is_none() || namespace == root.tag_name().namespace()
    };
    root.children().filter(is_ours).find(|child| match child.tag_name().name() {
        "version" => child.children().filter(is_ours).any(|part| part.tag_name().name() == "major"),
        "rpmlist" => true,
        _ => false,
    })
}

/// Reads everything below a root that [`unsupported_document`] has nothing against. `now`: see [`crate::Settings::now`].
pub(crate) fn read(reader: &mut ElementReader<'_>, root: XmlNode<'_, '_>, now: Option<i64>) -> Metadata {
    if root.tag_name().name() == OLD_ROOT {
        let message = format!("the root element `{OLD_ROOT}` is read as `{ROOT}`");
        let diagnostic = Diagnostic::warning("root", message);
        reader.report(
            reader.tag_range(root),
            diagnostic.help(format!("write `<{ROOT}>`, and `</{ROOT}>` at the end")),
        );
    }
    reader.check_container(root, &ELEMENT_ORDER.concat(), &[]);
    reader.check_order(root, &ELEMENT_ORDER);
    let name = read_name(reader, root);
    let class = read_class(reader, root);
    let summary = read_summary(reader, root);
    let description = read_description(reader, root).unwrap_or_else(|| vec![summary.clone()]);
    let license = read_license(reader, root);
    let groups = read_groups(reader, root);
    let uri = read_uri(reader, root);
    let authors = authors::read_authors(reader, root);
    let filter = filters::read_filter(reader, root);
    let relations = relations::read_relations(reader, root);
    let payloads = payloads::read_payloads(reader, root);
    let file_rules = file_rules::read_file_rules(reader, root);
    let service_rules = service_rules::read_service_rules(reader, root);
    let alternatives = alternatives::read_alternatives(reader, root);
    let triggers = triggers::read_triggers(reader, root);
    let history = changelog::read_changelog(reader, root, &authors, now);
    let at = reader.add_node(reader.tag_range(root));
    Metadata {
        at,
        name,
        class,
        summary,
        description,
        license,
        groups,
        uri,
        authors,
        filter,
        relations,
        payloads,
        file_rules,
        service_rules,
        alternatives,
        triggers,
        history,
    }
}

fn read_name(reader: &mut ElementReader<'_>, root: XmlNode<'_, '_>) -> Option<String> {
    let (name, range) = reader.required_line(root, "name")?;
    if name == filesystem::NAME {
        let message = format!("the name `{name}` is that of the directories which all packages share");
        let help = format!("choose another one: opkgc itself makes the package `{}`", filesystem::PACKAGE);
        reader.report(range, Diagnostic::error("name", message).help(help));
        return None;
    }
    if is_name(&name) {
        if let Some(stem) = native_name::stem(&name) {
            let message = format!("`opkg-{name}` is also the name of a part of an OPKG `{stem}`");
            let help = "the two cannot be in one cluster: choose a name that does not end so";
            reader.report(range, Diagnostic::warning("ambiguous-name", message).help(help));
        }
        return Some(name);
    }
    let diagnostic = if name::matches_name_pattern(&name) {
        Diagnostic::error("name", format!("the name has more than {MAX_NAME_CHARS} characters"))
            .help("it becomes part of file names: choose a shorter one")
    } else {
        Diagnostic::error("name", format!("`{}` cannot be the name of a package", escape_for_display(&name)))
            .help(name::name_help(&name))
    };
    reader.report(range, diagnostic);
    None
}

fn read_class(reader: &mut ElementReader<'_>, root: XmlNode<'_, '_>) -> Class {
    let Some((written, range)) = reader.single_line(root, "class") else {
        if reader.children_named(root, "class").is_empty() {
            let diagnostic = Diagnostic::note("class", "no `class`, so `third-party`");
            reader.report(reader.tag_range(root), diagnostic.help("add `<class>third-party</class>`"));
        }
        return Class::ThirdParty;
    };
    if let Some((_, class)) = CLASSES.iter().find(|(name, _)| *name == written) {
        return *class;
    }
    let help = match closest_match(&written, CLASSES.iter().map(|(name, _)| *name)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "write `core`, `base`, `included` or `third-party`".to_owned(),
    };
    reader.report(
        range,
        Diagnostic::error("class", format!("there is no class `{}`", escape_for_display(&written)))
            .help(help),
    );
    Class::ThirdParty
}

fn read_summary(reader: &mut ElementReader<'_>, root: XmlNode<'_, '_>) -> String {
    let Some((summary, range)) = reader.required_line(root, "summary") else {
        return String::new();
    };
    let length = summary.chars().count();
    if length > MAX_SUMMARY_CHARS {
        let message = format!("the summary has {length} characters, {MAX_SUMMARY_CHARS} are allowed");
        let diagnostic =
            Diagnostic::error("summary", message).help("shorten it; the description has room for the rest");
        reader.report(range, diagnostic);
    }
    summary
}

fn read_description(reader: &mut ElementReader<'_>, root: XmlNode<'_, '_>) -> Option<Vec<String>> {
    let element = reader.single_child(root, "description")?;
    reader.check_leaf(element, &[], &[]);
    let paragraphs = split_paragraphs(&reader.raw_text(element));
    if paragraphs.is_empty() {
        reader.report_empty(element);
        return None;
    }
    Some(paragraphs)
}

fn read_license(reader: &mut ElementReader<'_>, root: XmlNode<'_, '_>) -> String {
    let Some((license, range)) = reader.required_line(root, "license") else {
        return String::new();
    };
    let shown = escape_for_display(&license);
    let note = match classify_license(&license) {
        LicenseText::Listed => return license,
        LicenseText::Spdx => {
            let message =
                format!("the licence `{shown}` is an expression of SPDX, not in the list of the format");
            Diagnostic::note("license", message).help("packages say it in the words of their distributions")
        }
        LicenseText::Free(meant) => {
            let message =
                format!("the licence `{shown}` is not in the list of the format, and passed on as it is");
            let help = match meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!(
                    "write an expression of SPDX, `GPL-2.0-or-later` or `MIT OR Apache-2.0`; the list has `{}`",
                    LICENSES.join("`, `")
                ),
            };
            Diagnostic::note("license", message).help(help)
        }
    };
    reader.report(range, note);
    license
}

fn read_groups(reader: &mut ElementReader<'_>, root: XmlNode<'_, '_>) -> Vec<String> {
    let mut groups = Vec::new();
    for element in reader.children_named(root, "group") {
        groups.extend(reader.text_line(element));
    }
    if groups.is_empty() {
        let diagnostic = Diagnostic::warning("group", format!("no `group`, so `{DEFAULT_GROUP}`"));
        reader
            .report(reader.tag_range(root), diagnostic.help(format!("add `<group>{DEFAULT_GROUP}</group>`")));
        groups.push(DEFAULT_GROUP.into());
    }
    groups
}

fn read_uri(reader: &mut ElementReader<'_>, root: XmlNode<'_, '_>) -> Option<String> {
    let (uri, range) = reader.single_line(root, "uri")?;
    let has_scheme = uri.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-'))
            && !rest.is_empty()
    });
    if has_scheme && !uri.contains(|c: char| c.is_whitespace() || "<>\"\\^`{|}".contains(c)) {
        return Some(uri);
    }
    let diagnostic = Diagnostic::warning(
        "uri",
        format!("`{}` is not an address, and is left out", escape_for_display(&uri)),
    )
    .help("write the home page in full: `https://example.org/`");
    reader.report(range, diagnostic);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["c3", "a+", "0.b", "lam-mpi"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "c", "C3", "-c3", ".c3", "a_b", "a/b", "ä3", "a b", &"a".repeat(MAX_NAME_CHARS + 1)]
        {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn proposals_for_names() {
        for (written, expected) in [
            ("LAM/MPI", Some("lam-mpi")),
            ("kernel_picker", Some("kernel-picker")),
            (" Two  words ", Some("two-words")),
            ("-.-x1", Some("x1")),
            ("C", None),
            ("", None),
            ("äö", None),
        ] {
            assert_eq!(suggest_name(written).as_deref(), expected, "{written}");
        }
    }
}
