//! `config.xml`: from its root element to typed metadata.

mod authors;
mod changelog;
mod filters;
mod reader;
mod relations;

use roxmltree::Node as Xml;

pub(crate) use reader::Reader;
pub(crate) use relations::add_automatic;
pub use relations::is_relation_name;

use crate::diagnostic::{Diagnostic, Place};
use crate::limits::NAME_CHARS;
use crate::model::{Author, Class, Filter, Node, Relation, Release};
use crate::nearest;
use crate::text::{paragraphs, show};

/// The children of the root in the order of the schema; those of one rank may be mixed.
const RANKS: [&[&str]; 15] = [
    &["name"],
    &["class"],
    &["summary"],
    &["description"],
    &["license"],
    &["group"],
    &["uri"],
    &["authors"],
    &["filters"],
    &["provides", "conflicts", "requires"],
    &["serverDeps"],
    &["clientDeps"],
    &["commonDeps"],
    &["apiDeps"],
    &["changelog"],
];

const CLASSES: [(&str, Class); 4] = [
    ("core", Class::Core),
    ("base", Class::Base),
    ("included", Class::Included),
    ("third-party", Class::ThirdParty),
];

/// The licences that the format lists; others are passed on.
const LICENSES: [&str; 7] = [
    "GPL",
    "LGPL",
    "BSD",
    "SISSL",
    "Freely distributable",
    "Maui license",
    "PBS license (see PBS_License.txt)",
];

/// Where the file names no group.
const DEFAULT_GROUP: &str = "Applications/System";

/// `, server part` is added, and 80 characters are all that a line has.
const SUMMARY_CHARS: usize = 67;

/// All that `config.xml` says. Of use as an OPKG only if there was no error; the fields mean what those of
/// [`crate::model::Opkg`] mean.
pub(crate) struct Metadata {
    pub at: Node,
    /// Nothing where it is missing or cannot be a name.
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
    pub history: Vec<Release>,
}

/// Why a document is not read at all: it is no OPKG, or one in the form before OSCAR 5.
pub(crate) fn refusal(reader: &Reader<'_>, root: Xml<'_, '_>) -> Option<Diagnostic> {
    let name = root.tag_name().name();
    if name != "oscar" {
        let finding = Diagnostic::error("root", format!("the root element is `{}`, not `oscar`", show(name)))
            .at(Place::Config(reader.tag(root)))
            .help("an OPKG's `config.xml` begins with `<oscar>`; is this the right directory?");
        return Some(finding);
    }
    let sign = reader.elements(root).into_iter().find(|child| match child.tag_name().name() {
        "version" => !reader.named(*child, "major").is_empty(),
        "rpmlist" => true,
        _ => false,
    })?;
    let name = sign.tag_name().name();
    let finding =
        Diagnostic::error("old-form", format!("this OPKG has the form used before OSCAR 5 (`{name}`)"))
            .at(Place::Config(reader.tag(sign)))
            .help("`opkgc convert` writes it anew in the present form, into a directory of its own");
    Some(finding)
}

/// Reads everything below a root that [`refusal`] has nothing against.
pub(crate) fn read(reader: &mut Reader<'_>, root: Xml<'_, '_>) -> Metadata {
    reader.check(root, &RANKS.concat(), &[]);
    reader.check_order(root, &RANKS);
    let name = read_name(reader, root);
    let class = read_class(reader, root);
    let summary = read_summary(reader, root);
    let description = read_description(reader, root).unwrap_or_else(|| vec![summary.clone()]);
    let license = read_license(reader, root);
    let groups = read_groups(reader, root);
    let uri = read_uri(reader, root);
    let authors = authors::read(reader, root);
    let filter = filters::read(reader, root);
    let relations = relations::read(reader, root);
    let history = changelog::read(reader, root, &authors);
    let at = reader.node(reader.tag(root));
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
        history,
    }
}

fn read_name(reader: &mut Reader<'_>, root: Xml<'_, '_>) -> Option<String> {
    let (name, range) = reader.needed_line(root, "name")?;
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_name = name.len() >= 2
        && name.starts_with(is_letter)
        && name.chars().all(|c| is_letter(c) || matches!(c, '+' | '.' | '-'));
    if is_name && name.len() <= NAME_CHARS {
        return Some(name);
    }
    let finding = if is_name {
        Diagnostic::error("name", format!("the name has more than {NAME_CHARS} characters"))
            .help("it becomes part of file names: choose a shorter one")
    } else {
        Diagnostic::error("name", format!("`{}` cannot be the name of a package", show(&name)))
            .help(name_advice(&name))
    };
    reader.report(range, finding);
    None
}

/// What a name must be, and one that could have been meant.
fn name_advice(name: &str) -> String {
    let rule = "a name is two or more of `a-z 0-9 + . -`, and begins with a letter or digit";
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '+' | '.') { c } else { '-' };
    let lower: String = name.chars().take(NAME_CHARS).map(|c| allowed(c.to_ascii_lowercase())).collect();
    let words: Vec<&str> = lower.split('-').filter(|word| !word.is_empty()).collect();
    let proposal = words.join("-");
    let proposal = proposal.trim_start_matches(['+', '.']);
    if proposal.len() < 2 { rule.into() } else { format!("{rule}: `{proposal}`, for example") }
}

fn read_class(reader: &mut Reader<'_>, root: Xml<'_, '_>) -> Class {
    let Some((written, range)) = reader.only_line(root, "class") else {
        if reader.named(root, "class").is_empty() {
            let finding = Diagnostic::note("class", "no `class`, so `third-party`");
            reader.report(reader.tag(root), finding.help("add `<class>third-party</class>`"));
        }
        return Class::ThirdParty;
    };
    if let Some((_, class)) = CLASSES.iter().find(|(name, _)| *name == written) {
        return *class;
    }
    let help = match nearest(&written, CLASSES.iter().map(|(name, _)| *name)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "write `core`, `base`, `included` or `third-party`".to_owned(),
    };
    reader.report(
        range,
        Diagnostic::error("class", format!("there is no class `{}`", show(&written))).help(help),
    );
    Class::ThirdParty
}

fn read_summary(reader: &mut Reader<'_>, root: Xml<'_, '_>) -> String {
    let Some((summary, range)) = reader.needed_line(root, "summary") else {
        return String::new();
    };
    let length = summary.chars().count();
    if length > SUMMARY_CHARS {
        let message = format!("the summary has {length} characters, {SUMMARY_CHARS} are allowed");
        let finding =
            Diagnostic::error("summary", message).help("shorten it; the description has room for the rest");
        reader.report(range, finding);
    }
    summary
}

fn read_description(reader: &mut Reader<'_>, root: Xml<'_, '_>) -> Option<Vec<String>> {
    let element = reader.only(root, "description")?;
    reader.check_leaf(element, &[], &[]);
    let paragraphs = paragraphs(&reader.raw(element));
    if paragraphs.is_empty() {
        reader.report_empty(element);
        return None;
    }
    Some(paragraphs)
}

fn read_license(reader: &mut Reader<'_>, root: Xml<'_, '_>) -> String {
    let Some((license, range)) = reader.needed_line(root, "license") else {
        return String::new();
    };
    if !LICENSES.contains(&license.as_str()) {
        let help = match nearest(&license, LICENSES) {
            Some(meant) => format!("it is passed on as it is; did you mean `{meant}`?"),
            None => format!("it is passed on as it is; the list has `{}`", LICENSES.join("`, `")),
        };
        let message = format!("the licence `{}` is not in the list of the format", show(&license));
        reader.report(range, Diagnostic::note("license", message).help(help));
    }
    license
}

fn read_groups(reader: &mut Reader<'_>, root: Xml<'_, '_>) -> Vec<String> {
    let mut groups = Vec::new();
    for element in reader.named(root, "group") {
        groups.extend(reader.line(element));
    }
    if groups.is_empty() {
        let finding = Diagnostic::warning("group", format!("no `group`, so `{DEFAULT_GROUP}`"));
        reader.report(reader.tag(root), finding.help(format!("add `<group>{DEFAULT_GROUP}</group>`")));
        groups.push(DEFAULT_GROUP.into());
    }
    groups
}

fn read_uri(reader: &mut Reader<'_>, root: Xml<'_, '_>) -> Option<String> {
    let (uri, range) = reader.only_line(root, "uri")?;
    let has_scheme = uri.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-'))
            && !rest.is_empty()
    });
    if has_scheme && !uri.contains(|c: char| c.is_whitespace() || "<>\"\\^`{|}".contains(c)) {
        return Some(uri);
    }
    let finding = Diagnostic::warning("uri", format!("`{}` is no address and left out", show(&uri)))
        .help("write the home page in full: `https://example.org/`");
    reader.report(range, finding);
    None
}
