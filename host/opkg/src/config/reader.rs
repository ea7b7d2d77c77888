//! What reading any element has in common: text and attributes with their places, and the general rules
//! (nothing unknown, nothing twice, the right order).

use std::ops::Range;

use roxmltree::{Attribute, Node as Xml};

use crate::diagnostic::{Diagnostic, Place};
use crate::findings::{Findings, Places};
use crate::model::Node;
use crate::nearest;
use crate::text::{find_control, fold, line_column, show};
use crate::version::describe;

/// Reads elements, and collects what is wrong with them.
pub(crate) struct Reader<'t> {
    /// The whole document; ranges are bytes of it.
    text: &'t str,
    /// That of the root. Real files declare one now and then, so it counts as none.
    namespace: Option<String>,
    pub findings: Findings,
    pub places: Places,
}

impl<'t> Reader<'t> {
    pub fn new(text: &'t str, root: Xml<'_, '_>) -> Self {
        Self {
            text,
            namespace: root.tag_name().namespace().map(str::to_owned),
            findings: Findings::default(),
            places: Places::default(),
        }
    }

    /// The start of an element up to the end of its name: a place that fits on a line.
    pub fn tag(&self, element: Xml<'_, '_>) -> Range<usize> {
        let start = element.range().start;
        let name = self.text.get(start + 1..).unwrap_or_default();
        let end = name.find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/')).unwrap_or(0);
        start..start + 1 + end
    }

    /// The text of an element without the blanks around it; its tag where there is none.
    pub fn content(&self, element: Xml<'_, '_>) -> Range<usize> {
        let mut texts = element.descendants().filter(|node| node.is_text());
        let trimmed =
            texts.next().map(|first| first.range().start..texts.next_back().unwrap_or(first).range().end);
        let trimmed = trimmed.and_then(|range| {
            let raw = self.text.get(range.clone())?;
            let start = range.start + raw.len() - raw.trim_ascii_start().len();
            (!raw.trim_ascii().is_empty()).then(|| start..start + raw.trim_ascii().len())
        });
        trimmed.unwrap_or_else(|| self.tag(element))
    }

    /// The value of an attribute; all of the attribute where the value is empty.
    pub fn value(attribute: &Attribute<'_, '_>) -> Range<usize> {
        let range = attribute.range_value();
        if range.is_empty() { attribute.range() } else { range }
    }

    /// A node of the model for some bytes of the document.
    pub fn node(&mut self, range: Range<usize>) -> Node {
        self.places.node(Place::Config(range))
    }

    pub fn report(&mut self, range: Range<usize>, finding: Diagnostic) {
        self.findings.push(finding.at(Place::Config(range)));
    }

    /// Whether a name belongs to the format. Other namespaces are other people's business.
    fn is_ours(&self, namespace: Option<&str>) -> bool {
        namespace.is_none() || namespace == self.namespace.as_deref()
    }

    /// The child elements of one name.
    pub fn named<'a, 'i>(&self, parent: Xml<'a, 'i>, name: &str) -> Vec<Xml<'a, 'i>> {
        self.elements(parent).into_iter().filter(|child| child.tag_name().name() == name).collect()
    }

    /// The child elements that belong to the format.
    pub fn elements<'a, 'i>(&self, parent: Xml<'a, 'i>) -> Vec<Xml<'a, 'i>> {
        parent
            .children()
            .filter(|child| child.is_element() && self.is_ours(child.tag_name().namespace()))
            .collect()
    }

    /// The only child element of this name; more than one is an error.
    pub fn only<'a, 'i>(&mut self, parent: Xml<'a, 'i>, name: &str) -> Option<Xml<'a, 'i>> {
        let found = self.named(parent, name);
        let (first, others) = found.split_first()?;
        let first = *first;
        let line = if others.is_empty() { 0 } else { line_column(self.text, first.range().start).0 };
        for again in others {
            let finding = Diagnostic::error(
                "duplicate-element",
                format!("a second `{name}`; the first is on line {line}"),
            )
            .help("make one of the two")
            .related(Place::Config(self.tag(first)), format!("the first `{name}`"));
            self.report(self.tag(*again), finding);
        }
        Some(first)
    }

    /// The general rules for an element that holds elements.
    pub fn check(&mut self, element: Xml<'_, '_>, children: &[&str], attributes: &[&str]) {
        self.check_leaf(element, children, attributes);
        let stray = element
            .children()
            .find(|child| child.is_text() && !child.text().unwrap_or_default().trim().is_empty());
        if let Some(stray) = stray {
            let text = fold(stray.text().unwrap_or_default());
            let message =
                format!("the text `{}` means nothing inside of `{}`", show(&text), element.tag_name().name());
            let range = self.trimmed(stray.range());
            self.report(
                range,
                Diagnostic::warning("stray-text", message).help("put it into an element, or remove it"),
            );
        }
    }

    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let raw = self.text.get(range.clone()).unwrap_or_default();
        let start = range.start + raw.len() - raw.trim_ascii_start().len();
        start..start + raw.trim_ascii().len()
    }

    /// The general rules for an element that holds text.
    pub fn check_leaf(&mut self, element: Xml<'_, '_>, children: &[&str], attributes: &[&str]) {
        let parent = element.tag_name().name();
        for attribute in element.attributes() {
            let name = attribute.name();
            if attributes.contains(&name) || attribute.namespace().is_some() {
                continue;
            }
            let message = format!("`{}` has no attribute `{}`", show(parent), show(name));
            let finding =
                Diagnostic::warning("unknown-attribute", message).help(advice(name, attributes, "attribute"));
            self.report(attribute.range(), finding);
        }
        for child in self.elements(element) {
            let name = child.tag_name().name();
            if children.contains(&name) {
                continue;
            }
            let message = format!("`{}` means nothing inside of `{}`", show(name), show(parent));
            let finding =
                Diagnostic::warning("unknown-element", message).help(advice(name, children, "element"));
            self.report(self.tag(child), finding);
        }
    }

    /// Warns at the first child that should stand before one that it stands behind. Names of one rank may be
    /// mixed.
    pub fn check_order(&mut self, element: Xml<'_, '_>, ranks: &[&[&str]]) {
        let mut highest: Option<(usize, Xml<'_, '_>)> = None;
        for child in self.elements(element) {
            let Some(rank) = ranks.iter().position(|names| names.contains(&child.tag_name().name())) else {
                continue;
            };
            if let Some((_, before)) = highest.filter(|(before, _)| *before > rank) {
                let (name, before_name) = (child.tag_name().name(), before.tag_name().name());
                let finding =
                    Diagnostic::warning("order", format!("`{name}` should stand before `{before_name}`"))
                        .help("the schema of the format fixes this order; the meaning is the same")
                        .related(Place::Config(self.tag(before)), format!("`{before_name}` is here"));
                self.report(self.tag(child), finding);
                return;
            }
            highest = Some((rank, child));
        }
    }

    /// All text of an element, comments left out, as it stands there; control characters are reported.
    pub fn raw(&mut self, element: Xml<'_, '_>) -> String {
        let text: String =
            element.descendants().filter(|node| node.is_text()).filter_map(|node| node.text()).collect();
        self.report_control(self.content(element), &text);
        text
    }

    fn report_control(&mut self, range: Range<usize>, text: &str) {
        if let Some((_, c)) = find_control(text) {
            let message = format!("{} becomes a blank", describe(c));
            self.report(range, Diagnostic::warning("control-character", message).help("remove it"));
        }
    }

    /// The text of an element on one line; nothing where it is empty, which is reported.
    pub fn line(&mut self, element: Xml<'_, '_>) -> Option<String> {
        self.check_leaf(element, &[], &[]);
        let line = fold(&self.raw(element));
        if line.is_empty() {
            self.report_empty(element);
            return None;
        }
        Some(line)
    }

    /// Says that an empty element counts as absent.
    pub fn report_empty(&mut self, element: Xml<'_, '_>) {
        let message = format!("`{}` is empty and counts as absent", element.tag_name().name());
        self.report(
            self.tag(element),
            Diagnostic::note("empty-element", message).help("fill it in, or remove it"),
        );
    }

    /// The text of the only child of this name.
    pub fn only_line(&mut self, parent: Xml<'_, '_>, name: &str) -> Option<(String, Range<usize>)> {
        let element = self.only(parent, name)?;
        let line = self.line(element)?;
        Some((line, self.content(element)))
    }

    /// Like [`Self::only_line`]; an error where there is none.
    pub fn needed_line(&mut self, parent: Xml<'_, '_>, name: &str) -> Option<(String, Range<usize>)> {
        let line = self.only_line(parent, name);
        if line.is_none() {
            self.report_missing(parent, name);
        }
        line
    }

    /// An error: the element lacks a child.
    pub fn report_missing(&mut self, parent: Xml<'_, '_>, name: &str) {
        let parent_name = parent.tag_name().name();
        let finding = Diagnostic::error("missing-element", format!("`{parent_name}` has no `{name}`"))
            .help(format!("add `<{name}>…</{name}>`"));
        self.report(self.tag(parent), finding);
    }

    /// An attribute on one line, and where it is; an empty one counts.
    pub fn attribute(&mut self, element: Xml<'_, '_>, name: &str) -> Option<(String, Range<usize>)> {
        let attribute = element.attribute_node(name)?;
        let range = Self::value(&attribute);
        self.report_control(range.clone(), attribute.value());
        Some((fold(attribute.value()), range))
    }
}

/// What to write instead of an unknown name.
fn advice(name: &str, known: &[&str], what: &str) -> String {
    match nearest(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => format!("remove the {what}"),
        None => format!("it is not packaged; known here: `{}`", known.join("`, `")),
    }
}
