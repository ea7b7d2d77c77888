//! What relations are to: `pkg`, `opkg`, and `any` of them.

use std::ops::Range;

use roxmltree::Node as XmlNode;

use super::filters;
use super::name::{is_name, name_help};
use super::reader::ElementReader;
use crate::closest_match;
use crate::diagnostic::Diagnostic;
use crate::limits::MAX_ANY_OF;
use crate::model::{Bound, Part, RelatedName, RelatedPackage, RelationKind, Version};
use crate::native_name;
use crate::text::{collapse_whitespace, escape_for_display};
use crate::version::describe_char;

/// One package.
const PACKAGE: &str = "pkg";
/// A part of an OPKG.
const OPKG: &str = "opkg";
/// Several of which one is enough.
const ANY: &str = "any";

/// What a group holds besides its filter.
pub(super) const ELEMENTS: [&str; 3] = [PACKAGE, OPKG, ANY];

/// Packages of which one is enough, and where they stand. Nothing where the element has none, or none that can be read,
/// which is reported.
pub(super) fn read_related(
    reader: &mut ElementReader<'_>,
    element: XmlNode<'_, '_>,
    kind: RelationKind,
) -> Option<(Vec<RelatedPackage>, Range<usize>)> {
    match element.tag_name().name() {
        ANY => {
            let range = reader.tag_range(element);
            Some((read_any(reader, element, kind)?, range))
        }
        OPKG => {
            let range = reader.text_range(element);
            Some((vec![read_opkg(reader, element)?], range))
        }
        _ => {
            let range = reader.text_range(element);
            Some((vec![read_package(reader, element)?], range))
        }
    }
}

fn read_any(
    reader: &mut ElementReader<'_>,
    element: XmlNode<'_, '_>,
    kind: RelationKind,
) -> Option<Vec<RelatedPackage>> {
    reader.check_container(element, &[PACKAGE, OPKG], &[]);
    if !kind.has_alternatives() {
        let parent = element.parent_element();
        let group = parent.as_ref().map_or("", |group| group.tag_name().name());
        let message = format!("`{ANY}` has no meaning in `{group}`, where each package counts by itself");
        let help = format!("write its packages without `{ANY}` around them");
        reader.report(reader.tag_range(element), Diagnostic::error("any-of", message).help(help));
        return None;
    }
    let children = reader.child_elements(element);
    let mut all: Vec<RelatedPackage> = Vec::new();
    let mut is_readable = true;
    for child in children {
        let found = match child.tag_name().name() {
            PACKAGE => read_package(reader, child),
            OPKG => read_opkg(reader, child),
            _ => continue,
        };
        match found {
            Some(package)
                if all.iter().all(|it| (&it.name, &it.bound) != (&package.name, &package.bound)) =>
            {
                all.push(package);
            }
            Some(_) => {
                let message = "the same package stands here a second time, and counts once";
                let diagnostic = Diagnostic::note("relation-twice", message).help("remove one of them");
                reader.report(reader.text_range(child), diagnostic);
            }
            None => is_readable = false,
        }
    }
    if all.len() > MAX_ANY_OF {
        let message = format!("more than {MAX_ANY_OF} alternatives");
        let help = "name a capability that all of them provide";
        reader.report(reader.tag_range(element), Diagnostic::error("any-of", message).help(help));
        return None;
    }
    match all.len() {
        _ if !is_readable => None,
        0 => {
            reader.report_empty(element);
            None
        }
        1 => {
            let message = format!("`{ANY}` with one package means that package");
            let help = format!("add an alternative, or remove the `{ANY}` around it");
            reader.report(
                reader.tag_range(element),
                Diagnostic::note("single-alternative", message).help(help),
            );
            Some(all)
        }
        _ => Some(all),
    }
}

fn read_package(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>) -> Option<RelatedPackage> {
    reader.check_leaf(element, &[], &["rel", "version"]);
    let name = collapse_whitespace(&reader.raw_text(element));
    let range = reader.text_range(element);
    let bound = filters::read_bound(reader, element, false);
    if name.is_empty() {
        reader.report_empty(element);
        return None;
    }
    if let Err(error) = check_relation_name(&name) {
        let diagnostic = Diagnostic::error(
            "relation-name",
            format!("the package name `{}` {error}", escape_for_display(&name)),
        )
        .help(
            "write one package or capability per `pkg`, and versions into the attributes `rel` and `version`",
        );
        reader.report(range, diagnostic);
        return None;
    }
    Some(RelatedPackage { at: reader.add_node(range), name: RelatedName::Native(name), bound })
}

fn read_opkg(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>) -> Option<RelatedPackage> {
    reader.check_leaf(element, &[], &["rel", "version", "part"]);
    let name = collapse_whitespace(&reader.raw_text(element));
    let range = reader.text_range(element);
    let part = read_part(reader, element);
    let bound = filters::read_bound(reader, element, false);
    if name.is_empty() {
        reader.report_empty(element);
        return None;
    }
    if !is_name(&name) {
        let shown = escape_for_display(&name);
        let help = format!("write it as its `config.xml` has it: {}", name_help(&name));
        let message = format!("`{shown}` cannot be the name of an OPKG");
        reader.report(range, Diagnostic::error("relation-opkg", message).help(help));
        return None;
    }
    if let Some(whole) = native_name::whole(&name) {
        let message = format!("an OPKG `{name}` would have the package `opkg-{name}`");
        let meant = native_name::stem(whole).unwrap_or(whole);
        let part = whole.strip_prefix(meant).and_then(|suffix| suffix.strip_prefix('-'));
        let part = part.map(|part| format!(" part=\"{part}\"")).unwrap_or_default();
        let help = format!("name the OPKG, not its package: `<opkg{part}>{meant}</opkg>`");
        reader.report(range.clone(), Diagnostic::warning("relation-opkg", message).help(help));
    }
    if let Some(bound) = &bound {
        check_opkg_version(reader, element, bound)?;
    }
    Some(RelatedPackage { at: reader.add_node(range), name: RelatedName::Opkg { name, part: part? }, bound })
}

/// The attribute `part`, if there is one; nothing where it is none, which is reported.
#[allow(clippy::option_option, reason = "absent, and wrong, are two things")]
fn read_part(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>) -> Option<Option<Part>> {
    let Some((written, range)) = reader.attribute(element, "part") else { return Some(None) };
    let names = Part::NAMES.map(|(name, _)| name);
    if written.is_empty() {
        let diagnostic = Diagnostic::note("empty-attribute", "the part is empty and counts as absent");
        reader.report(range, diagnostic.help(format!("fill it in: `{}`", names.join("`, `"))));
        return Some(None);
    }
    if let Some((_, part)) = Part::NAMES.iter().find(|(name, _)| *name == written) {
        return Some(Some(*part));
    }
    let help = match closest_match(&written, names) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the parts of an OPKG are `{}`", names.join("`, `")),
    };
    let message = format!("no OPKG has a part `{}`", escape_for_display(&written));
    reader.report(range, Diagnostic::error("relation-part", message).help(help));
    None
}

/// Versions of OPKGs are `[epoch:]upstream-release`; a bound may leave the release out.
fn check_opkg_version(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>, bound: &Bound) -> Option<()> {
    if !bound.version.contains('-') {
        return Some(());
    }
    let error = bound.version.parse::<Version>().err();
    let Some(error) = error else { return Some(()) };
    let range =
        reader.attribute(element, "version").map_or_else(|| reader.tag_range(element), |(_, range)| range);
    let message = format!("`{}` is not a version of an OPKG: {error}", bound.version);
    let help = "write `[epoch:]upstream-release`, as its changelog has it, or leave the release out";
    reader.report(range, Diagnostic::error("relation-version", message).help(help));
    None
}

/// For messages.
pub(super) fn describe(any_of: &[RelatedPackage]) -> String {
    let name = |package: &RelatedPackage| match &package.name {
        RelatedName::Native(name) => format!("`{}`", escape_for_display(name)),
        RelatedName::Opkg { name, .. } => format!("the OPKG `{name}`"),
    };
    any_of.iter().map(name).collect::<Vec<_>>().join(" or ")
}

/// Why a name cannot stand in a relation. The message continues a sentence that begins with the name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum RelationNameError {
    #[error("holds {}", describe_char(*.0))]
    InvalidCharacter(char),
    #[error("does not begin with a letter, a digit or `/`")]
    InvalidStart,
}

/// A name may be any capability of the package formats (`perl(XML::Simple)`, `/usr/bin/foo`,
/// `libfoo.so.1()(64bit)`), but nothing that ends a field, starts an option or is special in a shell or a macro
/// language.
fn check_relation_name(name: &str) -> Result<(), RelationNameError> {
    const SIGNS: &str = "._+-/()[]:~^=@#";
    if let Some(c) = name.chars().find(|c| !c.is_ascii_alphanumeric() && !SIGNS.contains(*c)) {
        return Err(RelationNameError::InvalidCharacter(c));
    }
    let is_good_start = name.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '.'));
    if is_good_start { Ok(()) } else { Err(RelationNameError::InvalidStart) }
}

/// Whether a relation may name this.
#[must_use]
pub fn is_relation_name(name: &str) -> bool {
    check_relation_name(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in [
            "mpi",
            "g++",
            "perl(XML::Simple)",
            "/usr/bin/foo",
            "libfoo.so.1()(64bit)",
            "/usr/bin/[",
            "font(:lang=en)",
            "a_b.c~1",
        ] {
            assert_eq!(check_relation_name(good), Ok(()), "{good}");
        }
        for bad in [
            "a b", "-x", "a,b", "a|b", "$(id)", "%(id)", "a;b", "`id`", "a'b", "a\"b", "(a)", "a>1", "a\nb",
            "é",
        ] {
            assert!(check_relation_name(bad).is_err(), "{bad}");
        }
    }
}
