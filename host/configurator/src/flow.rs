//! Flattens the DOM into texts, inputs and line breaks in reading order.

use crate::diagnostic::{FormDiagnostics, FormError};
use crate::dom::{Dom, NodeData, NodeId};
use crate::input::{Input, InputReader};
use crate::limits;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FlowItem {
    /// White space not collapsed.
    Text(String),
    /// A new line within a paragraph.
    LineBreak,
    /// A new paragraph begins: a heading of that level, or none.
    BlockBoundary(Option<u8>),
    /// An index into [`Page::inputs`].
    Input(usize),
    /// `</input>`.
    EndOfInput,
}

#[derive(Debug, Default)]
pub(crate) struct Page {
    pub title: Option<String>,
    pub items: Vec<FlowItem>,
    pub inputs: Vec<Input>,
}

/// A step of the depth-first walk, with the level of the enclosing heading.
enum Visit {
    Enter(NodeId, Option<u8>),
    Leave(Option<u8>),
}

pub(crate) fn read_page(
    tree: &Dom,
    image: Option<&str>,
    diagnostics: &mut FormDiagnostics,
) -> Result<Page, FormError> {
    let inputs = InputReader::new(tree, image);
    let title = tree.descendants(Dom::ROOT).find(|node| tree.element_name(*node) == Some("title"));
    let title = title.map(|node| inputs.text_content(node)).filter(|text| !text.is_empty());
    let mut page = Page { title, ..Page::default() };
    let mut choices = 0;
    let mut stack = vec![Visit::Enter(Dom::ROOT, None)];
    while let Some(visit) = stack.pop() {
        let (id, outer) = match visit {
            Visit::Enter(id, outer) => (id, outer),
            Visit::Leave(outer) => {
                page.items.push(FlowItem::BlockBoundary(outer));
                continue;
            }
        };
        let mut heading = outer;
        let children: Vec<NodeId> = match &tree.nodes[id].data {
            NodeData::Text(text) => {
                page.items.push(FlowItem::Text(inputs.substitute_image(text)));
                Vec::new()
            }
            NodeData::EndOfInput => {
                page.items.push(FlowItem::EndOfInput);
                Vec::new()
            }
            NodeData::Fragment | NodeData::Element(..) => match tree.element_name(id).unwrap_or_default() {
                "input" | "textarea" | "select" => {
                    if let Some(input) = inputs.read_input(id, diagnostics)? {
                        choices += input.options.len().max(1);
                        page.items.push(FlowItem::Input(page.inputs.len()));
                        page.inputs.push(input);
                    }
                    if choices > limits::CHOICES {
                        return Err(FormError::TooManyFields);
                    }
                    Vec::new()
                }
                "br" => {
                    page.items.push(FlowItem::LineBreak);
                    Vec::new()
                }
                // Its text is the label of its input.
                "label" if inputs.labels_an_input(id) => {
                    tree.descendants(id).filter(|node| is_input(tree, *node)).collect()
                }
                name if is_not_rendered(name) => Vec::new(),
                name => {
                    if let Some(level) = block_heading_level(name) {
                        heading = level.or(outer);
                        page.items.push(FlowItem::BlockBoundary(heading));
                        stack.push(Visit::Leave(outer));
                    }
                    match name {
                        "td" | "th" => page.items.push(FlowItem::Text(" ".into())),
                        "li" => page.items.push(FlowItem::Text("- ".into())),
                        _ => {}
                    }
                    tree.nodes[id].children.clone()
                }
            },
        };
        stack.extend(children.into_iter().rev().map(|child| Visit::Enter(child, heading)));
    }
    Ok(page)
}

fn is_input(tree: &Dom, id: NodeId) -> bool {
    matches!(tree.element_name(id), Some("input" | "textarea" | "select"))
}

/// Elements whose text is not shown.
fn is_not_rendered(name: &str) -> bool {
    matches!(
        name,
        "head"
            | "title"
            | "script"
            | "style"
            | "template"
            | "noscript"
            | "button"
            | "iframe"
            | "object"
            | "embed"
            | "applet"
            | "audio"
            | "video"
            | "canvas"
            | "noframes"
            | "noembed"
            | "datalist"
    )
}

/// Absent for inline elements; the inner level is absent for blocks that are not headings.
fn block_heading_level(name: &str) -> Option<Option<u8>> {
    Some(match name {
        "h1" => Some(1),
        "h2" => Some(2),
        "h3" => Some(3),
        "h4" | "legend" | "caption" => Some(4),
        "h5" => Some(5),
        "h6" => Some(6),
        "address" | "article" | "aside" | "blockquote" | "body" | "center" | "dd" | "details" | "dialog"
        | "dir" | "div" | "dl" | "dt" | "fieldset" | "figcaption" | "figure" | "footer" | "form"
        | "header" | "hgroup" | "hr" | "html" | "li" | "listing" | "main" | "menu" | "nav" | "ol" | "p"
        | "plaintext" | "pre" | "search" | "section" | "summary" | "table" | "tbody" | "tfoot" | "thead"
        | "tr" | "ul" | "xmp" => None,
        _ => return None,
    })
}
