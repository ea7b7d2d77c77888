//! What came of a program against what was to come.

use crate::definition::{Expected, Match, Stream, Test};
use crate::machine::Ended;
use crate::text::show;

/// Bytes of a stream that are kept of it at most.
const KEPT: usize = 1 << 20;

/// Lines of output in a message.
const LINES: usize = 5;

/// Holds what came against all that was expected.
///
/// # Errors
/// What differs, in lines for people.
pub fn compare(test: &Test, ended: &Ended) -> Result<(), String> {
    // Whatever it printed until then: it did not end as a program ends.
    if ended.exit_code.is_none() {
        return Err(with_errors(&format!("it {}", ended.how), ended));
    }
    let differences: Vec<String> = test.expected.iter().filter_map(|it| difference(it, ended)).collect();
    match (test.must_match, differences.is_empty()) {
        (true, true) | (false, false) => Ok(()),
        (true, false) => Err(differences.join("\n")),
        (false, true) => Err("everything came as described, and at least something should not have".into()),
    }
}

fn difference(expected: &Expected, ended: &Ended) -> Option<String> {
    let code = ended.exit_code.unwrap_or_default();
    match expected {
        Expected::Status(status) if *status == code => None,
        Expected::Status(status) => {
            Some(with_errors(&format!("the exit status is {code} instead of {status}"), ended))
        }
        Expected::StatusLike(pattern) if pattern.matches(&code.to_string()) => None,
        Expected::StatusLike(pattern) => Some(with_errors(
            &format!("the exit status {code} does not match /{}/", show(pattern.source())),
            ended,
        )),
        Expected::Stream(stream, wanted) => {
            let (name, bytes) = match stream {
                Stream::Out => ("standard output", &ended.stdout),
                Stream::Err => ("standard error", &ended.stderr),
            };
            let is_cut = ended.cut && bytes.len() >= KEPT;
            of_stream(name, wanted, &String::from_utf8_lossy(bytes), is_cut)
        }
    }
}

fn of_stream(name: &str, wanted: &Match, came: &str, is_cut: bool) -> Option<String> {
    match wanted {
        Match::Like(pattern) if pattern.is_anything() => None,
        Match::Nothing if came.is_empty() => None,
        Match::Nothing => Some(format!("nothing was to come on {name}\n{}", beginning("came", came))),
        _ if is_cut => Some(format!("more came on {name} than the {} KiB that are compared", KEPT >> 10)),
        Match::Like(pattern) if pattern.matches(came) => None,
        Match::Like(pattern) => Some(format!(
            "{name} does not match\n  expected: /{}/\n{}",
            show(pattern.source()),
            beginning("came", came)
        )),
        Match::Literal(text) => first_difference(name, trimmed(text), trimmed(came)),
    }
}

/// Without one line end at its end.
fn trimmed(text: &str) -> &str {
    text.strip_suffix('\n').unwrap_or(text)
}

/// The first line in which two texts differ.
fn first_difference(name: &str, expected: &str, came: &str) -> Option<String> {
    if expected == came {
        return None;
    }
    let (mut wanted, mut got) = (expected.split('\n'), came.split('\n'));
    let mut number = 0;
    let (wanted, got) = loop {
        number += 1;
        match (wanted.next(), got.next()) {
            (Some(a), Some(b)) if a == b => {}
            it => break it,
        }
    };
    let is_short = |text: &str| !text.contains('\n');
    let place =
        if is_short(expected) && is_short(came) { String::new() } else { format!(" in line {number}") };
    let (mut wanted, mut got) = (wanted.map(shown), got.map(shown));
    // Lines that only their ends tell apart, or what stands where it is cut off.
    if wanted == got {
        let whole = |it: &mut Option<String>, text: &str| {
            *it = text.split('\n').nth(number - 1).map(|it| format!("{} characters", it.chars().count()));
        };
        whole(&mut wanted, expected);
        whole(&mut got, came);
    }
    let end = || "the end".to_owned();
    Some(format!(
        "{name} differs{place}\n  expected: {}\n  came:     {}",
        wanted.unwrap_or_else(end),
        got.unwrap_or_else(end)
    ))
}

fn shown(line: &str) -> String {
    format!("\"{}\"", show(line))
}

/// The first lines of a text.
fn beginning(title: &str, text: &str) -> String {
    if text.is_empty() {
        return format!("  {title}:     nothing");
    }
    let text = trimmed(text);
    let mut lines: Vec<String> = text.split('\n').take(LINES).map(shown).collect();
    let more = text.split('\n').count() - lines.len();
    if more > 0 {
        lines.push(format!("and {more} more lines"));
    }
    format!("  {title}:     {}", lines.join("\n            "))
}

/// A status alone says little: what came on standard error says why.
fn with_errors(text: &str, ended: &Ended) -> String {
    let said = String::from_utf8_lossy(&ended.stderr);
    match said.trim_end().lines().next_back() {
        Some(last) if !last.trim().is_empty() => format!("{text}\n  it said: {}", shown(last.trim())),
        _ => text.to_owned(),
    }
}
