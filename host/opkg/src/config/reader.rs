//! What reading any element has in common: text and attributes with their places, and the general rules
//! (nothing unknown, nothing twice, the right order).

use std::ops::Range;

use roxmltree::{Attribute, Node as XmlNode};

use crate::closest_match;
use crate::diagnostic::{Diagnostic, Location};
use crate::diagnostic_sink::{DiagnosticSink, LocationTable};
use crate::model::NodeId;
use crate::text::{collapse_whitespace, escape_for_display, find_control_char, line_column};
use crate::version::describe_char;

/// Reads elements, and collects what is wrong with them.
pub(crate) struct ElementReader<'t> {
    /// The whole document; ranges are bytes of it.
    text: &'t str,
    /// That of the root. Real files declare one now and then, so it counts as none.
    namespace: Option<String>,
    pub diagnostics: DiagnosticSink,
    pub locations: LocationTable,
}

impl<'t> ElementReader<'t> {
    pub fn new(text: &'t str, root: XmlNode<'_, '_>) -> Self {
        Self {
            text,
            namespace: root.tag_name().namespace().map(str::to_owned),
            diagnostics: DiagnosticSink::default(),
            locations: LocationTable::default(),
        }
    }

    /// The start of an element up to the end of its name: a place that fits on a line.
    pub fn tag_range(&self, element: XmlNode<'_, '_>) -> Range<usize> {
        let start = element.range().start;
        let name = self.text.get(start + 1..).unwrap_or_default();
        let end = name.find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/')).unwrap_or(0);
        start..start + 1 + end
    }

    /// The text of an element without the blanks around it; its tag where there is none.
    pub fn text_range(&self, element: XmlNode<'_, '_>) -> Range<usize> {
        let mut texts = element.descendants().filter(|node| node.is_text());
        let trimmed =
            texts.next().map(|first| first.range().start..texts.next_back().unwrap_or(first).range().end);
        let trimmed = trimmed.and_then(|range| {
            let raw = self.text.get(range.clone())?;
            let start = range.start + raw.len() - raw.trim_ascii_start().len();
            (!raw.trim_ascii().is_empty()).then(|| start..start + raw.trim_ascii().len())
        });
        trimmed.unwrap_or_else(|| self.tag_range(element))
    }

    /// The value of an attribute; all of the attribute where the value is empty.
    pub fn value_range(attribute: &Attribute<'_, '_>) -> Range<usize> {
        let range = attribute.range_value();
        if range.is_empty() { attribute.range() } else { range }
    }

    /// A node of the model for some bytes of the document.
    pub fn add_node(&mut self, range: Range<usize>) -> NodeId {
        self.locations.insert(Location::Config(range))
    }

    pub fn report(&mut self, range: Range<usize>, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic.at(Location::Config(range)));
    }

    /// Whether a name belongs to the format. Other namespaces are other people's business.
    fn is_own_namespace(&self, namespace: Option<&str>) -> bool {
        namespace.is_none() || namespace == self.namespace.as_deref()
    }

    /// The child elements of one name.
    pub fn children_named<'a, 'i>(&self, parent: XmlNode<'a, 'i>, name: &str) -> Vec<XmlNode<'a, 'i>> {
        self.child_elements(parent).into_iter().filter(|child| child.tag_name().name() == name).collect()
    }

    /// The child elements that belong to the format.
    pub fn child_elements<'a, 'i>(&self, parent: XmlNode<'a, 'i>) -> Vec<XmlNode<'a, 'i>> {
        parent
            .children()
            .filter(|child| child.is_element() && self.is_own_namespace(child.tag_name().namespace()))
            .collect()
    }

    /// The only child element of this name; more than one is an error.
    pub fn single_child<'a, 'i>(&mut self, parent: XmlNode<'a, 'i>, name: &str) -> Option<XmlNode<'a, 'i>> {
        let found = self.children_named(parent, name);
        let (first, others) = found.split_first()?;
        let first = *first;
        let line = if others.is_empty() { 0 } else { line_column(self.text, first.range().start).0 };
        for again in others {
            let diagnostic = Diagnostic::error(
                "duplicate-element",
                format!("a second `{name}`; the first is on line {line}"),
            )
            .help("make one of the two")
            .related(Location::Config(self.tag_range(first)), format!("the first `{name}`"));
            self.report(self.tag_range(*again), diagnostic);
        }
        Some(first)
    }

    /// The general rules for an element that holds elements.
    pub fn check_container(&mut self, element: XmlNode<'_, '_>, children: &[&str], attributes: &[&str]) {
        self.check_leaf(element, children, attributes);
        let stray = element
            .children()
            .find(|child| child.is_text() && !child.text().unwrap_or_default().trim().is_empty());
        if let Some(stray) = stray {
            let text = collapse_whitespace(stray.text().unwrap_or_default());
            let message =
                format!("unexpected text `{}` in `{}`", escape_for_display(&text), element.tag_name().name());
            let range = self.trim_range(stray.range());
            self.report(
                range,
                Diagnostic::warning("stray-text", message).help("put it into an element, or remove it"),
            );
        }
    }

    fn trim_range(&self, range: Range<usize>) -> Range<usize> {
        let raw = self.text.get(range.clone()).unwrap_or_default();
        let start = range.start + raw.len() - raw.trim_ascii_start().len();
        start..start + raw.trim_ascii().len()
    }

    /// The general rules for an element that holds text.
    pub fn check_leaf(&mut self, element: XmlNode<'_, '_>, children: &[&str], attributes: &[&str]) {
        let parent = element.tag_name().name();
        for attribute in element.attributes() {
            let name = attribute.name();
            if attributes.contains(&name) || attribute.namespace().is_some() {
                continue;
            }
            let message =
                format!("`{}` has no attribute `{}`", escape_for_display(parent), escape_for_display(name));
            let diagnostic = Diagnostic::warning("unknown-attribute", message).help(unknown_name_help(
                name,
                attributes,
                "attribute",
            ));
            self.report(attribute.range(), diagnostic);
        }
        for child in self.child_elements(element) {
            let name = child.tag_name().name();
            if children.contains(&name) {
                continue;
            }
            let message = format!(
                "unexpected element `{}` in `{}`",
                escape_for_display(name),
                escape_for_display(parent)
            );
            let diagnostic = Diagnostic::warning("unknown-element", message)
                .help(unknown_name_help(name, children, "element"));
            self.report(self.tag_range(child), diagnostic);
        }
    }

    /// Warns at the first child that should stand before one that it stands behind. Names of one rank may be
    /// mixed.
    pub fn check_order(&mut self, element: XmlNode<'_, '_>, ranks: &[&[&str]]) {
        let mut highest: Option<(usize, XmlNode<'_, '_>)> = None;
        for child in self.child_elements(element) {
            let Some(rank) = ranks.iter().position(|names| names.contains(&child.tag_name().name())) else {
                continue;
            };
            if let Some((_, before)) = highest.filter(|(before, _)| *before > rank) {
                let (name, before_name) = (child.tag_name().name(), before.tag_name().name());
                let diagnostic =
                    Diagnostic::warning("order", format!("`{name}` should stand before `{before_name}`"))
                        .help("the schema of the format fixes this order; the meaning is the same")
                        .related(
                            Location::Config(self.tag_range(before)),
                            format!("`{before_name}` is here"),
                        );
                self.report(self.tag_range(child), diagnostic);
                return;
            }
            highest = Some((rank, child));
        }
    }

    /// All text of an element, comments left out, as it stands there; control characters are reported.
    pub fn raw_text(&mut self, element: XmlNode<'_, '_>) -> String {
        let text: String =
            element.descendants().filter(|node| node.is_text()).filter_map(|node| node.text()).collect();
        self.report_control(self.text_range(element), &text);
        text
    }

    fn report_control(&mut self, range: Range<usize>, text: &str) {
        if let Some((_, c)) = find_control_char(text) {
            let message = format!("{} becomes a blank", describe_char(c));
            self.report(range, Diagnostic::warning("control-character", message).help("remove it"));
        }
    }

    /// The text of an element on one line; nothing where it is empty, which is reported.
    pub fn text_line(&mut self, element: XmlNode<'_, '_>) -> Option<String> {
        self.check_leaf(element, &[], &[]);
        let line = collapse_whitespace(&self.raw_text(element));
        if line.is_empty() {
            self.report_empty(element);
            return None;
        }
        Some(line)
    }

    /// Says that an empty element counts as absent.
    pub fn report_empty(&mut self, element: XmlNode<'_, '_>) {
        let message = format!("`{}` is empty and counts as absent", element.tag_name().name());
        self.report(
            self.tag_range(element),
            Diagnostic::note("empty-element", message).help("fill it in, or remove it"),
        );
    }

    /// The text of the only child of this name.
    pub fn single_line(&mut self, parent: XmlNode<'_, '_>, name: &str) -> Option<(String, Range<usize>)> {
        let element = self.single_child(parent, name)?;
        let line = self.text_line(element)?;
        Some((line, self.text_range(element)))
    }

    /// Like [`Self::only_line`]; an error where there is none.
    pub fn required_line(&mut self, parent: XmlNode<'_, '_>, name: &str) -> Option<(String, Range<usize>)> {
        let line = self.single_line(parent, name);
        if line.is_none() {
            self.report_missing(parent, name);
        }
        line
    }

    /// An error: the element lacks a child.
    pub fn report_missing(&mut self, parent: XmlNode<'_, '_>, name: &str) {
        let parent_name = parent.tag_name().name();
        let diagnostic = Diagnostic::error("missing-element", format!("`{parent_name}` has no `{name}`"))
            .help(format!("add `<{name}>…</{name}>`"));
        self.report(self.tag_range(parent), diagnostic);
    }

    /// An attribute on one line, and where it is; an empty one counts.
    pub fn attribute(&mut self, element: XmlNode<'_, '_>, name: &str) -> Option<(String, Range<usize>)> {
        let attribute = element.attribute_node(name)?;
        let range = Self::value_range(&attribute);
        self.report_control(range.clone(), attribute.value());
        Some((collapse_whitespace(attribute.value()), range))
    }
}

/// What to write instead of an unknown name.
fn unknown_name_help(name: &str, known: &[&str], what: &str) -> String {
    match closest_match(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => format!("remove the {what}"),
        None => format!("it is not packaged; known here: `{}`", known.join("`, `")),
    }
}
