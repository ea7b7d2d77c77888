//! Which words of a page belong to which input, and which are texts between them.

use crate::flow::{Page, Piece};
use crate::form::Kind;

/// A piece of the page, its words told apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Heading(u8, String),
    Text(String),
    /// A place in [`Page::inputs`].
    Input(usize),
}

/// The texts between inputs in order, and for each input its label, empty where there is none.
pub(crate) fn lay_out(page: &Page) -> (Vec<Part>, Vec<String>) {
    let pieces = &page.pieces;
    let mut taken = vec![false; pieces.len()];
    let mut labels = vec![String::new(); page.inputs.len()];
    for (at, piece) in pieces.iter().enumerate() {
        let Piece::Input(number) = *piece else { continue };
        let input = &page.inputs[number];
        if input.kind == Kind::Hidden {
            continue;
        }
        if let Some(label) = &input.label {
            labels[number].clone_from(label);
            continue;
        }
        let before = line_before(pieces, &taken, at);
        let (after, closed) = behind(pieces, at);
        let (words_before, words_behind) = (words(pieces, &before), words(pieces, &after));
        let is_button = matches!(input.kind, Kind::Checkbox | Kind::Radio);
        let in_front = words_behind.is_empty() || !closed && !is_button && words_before.ends_with(':');
        let (range, label) = if in_front { (before, words_before) } else { (after, words_behind) };
        if label.is_empty() {
            continue;
        }
        range.for_each(|it| taken[it] = true);
        labels[number] = label.trim_end_matches(':').trim_end().to_owned();
    }
    (parts(pieces, &taken), labels)
}

/// The pieces before one, back to the last input or break, or to what is a label already.
fn line_before(pieces: &[Piece], taken: &[bool], at: usize) -> std::ops::Range<usize> {
    let ends = |it: &usize| !matches!(pieces[*it], Piece::Text(_)) || taken[*it];
    (0..at).rev().find(ends).map_or(0, |it| it + 1)..at
}

/// The pieces behind one, up to `</input>` where that comes before the next input, else to the end of the line;
/// and which of both it was.
fn behind(pieces: &[Piece], at: usize) -> (std::ops::Range<usize>, bool) {
    let rest = at + 1..pieces.len();
    let next = rest.clone().find(|it| matches!(pieces[*it], Piece::Input(_) | Piece::EndOfInput));
    if let Some(end) = next.filter(|it| pieces[*it] == Piece::EndOfInput)
        && !words(pieces, &(at + 1..end)).is_empty()
    {
        return (at + 1..end, true);
    }
    let text = |it: &usize| matches!(pieces[*it], Piece::Text(_) | Piece::EndOfInput);
    let end = rest.clone().find(|it| !text(it)).unwrap_or(rest.end);
    (at + 1..end, false)
}

fn words(pieces: &[Piece], range: &std::ops::Range<usize>) -> String {
    let text = pieces[range.clone()].iter().map(|it| match it {
        Piece::Text(text) => text.as_str(),
        Piece::EndOfInput => "",
        _ => " ",
    });
    opkg::fold(&text.collect::<String>())
}

/// What is left when the labels are taken away.
fn parts(pieces: &[Piece], taken: &[bool]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = vec![String::new()];
    let mut level = None;
    let flush = |lines: &mut Vec<String>, level: Option<u8>, parts: &mut Vec<Part>| {
        let folded = std::mem::replace(lines, vec![String::new()]);
        let folded: Vec<String> =
            folded.iter().map(|it| opkg::fold(it)).filter(|it| !it.is_empty() && it != "-").collect();
        if folded.is_empty() {
            return;
        }
        parts.push(match level {
            Some(level) => Part::Heading(level, folded.join(" ")),
            None => Part::Text(folded.join("\n")),
        });
    };
    for (piece, taken) in pieces.iter().zip(taken) {
        match piece {
            Piece::Text(text) if !taken => {
                if let Some(line) = lines.last_mut() {
                    line.push_str(text);
                }
            }
            Piece::Line => lines.push(String::new()),
            Piece::Block(next) => {
                flush(&mut lines, level, &mut parts);
                level = *next;
            }
            Piece::Input(number) => {
                flush(&mut lines, level, &mut parts);
                parts.push(Part::Input(*number));
            }
            Piece::Text(_) | Piece::EndOfInput => {}
        }
    }
    flush(&mut lines, level, &mut parts);
    parts
}
