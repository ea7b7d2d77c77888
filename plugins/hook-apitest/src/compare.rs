//! Compares the output of a program with what was expected.

use crate::host::ProcessOutput;
use opkg_apitest::definition::{Expectation, Stream, StreamMatch, TestDefinition};
use opkg_apitest::text::escape_for_display;

/// Bytes of a stream that the host keeps at most.
const MAX_COMPARED_BYTES: usize = 1 << 20;

/// Lines of output in a message.
const MAX_SHOWN_LINES: usize = 5;

/// Why a program failed its test: the differences, each in one or several lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Mismatch(Vec<String>);

/// Compares the output of a program with all that was expected.
///
/// # Errors
/// What differs.
pub fn compare(test: &TestDefinition, output: &ProcessOutput) -> Result<(), Mismatch> {
    // Whatever it printed before it was killed.
    if output.exit_code.is_none() {
        return Err(Mismatch(vec![with_last_stderr_line(&format!("it {}", output.termination), output)]));
    }
    let differences: Vec<String> =
        test.expected.iter().filter_map(|expected| difference(expected, output)).collect();
    match (test.must_match, differences.is_empty()) {
        (true, true) | (false, false) => Ok(()),
        (true, false) => Err(Mismatch(differences)),
        (false, true) => {
            Err(Mismatch(vec!["all outputs matched, but match=FALSE expects a mismatch".into()]))
        }
    }
}

fn difference(expected: &Expectation, output: &ProcessOutput) -> Option<String> {
    let code = output.exit_code.unwrap_or_default();
    match expected {
        Expectation::Status(status) if *status == code => None,
        Expectation::Status(status) => {
            Some(with_last_stderr_line(&format!("the exit status is {code} instead of {status}"), output))
        }
        Expectation::StatusMatches(pattern) if pattern.matches(&code.to_string()) => None,
        Expectation::StatusMatches(pattern) => Some(with_last_stderr_line(
            &format!("the exit status {code} does not match /{}/", escape_for_display(pattern.source())),
            output,
        )),
        Expectation::Stream(stream, wanted) => {
            let (name, bytes) = match stream {
                Stream::Stdout => ("standard output", &output.stdout),
                Stream::Stderr => ("standard error", &output.stderr),
            };
            let is_cut = output.truncated && bytes.len() >= MAX_COMPARED_BYTES;
            stream_difference(name, wanted, &String::from_utf8_lossy(bytes), is_cut)
        }
    }
}

fn stream_difference(name: &str, wanted: &StreamMatch, actual: &str, is_cut: bool) -> Option<String> {
    match wanted {
        StreamMatch::Matches(pattern) if pattern.matches_everything() => None,
        StreamMatch::Nothing if actual.is_empty() => None,
        StreamMatch::Nothing => Some(format!("expected no output on {name}\n{}", first_lines(actual))),
        _ if is_cut => {
            Some(format!("{name} is longer than the {} KiB that are compared", MAX_COMPARED_BYTES >> 10))
        }
        StreamMatch::Matches(pattern) if pattern.matches(actual) => None,
        StreamMatch::Matches(pattern) => Some(format!(
            "{name} does not match\n  expected: /{}/\n{}",
            escape_for_display(pattern.source()),
            first_lines(actual)
        )),
        StreamMatch::Literal(text) => first_difference(name, trim_line_end(text), trim_line_end(actual)),
    }
}

/// Without one line end at its end.
fn trim_line_end(text: &str) -> &str {
    text.strip_suffix('\n').unwrap_or(text)
}

/// The first line in which two texts differ.
fn first_difference(name: &str, expected: &str, actual: &str) -> Option<String> {
    if expected == actual {
        return None;
    }
    let (mut wanted, mut got) = (expected.split('\n'), actual.split('\n'));
    let mut number = 0;
    let (wanted, got) = loop {
        number += 1;
        match (wanted.next(), got.next()) {
            (Some(a), Some(b)) if a == b => {}
            different => break different,
        }
    };
    let is_short = |text: &str| !text.contains('\n');
    let place =
        if is_short(expected) && is_short(actual) { String::new() } else { format!(" in line {number}") };
    let (mut wanted, mut got) = (wanted.map(quoted), got.map(quoted));
    // They differ only in what is truncated or not shown.
    if wanted == got {
        let count = |shown: &mut Option<String>, text: &str| {
            let line = text.split('\n').nth(number - 1);
            *shown = line.map(|line| format!("{} characters", line.chars().count()));
        };
        count(&mut wanted, expected);
        count(&mut got, actual);
    }
    let end = || "the end".to_owned();
    Some(format!(
        "{name} differs{place}\n  expected: {}\n  actual:   {}",
        wanted.unwrap_or_else(end),
        got.unwrap_or_else(end)
    ))
}

fn quoted(line: &str) -> String {
    format!("\"{}\"", escape_for_display(line))
}

/// The first lines of a text.
fn first_lines(text: &str) -> String {
    if text.is_empty() {
        return "  actual:   nothing".to_owned();
    }
    let text = trim_line_end(text);
    let mut lines: Vec<String> = text.split('\n').take(MAX_SHOWN_LINES).map(quoted).collect();
    let more = text.split('\n').count() - lines.len();
    if more > 0 {
        lines.push(format!("and {more} more lines"));
    }
    format!("  actual:   {}", lines.join("\n            "))
}

/// Standard error mostly has the reason.
fn with_last_stderr_line(text: &str, output: &ProcessOutput) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    match stderr.trim_end().lines().next_back() {
        Some(last) if !last.trim().is_empty() => format!("{text}\n  stderr: {}", quoted(last.trim())),
        _ => text.to_owned(),
    }
}
