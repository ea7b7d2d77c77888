//! What of the old `config.xml` has no counterpart in the new one: it is kept in comments, and reported.

use opkg::{fold, show};
use roxmltree::Node as Xml;

use crate::old::Old;

/// The comments that keep everything for which no place was found. To be called when all else is done.
pub(crate) fn collect(old: &mut Old<'_>, root: Xml<'_, '_>) -> Vec<String> {
    let mut kept = Vec::new();
    visit(old, root, &mut kept);
    kept
}

/// The comments before and behind the root.
pub(crate) fn around(root: Xml<'_, '_>) -> Vec<String> {
    let comments = root.document().root().children().filter(Xml::is_comment);
    comments.filter_map(|comment| comment.text().map(str::to_owned)).collect()
}

/// Below an element that has a place itself.
fn visit(old: &mut Old<'_>, element: Xml<'_, '_>, kept: &mut Vec<String>) {
    let tag = element.tag_name().name();
    for attribute in element.attributes() {
        if attribute.namespace().is_none() && old.has_place_for_attribute(element, attribute.name()) {
            continue;
        }
        let source = old.text.get(attribute.range()).unwrap_or_default();
        let what = format!("the attribute `{}` of `{}`", show(attribute.name()), show(tag));
        keep(old, element, &what, source, kept);
    }
    if !old.has_place_for_text(element) {
        let text = fold(&Old::raw(element));
        if !text.is_empty() {
            keep(old, element, &format!("the text inside of `{}`", show(tag)), &text, kept);
        }
    }
    for child in element.children() {
        if child.is_comment() && !old.has_place_for_comment(child) {
            kept.push(child.text().unwrap_or_default().to_owned());
        } else if child.is_pi() {
            let source = old.text.get(child.range()).unwrap_or_default();
            keep(old, child, "an instruction", source, kept);
        } else if child.is_element() && child.descendants().any(|node| old.has_place(node)) {
            visit(old, child, kept);
        } else if child.is_element() {
            let source = old.text.get(child.range()).unwrap_or_default();
            keep(old, child, &named(child), source, kept);
        }
    }
}

/// An element, and some of those in it, since the outermost may tell little.
fn named(element: Xml<'_, '_>) -> String {
    const LONGEST: usize = 3;
    let mut names: Vec<&str> = Vec::new();
    for child in element.children().filter(Xml::is_element) {
        let name = child.tag_name().name();
        if names.len() <= LONGEST && !names.contains(&name) {
            names.push(name);
        }
    }
    let more = if names.len() > LONGEST { " and more" } else { "" };
    names.truncate(LONGEST);
    let names: Vec<String> = names.into_iter().map(|name| format!("`{}`", show(name))).collect();
    let tag = show(element.tag_name().name());
    if names.is_empty() { format!("`{tag}`") } else { format!("`{tag}` with {}{more}", names.join(", ")) }
}

/// Puts a piece of the source into a comment, and says so.
fn keep(old: &mut Old<'_>, node: Xml<'_, '_>, what: &str, source: &str, kept: &mut Vec<String>) {
    let line = old.line(node);
    old.report.leave_open(old.at(node), format!("{what} has no counterpart; it is kept in a comment"));
    kept.push(format!(" Line {line} had {what}:\n{source}\n"));
}
