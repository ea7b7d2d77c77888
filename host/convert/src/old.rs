//! Reading the old `config.xml`, and remembering what of it has found a place in the new one. Whatever has not
//! is a leftover (see [`crate::leftover`]).

use std::collections::HashSet;

use opkg::{fold, line_column, show};
use roxmltree::{Node as Xml, NodeId};

use crate::report::{At, Report};

/// Something that the new file says in other words.
pub(crate) struct Original {
    pub line: usize,
    /// The element or attribute.
    pub what: &'static str,
    /// What stood there, on one line.
    pub text: String,
}

/// Reads elements, keeps count of them and collects what there is to say.
pub(crate) struct Old<'t> {
    /// The whole document, as it was written.
    pub text: &'t str,
    namespace: Option<String>,
    /// Elements with a counterpart.
    elements: HashSet<NodeId>,
    /// Elements whose own text has a counterpart.
    texts: HashSet<NodeId>,
    /// Attributes with a counterpart.
    attributes: HashSet<(NodeId, &'static str)>,
    /// Comments with a place in the new file.
    comments: HashSet<NodeId>,
    pub report: Report,
    pub originals: Vec<Original>,
}

impl<'t> Old<'t> {
    pub fn new(text: &'t str, root: Xml<'_, '_>) -> Self {
        Self {
            text,
            namespace: root.tag_name().namespace().map(str::to_owned),
            elements: HashSet::from([root.id()]),
            texts: HashSet::new(),
            attributes: HashSet::new(),
            comments: HashSet::new(),
            report: Report::default(),
            originals: Vec::new(),
        }
    }

    /// The line that a node begins on.
    pub fn line(&self, node: Xml<'_, '_>) -> usize {
        line_column(self.text, node.range().start).0
    }

    /// The place of a node for the report.
    pub fn at(&self, node: Xml<'_, '_>) -> At {
        At::Line(self.line(node))
    }

    /// The child elements of a name that belong to the format.
    pub fn named<'a, 'i>(&self, parent: Xml<'a, 'i>, name: &str) -> Vec<Xml<'a, 'i>> {
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
    pub fn line_of(element: Xml<'_, '_>) -> Option<String> {
        Some(fold(&Self::raw(element))).filter(|line| !line.is_empty())
    }

    /// The text of an element itself, without that of its comments and children.
    pub fn raw(element: Xml<'_, '_>) -> String {
        element.children().filter(Xml::is_text).filter_map(|child| child.text()).collect()
    }

    /// The first child of a name that holds text. The others are leftovers.
    pub fn first<'a, 'i>(&self, parent: Xml<'a, 'i>, name: &str) -> Option<(Xml<'a, 'i>, String)> {
        self.named(parent, name).into_iter().find_map(|child| Some((child, Self::line_of(child)?)))
    }

    /// An attribute on one line; an empty one counts as none.
    pub fn attribute(element: Xml<'_, '_>, name: &str) -> Option<String> {
        element.attribute(name).map(fold).filter(|value| !value.is_empty())
    }

    /// The new file has a counterpart of this element, as far as its name goes.
    pub fn place(&mut self, element: Xml<'_, '_>) {
        self.elements.insert(element.id());
    }

    /// The same, and of the element's own text.
    pub fn place_text(&mut self, element: Xml<'_, '_>) {
        self.place(element);
        self.texts.insert(element.id());
    }

    /// The new file has a counterpart of this attribute.
    pub fn place_attribute(&mut self, element: Xml<'_, '_>, name: &'static str) {
        self.attributes.insert((element.id(), name));
    }

    /// The comments right inside of an element, for which the new file has a better place than its end.
    pub fn place_comments(&mut self, element: Xml<'_, '_>) -> Vec<String> {
        let comments: Vec<_> = element.children().filter(Xml::is_comment).collect();
        self.comments.extend(comments.iter().map(Xml::id));
        comments.into_iter().filter_map(|comment| comment.text().map(str::to_owned)).collect()
    }

    /// What became of a text: taken over where it is the same, else decided.
    pub fn became(&mut self, element: Xml<'_, '_>, what: &'static str, old: &str, new: &str) {
        if old == new {
            self.report.take(self.at(element), format!("`{what}`: {}", show(new)));
        } else {
            self.decided(element, what, old, format!("`{what}`: `{}` became `{}`", show(old), show(new)));
        }
    }

    /// Something is said otherwise in the new file; the old words are kept.
    pub fn decided(&mut self, element: Xml<'_, '_>, what: &'static str, old: &str, text: String) {
        self.report.decide(self.at(element), text);
        self.keep(element, what, old);
    }

    /// The old words are to stand in a comment.
    pub fn keep(&mut self, element: Xml<'_, '_>, what: &'static str, old: &str) {
        let original = Original { line: self.line(element), what, text: fold(old) };
        self.originals.push(original);
    }

    pub fn has_place(&self, element: Xml<'_, '_>) -> bool {
        self.elements.contains(&element.id())
    }

    pub fn has_place_for_text(&self, element: Xml<'_, '_>) -> bool {
        self.texts.contains(&element.id())
    }

    pub fn has_place_for_attribute(&self, element: Xml<'_, '_>, name: &str) -> bool {
        self.attributes.iter().any(|(id, known)| *id == element.id() && *known == name)
    }

    pub fn has_place_for_comment(&self, comment: Xml<'_, '_>) -> bool {
        self.comments.contains(&comment.id())
    }
}
