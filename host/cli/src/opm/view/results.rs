//! Results of tests, as people read them: a tree.

use opkg_opm::testing::{Counts, Part, Verdict};

use crate::opm::clock::span;
use crate::opm::paint::{Paint, Tone};

/// From so many milliseconds on, it is said how long a test took.
const LONG: i64 = 1000;

/// Columns of a word that says how a test ended.
const WORD: usize = 7;

/// The line of a batch, above its tests.
#[must_use]
pub fn heading(part: &Part, depth: usize, paint: Paint) -> String {
    format!("{}{}\n", indent(depth), paint.tone(Tone::Strong, &title(part)))
}

/// How a test ended, and why; of a batch only what its tests do not say.
#[must_use]
pub fn line(part: &Part, depth: usize, paint: Paint) -> String {
    let is_batch = !part.parts.is_empty();
    if is_batch && part.verdict == Verdict::Passed {
        return String::new();
    }
    let tolerated = if matches!(part.verdict, Verdict::Tolerated(_)) { "  (need not pass)" } else { "" };
    let took = if part.took < LONG { String::new() } else { format!("  ({})", span(part.took)) };
    let what = if is_batch { part.name.clone() } else { title(part) };
    let depth = if is_batch { depth + 1 } else { depth };
    let (word, tone) = word(&part.verdict);
    let mut text =
        format!("{}{}  {what}{tolerated}{took}\n", indent(depth), paint.tone(tone, &format!("{word:WORD$}")));
    for line in part.verdict.reason().unwrap_or_default().lines() {
        text.push_str(&format!("{}{:WORD$}  {line}\n", indent(depth), ""));
    }
    text
}

/// How a verdict is called, and its colour.
#[must_use]
pub fn word(verdict: &Verdict) -> (&'static str, Tone) {
    match verdict {
        Verdict::Passed => ("ok", Tone::Good),
        Verdict::Failed(_) => ("FAILED", Tone::Bad),
        Verdict::Tolerated(_) => ("failed", Tone::Held),
        Verdict::Skipped(_) => ("skipped", Tone::Held),
        Verdict::Broken(_) => ("ERROR", Tone::Bad),
    }
}

/// `5 passed, 1 failed that need not pass, 2 skipped`
#[must_use]
pub fn sum(counts: Counts) -> String {
    let Counts { passed, failed, tolerated, skipped, broken } = counts;
    let mut parts = vec![format!("{passed} passed")];
    for (count, what) in [
        (failed, "failed"),
        (tolerated, "failed that need not pass"),
        (broken, "could not be run"),
        (skipped, "skipped"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.join(", ")
}

fn title(part: &Part) -> String {
    if part.description.is_empty() {
        part.name.clone()
    } else {
        format!("{}: {}", part.name, part.description)
    }
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth + 1)
}
