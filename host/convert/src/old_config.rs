//! Reading the old `config.xml`, and remembering what of it has found a place in the new one. Whatever has not
//! is a leftover (see [`crate::leftover`]).

use std::collections::HashSet;

use opkg::{collapse_whitespace, escape_for_display, line_column};
use roxmltree::{Node as XmlNode, NodeId};

use crate::report::{Report, ReportLocation};

/// Something that the new file says in other words.
pub(crate) struct OriginalValue {
    pub line: usize,
    /// The element or attribute.
    pub what: &'static str,
    /// What stood there, on one line.
    pub text: String,
}

/// Reads elements, keeps count of them and collects what there is to say.
pub(crate) struct OldConfig<'t> {
    /// The whole document, as it was written.
    pub text: &'t str,
    namespace: Option<String>,
    /// Elements with a counterpart.
    converted_elements: HashSet<NodeId>,
    /// Elements whose own text has a counterpart.
    converted_texts: HashSet<NodeId>,
    /// Attributes with a counterpart.
    converted_attributes: HashSet<(NodeId, &'static str)>,
    /// Comments with a place in the new file.
    placed_comments: HashSet<NodeId>,
    pub report: Report,
    pub originals: Vec<OriginalValue>,
}

impl<'t> OldConfig<'t> {
    pub fn new(text: &'t str, root: XmlNode<'_, '_>) -> Self {
        Self {
            text,
            namespace: root.tag_name().namespace().map(str::to_owned),
            converted_elements: HashSet::from([root.id()]),
            converted_texts: HashSet::new(),
            converted_attributes: HashSet::new(),
            placed_comments: HashSet::new(),
            report: Report::default(),
            originals: Vec::new(),
        }
    }

    /// The line that a node begins on.
    pub fn line_of_node(&self, node: XmlNode<'_, '_>) -> usize {
        line_column(self.text, node.range().start).0
    }

    /// The place of a node for the report.
    pub fn location(&self, node: XmlNode<'_, '_>) -> ReportLocation {
        ReportLocation::Line(self.line_of_node(node))
    }

    /// The child elements of a name that belong to the format.
    pub fn children_named<'a, 'i>(&self, parent: XmlNode<'a, 'i>, name: &str) -> Vec<XmlNode<'a, 'i>> {
        parent
            .children()
            .filter(|child| child.is_element() && child.tag_name().name() == name)
            .filter(|child| {
                let namespace = child.tag_name().namespace();
                namespace.is_none() || namespace == self.namespace.as_deref()
            })
            .collect()
    }

    /// The text of an element itself, on one line; nothing where that is empty.
    pub fn single_line_text(element: XmlNode<'_, '_>) -> Option<String> {
        Some(collapse_whitespace(&Self::own_text(element))).filter(|line| !line.is_empty())
    }

    /// The text of an element itself, without that of its comments and children.
    pub fn own_text(element: XmlNode<'_, '_>) -> String {
        element.children().filter(XmlNode::is_text).filter_map(|child| child.text()).collect()
    }

    /// The first child of a name that holds text. The others are leftovers.
    pub fn first_text<'a, 'i>(
        &self,
        parent: XmlNode<'a, 'i>,
        name: &str,
    ) -> Option<(XmlNode<'a, 'i>, String)> {
        self.children_named(parent, name)
            .into_iter()
            .find_map(|child| Some((child, Self::single_line_text(child)?)))
    }

    /// An attribute on one line; an empty one counts as none.
    pub fn attribute(element: XmlNode<'_, '_>, name: &str) -> Option<String> {
        element.attribute(name).map(collapse_whitespace).filter(|value| !value.is_empty())
    }

    /// The new file has a counterpart of this element, as far as its name goes.
    pub fn mark_element(&mut self, element: XmlNode<'_, '_>) {
        self.converted_elements.insert(element.id());
    }

    /// The same, and of the element's own text.
    pub fn mark_text(&mut self, element: XmlNode<'_, '_>) {
        self.mark_element(element);
        self.converted_texts.insert(element.id());
    }

    /// The new file has a counterpart of this attribute.
    pub fn mark_attribute(&mut self, element: XmlNode<'_, '_>, name: &'static str) {
        self.converted_attributes.insert((element.id(), name));
    }

    /// The comments right inside of an element, for which the new file has a better place than its end.
    pub fn take_comments(&mut self, element: XmlNode<'_, '_>) -> Vec<String> {
        let comments: Vec<_> = element.children().filter(XmlNode::is_comment).collect();
        self.placed_comments.extend(comments.iter().map(XmlNode::id));
        comments.into_iter().filter_map(|comment| comment.text().map(str::to_owned)).collect()
    }

    /// What became of a text: taken over where it is the same, else decided.
    pub fn record_conversion(&mut self, element: XmlNode<'_, '_>, what: &'static str, old: &str, new: &str) {
        if old == new {
            self.report
                .add_converted(self.location(element), format!("`{what}`: {}", escape_for_display(new)));
        } else {
            self.record_change(
                element,
                what,
                old,
                format!("`{what}`: `{}` became `{}`", escape_for_display(old), escape_for_display(new)),
            );
        }
    }

    /// Something is said otherwise in the new file; the old words are kept.
    pub fn record_change(&mut self, element: XmlNode<'_, '_>, what: &'static str, old: &str, text: String) {
        self.report.add_changed(self.location(element), text);
        self.keep_original(element, what, old);
    }

    /// The old words are to stand in a comment.
    pub fn keep_original(&mut self, element: XmlNode<'_, '_>, what: &'static str, old: &str) {
        let original =
            OriginalValue { line: self.line_of_node(element), what, text: collapse_whitespace(old) };
        self.originals.push(original);
    }

    pub fn is_element_converted(&self, element: XmlNode<'_, '_>) -> bool {
        self.converted_elements.contains(&element.id())
    }

    pub fn is_text_converted(&self, element: XmlNode<'_, '_>) -> bool {
        self.converted_texts.contains(&element.id())
    }

    pub fn is_attribute_converted(&self, element: XmlNode<'_, '_>, name: &str) -> bool {
        self.converted_attributes.iter().any(|(id, known)| *id == element.id() && *known == name)
    }

    pub fn is_comment_placed(&self, comment: XmlNode<'_, '_>) -> bool {
        self.placed_comments.contains(&comment.id())
    }
}
