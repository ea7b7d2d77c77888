//! Which words of a page belong to which input, and which are texts between them.

use crate::flow::{FlowItem, Page};
use crate::form::FieldKind;

/// A piece of the page, its words told apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LayoutItem {
    Heading(u8, String),
    Text(String),
    /// An index into [`Page::inputs`].
    Input(usize),
}

/// The texts between inputs in order, and for each input its label, empty where there is none.
pub(crate) fn assign_labels(page: &Page) -> (Vec<LayoutItem>, Vec<String>) {
    let pieces = &page.items;
    let mut is_label = vec![false; pieces.len()];
    let mut labels = vec![String::new(); page.inputs.len()];
    for (position, piece) in pieces.iter().enumerate() {
        let FlowItem::Input(index) = *piece else { continue };
        let input = &page.inputs[index];
        if input.kind == FieldKind::Hidden {
            continue;
        }
        if let Some(label) = &input.label {
            labels[index].clone_from(label);
            continue;
        }
        let before = text_before(pieces, &is_label, position);
        let (after, is_closed) = text_after(pieces, position);
        let (label_before, label_after) = (joined_text(pieces, &before), joined_text(pieces, &after));
        let is_button = matches!(input.kind, FieldKind::Checkbox | FieldKind::Radio);
        let is_before = label_after.is_empty() || !is_closed && !is_button && label_before.ends_with(':');
        let (range, label) = if is_before { (before, label_before) } else { (after, label_after) };
        if label.is_empty() {
            continue;
        }
        range.for_each(|piece| is_label[piece] = true);
        labels[index] = label.trim_end_matches(':').trim_end().to_owned();
    }
    (layout_items(pieces, &is_label), labels)
}

/// The pieces before one, back to the last input, break or label.
fn text_before(pieces: &[FlowItem], is_label: &[bool], position: usize) -> std::ops::Range<usize> {
    let is_end = |index: &usize| !matches!(pieces[*index], FlowItem::Text(_)) || is_label[*index];
    (0..position).rev().find(is_end).map_or(0, |end| end + 1)..position
}

/// The pieces after one, and whether they end at `</input>`: up to that where it comes before the next input, else
/// to the end of the line.
fn text_after(pieces: &[FlowItem], position: usize) -> (std::ops::Range<usize>, bool) {
    let rest = position + 1..pieces.len();
    let next = rest.clone().find(|index| matches!(pieces[*index], FlowItem::Input(_) | FlowItem::EndOfInput));
    if let Some(end) = next.filter(|index| pieces[*index] == FlowItem::EndOfInput)
        && !joined_text(pieces, &(position + 1..end)).is_empty()
    {
        return (position + 1..end, true);
    }
    let is_text = |index: &usize| matches!(pieces[*index], FlowItem::Text(_) | FlowItem::EndOfInput);
    let end = rest.clone().find(|index| !is_text(index)).unwrap_or(rest.end);
    (position + 1..end, false)
}

fn joined_text(pieces: &[FlowItem], range: &std::ops::Range<usize>) -> String {
    let text = pieces[range.clone()].iter().map(|piece| match piece {
        FlowItem::Text(text) => text.as_str(),
        FlowItem::EndOfInput => "",
        _ => " ",
    });
    opkg::collapse_whitespace(&text.collect::<String>())
}

/// The items without the labels.
fn layout_items(pieces: &[FlowItem], is_label: &[bool]) -> Vec<LayoutItem> {
    let mut parts = Vec::new();
    let mut lines = vec![String::new()];
    let mut level = None;
    let flush = |lines: &mut Vec<String>, level: Option<u8>, parts: &mut Vec<LayoutItem>| {
        let folded = std::mem::replace(lines, vec![String::new()]);
        let folded: Vec<String> = folded
            .iter()
            .map(|line| opkg::collapse_whitespace(line))
            .filter(|line| !line.is_empty() && line != "-")
            .collect();
        if folded.is_empty() {
            return;
        }
        parts.push(match level {
            Some(level) => LayoutItem::Heading(level, folded.join(" ")),
            None => LayoutItem::Text(folded.join("\n")),
        });
    };
    for (piece, is_label) in pieces.iter().zip(is_label) {
        match piece {
            FlowItem::Text(text) if !is_label => {
                if let Some(line) = lines.last_mut() {
                    line.push_str(text);
                }
            }
            FlowItem::LineBreak => lines.push(String::new()),
            FlowItem::BlockBoundary(next) => {
                flush(&mut lines, level, &mut parts);
                level = *next;
            }
            FlowItem::Input(index) => {
                flush(&mut lines, level, &mut parts);
                parts.push(LayoutItem::Input(*index));
            }
            FlowItem::Text(_) | FlowItem::EndOfInput => {}
        }
    }
    flush(&mut lines, level, &mut parts);
    parts
}
