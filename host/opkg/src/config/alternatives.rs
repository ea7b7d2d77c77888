//! `alternatives`: programs and files of the packages that are one of several under a common name, as update-alternatives
//! has it.

use std::ops::Range;

use roxmltree::Node as XmlNode;

use super::filters;
use super::reader::ElementReader;
use crate::diagnostic::Diagnostic;
use crate::limits::MAX_ALTERNATIVES;
use crate::model::{Alternative, AlternativeLink, Filter};
use crate::text::escape_for_display;

const LINK_ATTRIBUTES: [&str; 3] = ["name", "link", "path"];
const ATTRIBUTES: [&str; 4] = ["name", "link", "path", "priority"];

/// Far above any that a distribution gives.
const MAX_PRIORITY: u32 = 1_000_000;
const MAX_NAME_CHARS: usize = 100;

/// All of them in the order of the file. Whether there is something at their paths is not known here.
pub(super) fn read_alternatives(reader: &mut ElementReader<'_>, root: XmlNode<'_, '_>) -> Vec<Alternative> {
    let mut alternatives = Vec::new();
    for group in reader.children_named(root, "alternatives") {
        reader.check_container(group, &["filters", "alternative"], &[]);
        reader.check_order(group, &[&["filters"], &["alternative"]]);
        let filter = filters::read_filter(reader, group);
        let elements = reader.children_named(group, "alternative");
        if elements.is_empty() {
            reader.report_empty(group);
        }
        for element in elements {
            alternatives.extend(read_alternative(reader, element, &filter));
        }
    }
    let links = |alternative: &Alternative| 1 + alternative.slaves.len();
    if alternatives.iter().map(links).sum::<usize>() > MAX_ALTERNATIVES {
        let message = format!("more than {MAX_ALTERNATIVES} `alternative` and `slave` elements");
        let help = "this exceeds a limit of the format; check the program that generated it";
        reader.report(reader.tag_range(root), Diagnostic::error("alternative", message).help(help));
    }
    alternatives
}

/// Nothing where something of it cannot be, which was reported.
fn read_alternative(
    reader: &mut ElementReader<'_>,
    element: XmlNode<'_, '_>,
    filter: &Filter,
) -> Option<Alternative> {
    reader.check_container(element, &["slave"], &ATTRIBUTES);
    let main = read_link(reader, element);
    let priority = read_priority(reader, element);
    let slaves: Vec<_> = reader
        .children_named(element, "slave")
        .into_iter()
        .map(|slave| {
            reader.check_leaf(slave, &[], &LINK_ATTRIBUTES);
            read_link(reader, slave)
        })
        .collect();
    let slaves: Option<Vec<AlternativeLink>> = slaves.into_iter().collect();
    Some(Alternative { main: main?, priority: priority?, slaves: slaves?, filter: filter.clone() })
}

fn read_link(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>) -> Option<AlternativeLink> {
    let [name, link, path] = LINK_ATTRIBUTES.map(|attribute| required(reader, element, attribute));
    let (name, link, (path, range)) = (name?, link?, path?);
    if !is_name(&name.0) {
        let help = "a name is at most 100 of `a-z A-Z 0-9 . _ + -`, and begins with a letter or digit";
        return reject(reader, name.1, "name", &name.0, help);
    }
    for (attribute, written, range) in [("link", &link.0, &link.1), ("path", &path, &range)] {
        if !is_path(written) {
            let help =
                "write it from `/` on, without `.` and `..`, of letters, digits and `/ . _ + - : @ , = ~`";
            return reject(reader, range.clone(), attribute, written, help);
        }
    }
    if link.0 == path {
        let help = "the link is what the system makes, and leads to the path: give it another place";
        return reject(reader, link.1, "link", &link.0, help);
    }
    Some(AlternativeLink { at: reader.add_node(range), name: name.0, link: link.0, path })
}

fn read_priority(reader: &mut ElementReader<'_>, element: XmlNode<'_, '_>) -> Option<u32> {
    let (written, range) = required(reader, element, "priority")?;
    let is_number = written.bytes().all(|byte| byte.is_ascii_digit());
    match written.parse().ok().filter(|priority| is_number && *priority <= MAX_PRIORITY) {
        Some(priority) => Some(priority),
        None => {
            let help = "write a number from 0 to 1000000: of several, the one with the highest is used";
            reject(reader, range, "priority", &written, help)
        }
    }
}

fn required(
    reader: &mut ElementReader<'_>,
    element: XmlNode<'_, '_>,
    attribute: &str,
) -> Option<(String, Range<usize>)> {
    let found = reader.attribute(element, attribute);
    if found.is_none() {
        let message = format!("`{}` has no attribute `{attribute}`", element.tag_name().name());
        let help = match attribute {
            "name" => "say what stands for all of them: `name=\"editor\"`",
            "link" => "say where the system makes the link: `link=\"/usr/bin/editor\"`",
            "path" => "say which file of the package it leads to: `path=\"/usr/bin/site-editor\"`",
            _ => "say how it compares with others: `priority=\"50\"`",
        };
        reader.report(reader.tag_range(element), Diagnostic::error("alternative", message).help(help));
    }
    found
}

/// update-alternatives keeps a file of this name.
fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME_CHARS
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c))
}

/// It keeps a line for each path.
fn is_path(path: &str) -> bool {
    let is_component = |name: &str| {
        !matches!(name, "" | "." | "..")
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "._+-:@,=~".contains(c))
    };
    path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_component))
}

fn reject<T>(
    reader: &mut ElementReader<'_>,
    range: Range<usize>,
    attribute: &str,
    written: &str,
    help: &str,
) -> Option<T> {
    let message = format!("`{}` cannot be the `{attribute}` of an alternative", escape_for_display(written));
    reader.report(range, Diagnostic::error("alternative", message).help(help));
    None
}
