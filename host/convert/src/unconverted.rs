//! What of the old `config.xml` has no counterpart in the new one: it is kept in comments, and reported.

use opkg::{collapse_whitespace, escape_for_display};
use roxmltree::Node as XmlNode;

use crate::old_config::OldConfig;

/// The comments that keep everything for which no place was found. To be called when all else is done.
pub(crate) fn collect_unconverted(old: &mut OldConfig<'_>, root: XmlNode<'_, '_>) -> Vec<String> {
    let mut kept = Vec::new();
    collect_from(old, root, &mut kept);
    kept
}

/// The comments before and behind the root.
pub(crate) fn comments_around_root(root: XmlNode<'_, '_>) -> Vec<String> {
    let comments = root.document().root().children().filter(XmlNode::is_comment);
    comments.filter_map(|comment| comment.text().map(str::to_owned)).collect()
}

/// Below an element that has a place itself.
fn collect_from(old: &mut OldConfig<'_>, element: XmlNode<'_, '_>, kept: &mut Vec<String>) {
    let tag = element.tag_name().name();
    for attribute in element.attributes() {
        if attribute.namespace().is_none() && old.is_attribute_converted(element, attribute.name()) {
            continue;
        }
        let source = old.text.get(attribute.range()).unwrap_or_default();
        let what = format!(
            "the attribute `{}` of `{}`",
            escape_for_display(attribute.name()),
            escape_for_display(tag)
        );
        keep_as_comment(old, element, &what, source, kept);
    }
    if !old.is_text_converted(element) {
        let text = collapse_whitespace(&OldConfig::own_text(element));
        if !text.is_empty() {
            keep_as_comment(
                old,
                element,
                &format!("the text inside of `{}`", escape_for_display(tag)),
                &text,
                kept,
            );
        }
    }
    for child in element.children() {
        if child.is_comment() && !old.is_comment_placed(child) {
            kept.push(child.text().unwrap_or_default().to_owned());
        } else if child.is_pi() {
            let source = old.text.get(child.range()).unwrap_or_default();
            keep_as_comment(old, child, "an instruction", source, kept);
        } else if child.is_element() && child.descendants().any(|node| old.is_element_converted(node)) {
            collect_from(old, child, kept);
        } else if child.is_element() {
            let source = old.text.get(child.range()).unwrap_or_default();
            keep_as_comment(old, child, &describe_element(child), source, kept);
        }
    }
}

/// An element, and some of those in it, since the outermost may tell little.
fn describe_element(element: XmlNode<'_, '_>) -> String {
    const MAX_NAMES: usize = 3;
    let mut names: Vec<&str> = Vec::new();
    for child in element.children().filter(XmlNode::is_element) {
        let name = child.tag_name().name();
        if names.len() <= MAX_NAMES && !names.contains(&name) {
            names.push(name);
        }
    }
    let more = if names.len() > MAX_NAMES { " and more" } else { "" };
    names.truncate(MAX_NAMES);
    let names: Vec<String> =
        names.into_iter().map(|name| format!("`{}`", escape_for_display(name))).collect();
    let tag = escape_for_display(element.tag_name().name());
    if names.is_empty() { format!("`{tag}`") } else { format!("`{tag}` with {}{more}", names.join(", ")) }
}

/// Puts a piece of the source into a comment, and says so.
fn keep_as_comment(
    old: &mut OldConfig<'_>,
    node: XmlNode<'_, '_>,
    what: &str,
    source: &str,
    kept: &mut Vec<String>,
) {
    let line = old.line_of_node(node);
    old.report
        .add_needs_review(old.location(node), format!("{what} has no counterpart; it is kept in a comment"));
    kept.push(format!(" Line {line} had {what}:\n{source}\n"));
}
