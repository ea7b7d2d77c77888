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

/// The place of a node in its tree.
pub(crate) type Id = usize;

/// What a node is.
#[derive(Debug)]
pub(crate) enum Data {
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
    pub data: Data,
    /// Where in the file, from 1.
    pub line: u64,
    pub parent: Option<Id>,
    pub children: Vec<Id>,
    depth: usize,
}

/// What of the limits a document does not keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excess {
    Nodes,
    Depth,
}

#[derive(Debug)]
pub(crate) struct Tree {
    pub nodes: Vec<Node>,
    /// The forms of fields, as the parser found them.
    pub owners: BTreeMap<Id, Id>,
}

impl Tree {
    /// The root of the tree.
    pub(crate) const DOCUMENT: Id = 0;

    /// Reads a document. There is no text that HTML5 does not make a tree of.
    pub(crate) fn read(text: &str) -> Result<Self, Excess> {
        // Scripts run where the form is seen, so what stands in `noscript` is not: as in browsers.
        let options = TreeBuilderOpts { drop_doctype: true, ..TreeBuilderOpts::default() };
        let filter = Filter { builder: TreeBuilder::new(Sink::new(), options) };
        let input = BufferQueue::default();
        input.push_back(StrTendril::from(text));
        let tokenizer = Tokenizer::new(filter, TokenizerOpts::default());
        // It stops behind each script; none is run here.
        while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
        tokenizer.end();
        tokenizer.sink.builder.sink.finish()
    }

    /// Name of an HTML element; nothing for other nodes.
    pub(crate) fn name(&self, id: Id) -> Option<&str> {
        match &self.nodes[id].data {
            Data::Element(name, _) if name.ns == ns!(html) => Some(&name.local),
            _ => None,
        }
    }

    /// Value of an attribute.
    pub(crate) fn attribute(&self, id: Id, name: &str) -> Option<&str> {
        match &self.nodes[id].data {
            Data::Element(_, attributes) => {
                attributes.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
            }
            _ => None,
        }
    }

    /// A node and all that is in it, in the order of the document.
    pub(crate) fn descendants(&self, id: Id) -> impl Iterator<Item = Id> {
        let mut waiting = vec![id];
        std::iter::from_fn(move || {
            let next = waiting.pop()?;
            waiting.extend(self.nodes[next].children.iter().rev());
            Some(next)
        })
    }

    /// The nodes around one, from the inside.
    pub(crate) fn ancestors(&self, id: Id) -> impl Iterator<Item = Id> {
        std::iter::successors(self.nodes[id].parent, |it| self.nodes[*it].parent)
    }
}

/// Stands before the tree builder: keeps comments away, and tells it of `</input>`, which it would pass over.
struct Filter {
    builder: TreeBuilder<Handle, Sink>,
}

impl TokenSink for Filter {
    type Handle = Handle;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Handle> {
        let token = match token {
            // The rest of the document is not looked at.
            _ if self.builder.sink.excess.get().is_some() => return TokenSinkResult::Continue,
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
    id: Id,
    name: Rc<QualName>,
}

struct Sink {
    nodes: RefCell<Vec<Node>>,
    owners: RefCell<BTreeMap<Id, Id>>,
    line: Cell<u64>,
    excess: Cell<Option<Excess>>,
    nameless: Rc<QualName>,
}

impl Sink {
    fn new() -> Self {
        let document = Node { data: Data::Fragment, line: 1, parent: None, children: Vec::new(), depth: 0 };
        Self {
            nodes: RefCell::new(vec![document]),
            owners: RefCell::default(),
            line: Cell::new(1),
            excess: Cell::new(None),
            nameless: Rc::new(QualName::new(None, ns!(), "".into())),
        }
    }

    fn create(&self, data: Data) -> Id {
        let mut nodes = self.nodes.borrow_mut();
        if nodes.len() >= limits::NODES {
            self.excess.set(Some(Excess::Nodes));
        }
        nodes.push(Node { data, line: self.line.get(), parent: None, children: Vec::new(), depth: 0 });
        nodes.len() - 1
    }

    /// Inserts into a node, before the child that is at a place, or at its end.
    fn insert(&self, parent: Id, before: Option<usize>, child: NodeOrText<Handle>) {
        let at = before.unwrap_or_else(|| self.nodes.borrow()[parent].children.len());
        let child = match child {
            NodeOrText::AppendNode(handle) => {
                self.detach(handle.id);
                handle.id
            }
            NodeOrText::AppendText(text) => {
                let mut nodes = self.nodes.borrow_mut();
                let last = at.checked_sub(1).map(|it| nodes[parent].children[it]);
                if let Some(Data::Text(old)) = last.map(|it| &mut nodes[it].data) {
                    old.push_str(&text);
                    return;
                }
                drop(nodes);
                self.create(Data::Text(text.into()))
            }
        };
        let mut nodes = self.nodes.borrow_mut();
        let depth = nodes[parent].depth + 1;
        if depth > limits::DEPTH {
            self.excess.set(Some(Excess::Depth));
        }
        (nodes[child].parent, nodes[child].depth) = (Some(parent), depth);
        nodes[parent].children.insert(at, child);
    }

    fn detach(&self, id: Id) {
        let mut nodes = self.nodes.borrow_mut();
        if let Some(parent) = nodes[id].parent.take() {
            nodes[parent].children.retain(|it| *it != id);
        }
    }

    /// Where a child stands.
    fn place(&self, id: Id) -> Option<(Id, usize)> {
        let nodes = self.nodes.borrow();
        let parent = nodes[id].parent?;
        Some((parent, nodes[parent].children.iter().position(|it| *it == id)?))
    }
}

impl TreeSink for Sink {
    type Handle = Handle;
    type Output = Result<Tree, Excess>;
    type ElemName<'a> = &'a QualName;

    fn finish(self) -> Self::Output {
        match self.excess.get() {
            Some(excess) => Err(excess),
            None => Ok(Tree { nodes: self.nodes.into_inner(), owners: self.owners.into_inner() }),
        }
    }

    /// Browsers read on, and so does this.
    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Handle { id: Tree::DOCUMENT, name: Rc::clone(&self.nameless) }
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> &'a QualName {
        &target.name
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Handle {
        let name = Rc::new(name);
        let attributes =
            attributes.into_iter().map(|it| (it.name.local.to_string(), it.value.into())).collect();
        Handle { id: self.create(Data::Element(Rc::clone(&name), attributes)), name }
    }

    /// There are no comments but those of [`Filter`].
    fn create_comment(&self, _: StrTendril) -> Handle {
        Handle { id: self.create(Data::EndOfInput), name: Rc::clone(&self.nameless) }
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        Handle { id: self.create(Data::Fragment), name: Rc::clone(&self.nameless) }
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.insert(parent.id, None, child);
    }

    fn append_based_on_parent_node(&self, element: &Handle, above: &Handle, child: NodeOrText<Handle>) {
        match self.place(element.id) {
            Some((parent, at)) => self.insert(parent, Some(at), child),
            None => self.insert(above.id, None, child),
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    /// Contents of templates are no part of the document; nobody looks for them.
    fn get_template_contents(&self, target: &Handle) -> Handle {
        let id = self.create(Data::Fragment);
        let mut nodes = self.nodes.borrow_mut();
        nodes[id].depth = nodes[target.id].depth;
        Handle { id, name: Rc::clone(&self.nameless) }
    }

    fn same_node(&self, x: &Handle, y: &Handle) -> bool {
        x.id == y.id
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        if let NodeOrText::AppendNode(handle) = &child {
            self.detach(handle.id);
        }
        if let Some((parent, at)) = self.place(sibling.id) {
            self.insert(parent, Some(at), child);
        }
    }

    fn add_attrs_if_missing(&self, target: &Handle, new: Vec<Attribute>) {
        if let Data::Element(_, attributes) = &mut self.nodes.borrow_mut()[target.id].data {
            for it in new {
                if attributes.iter().all(|(name, _)| **name != *it.name.local) {
                    attributes.push((it.name.local.to_string(), it.value.into()));
                }
            }
        }
    }

    fn associate_with_form(&self, target: &Handle, form: &Handle, _: (&Handle, Option<&Handle>)) {
        self.owners.borrow_mut().insert(target.id, form.id);
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.detach(target.id);
    }

    fn reparent_children(&self, node: &Handle, new: &Handle) {
        let moved = std::mem::take(&mut self.nodes.borrow_mut()[node.id].children);
        for id in moved {
            self.nodes.borrow_mut()[id].parent = None;
            self.insert(new.id, None, NodeOrText::AppendNode(Handle { id, name: Rc::clone(&self.nameless) }));
        }
    }

    fn set_current_line(&self, line: u64) {
        self.line.set(line);
    }
}
