//! A page as a person reads it: texts, inputs and line breaks one after the other.

use crate::finding::{Findings, FormError};
use crate::input::{Input, Inputs};
use crate::limits;
use crate::tree::{Data, Id, Tree};

/// What comes next on the page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Not yet folded.
    Text(String),
    /// A new line within a paragraph.
    Line,
    /// A new paragraph begins: a heading of that level, or none.
    Block(Option<u8>),
    /// A place in [`Page::inputs`].
    Input(usize),
    /// `</input>`.
    EndOfInput,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub title: Option<String>,
    pub pieces: Vec<Piece>,
    pub inputs: Vec<Input>,
}

/// What is still to be done, the next one last. Everything in a heading is one.
enum Visit {
    Enter(Id, Option<u8>),
    Leave(Option<u8>),
}

/// Reads the page.
pub(crate) fn read(tree: &Tree, image: Option<&str>, findings: &mut Findings) -> Result<Page, FormError> {
    let inputs = Inputs::of(tree, image);
    let title = tree.descendants(Tree::DOCUMENT).find(|it| tree.name(*it) == Some("title"));
    let title = title.map(|it| inputs.text(it)).filter(|it| !it.is_empty());
    let mut page = Page { title, ..Page::default() };
    let mut choices = 0;
    let mut waiting = vec![Visit::Enter(Tree::DOCUMENT, None)];
    while let Some(visit) = waiting.pop() {
        let (id, around) = match visit {
            Visit::Enter(id, around) => (id, around),
            Visit::Leave(around) => {
                page.pieces.push(Piece::Block(around));
                continue;
            }
        };
        let mut heading = around;
        let inside: Vec<Id> = match &tree.nodes[id].data {
            Data::Text(text) => {
                page.pieces.push(Piece::Text(inputs.named(text)));
                Vec::new()
            }
            Data::EndOfInput => {
                page.pieces.push(Piece::EndOfInput);
                Vec::new()
            }
            Data::Fragment | Data::Element(..) => match tree.name(id).unwrap_or_default() {
                "input" | "textarea" | "select" => {
                    if let Some(input) = inputs.read(id, findings)? {
                        choices += input.options.len().max(1);
                        page.pieces.push(Piece::Input(page.inputs.len()));
                        page.inputs.push(input);
                    }
                    if choices > limits::CHOICES {
                        return Err(FormError::TooManyFields);
                    }
                    Vec::new()
                }
                "br" => {
                    page.pieces.push(Piece::Line);
                    Vec::new()
                }
                // Its words go to its input.
                "label" if inputs.is_label_of_input(id) => {
                    tree.descendants(id).filter(|it| is_input(tree, *it)).collect()
                }
                name if is_unseen(name) => Vec::new(),
                name => {
                    if let Some(level) = block(name) {
                        heading = level.or(around);
                        page.pieces.push(Piece::Block(heading));
                        waiting.push(Visit::Leave(around));
                    }
                    match name {
                        "td" | "th" => page.pieces.push(Piece::Text(" ".into())),
                        "li" => page.pieces.push(Piece::Text("- ".into())),
                        _ => {}
                    }
                    tree.nodes[id].children.clone()
                }
            },
        };
        waiting.extend(inside.into_iter().rev().map(|it| Visit::Enter(it, heading)));
    }
    Ok(page)
}

fn is_input(tree: &Tree, id: Id) -> bool {
    matches!(tree.name(id), Some("input" | "textarea" | "select"))
}

/// Elements whose text is no text of the page.
fn is_unseen(name: &str) -> bool {
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

/// Whether an element begins and ends a paragraph, and of which level of headings that is.
fn block(name: &str) -> Option<Option<u8>> {
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
