//! HTML as a browser understands it: the tree that the parser of HTML5 builds, within limits.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeBuilder, TreeBuilderOpts, TreeSink};
use html5ever::{Attribute, QualName, TokenizerResult, ns};

use crate::limits;

/// Index into [`Dom::nodes`].
pub(crate) type NodeId = usize;

#[derive(Debug)]
pub(crate) enum NodeData {
    /// With its attributes, the first of each name.
    Element(Rc<QualName>, Vec<(String, String)>),
    Text(String),
    /// `</input>`. HTML knows no such tag; forms of packages have labels in front of it.
    EndOfInput,
    /// The document, and contents of templates.
    Fragment,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub data: NodeData,
    /// Counted from 1.
    pub line: u64,
    pub parent: Option<NodeId>,
    pub children: Vec<NodeId>,
    depth: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LimitExceeded {
    Nodes,
    Depth,
}

#[derive(Debug)]
pub(crate) struct Dom {
    pub nodes: Vec<Node>,
    /// The forms of fields, as the parser found them.
    pub form_owners: BTreeMap<NodeId, NodeId>,
}

impl Dom {
    pub(crate) const ROOT: NodeId = 0;

    /// Reads a document. There is no text that HTML5 does not make a tree of.
    pub(crate) fn parse(text: &str) -> Result<Self, LimitExceeded> {
        // Scripts run where the form is seen, so what stands in `noscript` is not: as in browsers.
        let options = TreeBuilderOpts { drop_doctype: true, ..TreeBuilderOpts::default() };
        let filter = TokenFilter { builder: TreeBuilder::new(DomSink::new(), options) };
        let input = BufferQueue::default();
        input.push_back(StrTendril::from(text));
        let tokenizer = Tokenizer::new(filter, TokenizerOpts::default());
        // It stops behind each script; none is run here.
        while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
        tokenizer.end();
        tokenizer.sink.builder.sink.finish()
    }

    /// Name of an HTML element; nothing for other nodes.
    pub(crate) fn element_name(&self, id: NodeId) -> Option<&str> {
        match &self.nodes[id].data {
            NodeData::Element(name, _) if name.ns == ns!(html) => Some(&name.local),
            _ => None,
        }
    }

    pub(crate) fn attribute(&self, id: NodeId, name: &str) -> Option<&str> {
        match &self.nodes[id].data {
            NodeData::Element(_, attributes) => {
                attributes.iter().find(|(attribute, _)| attribute == name).map(|(_, value)| value.as_str())
            }
            _ => None,
        }
    }

    /// A node and its descendants, in document order.
    pub(crate) fn descendants(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let mut stack = vec![id];
        std::iter::from_fn(move || {
            let next = stack.pop()?;
            stack.extend(self.nodes[next].children.iter().rev());
            Some(next)
        })
    }

    /// From the parent to the root.
    pub(crate) fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(self.nodes[id].parent, |id| self.nodes[*id].parent)
    }
}

/// Stands before the tree builder: keeps comments away, and tells it of `</input>`, which it would pass over.
struct TokenFilter {
    builder: TreeBuilder<Handle, DomSink>,
}

impl TokenSink for TokenFilter {
    type Handle = Handle;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Handle> {
        let token = match token {
            // The rest of the document is not looked at.
            _ if self.builder.sink.exceeded.get().is_some() => return TokenSinkResult::Continue,
            Token::CommentToken(_) => return TokenSinkResult::Continue,
            Token::TagToken(tag) if tag.kind == TagKind::EndTag && &*tag.name == "input" => {
                Token::CommentToken(StrTendril::new())
            }
            token => token,
        };
        self.builder.process_token(token, line)
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

#[derive(Clone)]
struct Handle {
    id: NodeId,
    name: Rc<QualName>,
}

struct DomSink {
    nodes: RefCell<Vec<Node>>,
    form_owners: RefCell<BTreeMap<NodeId, NodeId>>,
    line: Cell<u64>,
    exceeded: Cell<Option<LimitExceeded>>,
    empty_name: Rc<QualName>,
}

impl DomSink {
    fn new() -> Self {
        let document =
            Node { data: NodeData::Fragment, line: 1, parent: None, children: Vec::new(), depth: 0 };
        Self {
            nodes: RefCell::new(vec![document]),
            form_owners: RefCell::default(),
            line: Cell::new(1),
            exceeded: Cell::new(None),
            empty_name: Rc::new(QualName::new(None, ns!(), "".into())),
        }
    }

    fn push_node(&self, data: NodeData) -> NodeId {
        let mut nodes = self.nodes.borrow_mut();
        if nodes.len() >= limits::NODES {
            self.exceeded.set(Some(LimitExceeded::Nodes));
        }
        nodes.push(Node { data, line: self.line.get(), parent: None, children: Vec::new(), depth: 0 });
        nodes.len() - 1
    }

    /// Inserts into a node, before the child that is at a place, or at its end.
    fn insert(&self, parent: NodeId, before: Option<usize>, child: NodeOrText<Handle>) {
        let at = before.unwrap_or_else(|| self.nodes.borrow()[parent].children.len());
        let child = match child {
            NodeOrText::AppendNode(handle) => {
                self.detach(handle.id);
                handle.id
            }
            NodeOrText::AppendText(text) => {
                let mut nodes = self.nodes.borrow_mut();
                let previous = at.checked_sub(1).map(|index| nodes[parent].children[index]);
                if let Some(NodeData::Text(old)) = previous.map(|id| &mut nodes[id].data) {
                    old.push_str(&text);
                    return;
                }
                drop(nodes);
                self.push_node(NodeData::Text(text.into()))
            }
        };
        let mut nodes = self.nodes.borrow_mut();
        let depth = nodes[parent].depth + 1;
        if depth > limits::DEPTH {
            self.exceeded.set(Some(LimitExceeded::Depth));
        }
        (nodes[child].parent, nodes[child].depth) = (Some(parent), depth);
        nodes[parent].children.insert(at, child);
    }

    fn detach(&self, id: NodeId) {
        let mut nodes = self.nodes.borrow_mut();
        if let Some(parent) = nodes[id].parent.take() {
            nodes[parent].children.retain(|child| *child != id);
        }
    }

    /// The parent, and the index among its children.
    fn position(&self, id: NodeId) -> Option<(NodeId, usize)> {
        let nodes = self.nodes.borrow();
        let parent = nodes[id].parent?;
        Some((parent, nodes[parent].children.iter().position(|child| *child == id)?))
    }
}

impl TreeSink for DomSink {
    type Handle = Handle;
    type Output = Result<Dom, LimitExceeded>;
    type ElemName<'a> = &'a QualName;

    fn finish(self) -> Self::Output {
        match self.exceeded.get() {
            Some(excess) => Err(excess),
            None => Ok(Dom { nodes: self.nodes.into_inner(), form_owners: self.form_owners.into_inner() }),
        }
    }

    /// Browsers read on, and so does this.
    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Handle { id: Dom::ROOT, name: Rc::clone(&self.empty_name) }
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> &'a QualName {
        &target.name
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Handle {
        let name = Rc::new(name);
        let attributes = attributes
            .into_iter()
            .map(|attribute| (attribute.name.local.to_string(), attribute.value.into()))
            .collect();
        Handle { id: self.push_node(NodeData::Element(Rc::clone(&name), attributes)), name }
    }

    /// There are no comments but those of [`TokenFilter`].
    fn create_comment(&self, _: StrTendril) -> Handle {
        Handle { id: self.push_node(NodeData::EndOfInput), name: Rc::clone(&self.empty_name) }
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        Handle { id: self.push_node(NodeData::Fragment), name: Rc::clone(&self.empty_name) }
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.insert(parent.id, None, child);
    }

    fn append_based_on_parent_node(&self, element: &Handle, above: &Handle, child: NodeOrText<Handle>) {
        match self.position(element.id) {
            Some((parent, at)) => self.insert(parent, Some(at), child),
            None => self.insert(above.id, None, child),
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    /// Contents of templates are no part of the document; nobody looks for them.
    fn get_template_contents(&self, target: &Handle) -> Handle {
        let id = self.push_node(NodeData::Fragment);
        let mut nodes = self.nodes.borrow_mut();
        nodes[id].depth = nodes[target.id].depth;
        Handle { id, name: Rc::clone(&self.empty_name) }
    }

    fn same_node(&self, x: &Handle, y: &Handle) -> bool {
        x.id == y.id
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        if let NodeOrText::AppendNode(handle) = &child {
            self.detach(handle.id);
        }
        if let Some((parent, at)) = self.position(sibling.id) {
            self.insert(parent, Some(at), child);
        }
    }

    fn add_attrs_if_missing(&self, target: &Handle, new: Vec<Attribute>) {
        if let NodeData::Element(_, attributes) = &mut self.nodes.borrow_mut()[target.id].data {
            for attribute in new {
                if attributes.iter().all(|(name, _)| **name != *attribute.name.local) {
                    attributes.push((attribute.name.local.to_string(), attribute.value.into()));
                }
            }
        }
    }

    fn associate_with_form(&self, target: &Handle, form: &Handle, _: (&Handle, Option<&Handle>)) {
        self.form_owners.borrow_mut().insert(target.id, form.id);
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.detach(target.id);
    }

    fn reparent_children(&self, node: &Handle, new: &Handle) {
        let moved = std::mem::take(&mut self.nodes.borrow_mut()[node.id].children);
        for id in moved {
            self.nodes.borrow_mut()[id].parent = None;
            self.insert(
                new.id,
                None,
                NodeOrText::AppendNode(Handle { id, name: Rc::clone(&self.empty_name) }),
            );
        }
    }

    fn set_current_line(&self, line: u64) {
        self.line.set(line);
    }
}
