//! Results of tests, as people read them: a tree.

use opkg_engine::clock::format_duration;
use opkg_engine::format::{package_list, target_list};
use opkg_engine::testing::{TestCounts, TestNode, TestRun, TestStatus, TestSubject};
use opkg_oda::Cluster;

use crate::styles::{Style, Styles};

/// From so many milliseconds on, it is said how long a test took.
const SLOW_TEST_MS: i64 = 1000;

/// Columns of a word that says how a test ended.
const LABEL_WIDTH: usize = 7;

/// The line of a batch, above its tests.
#[must_use]
pub fn render_batch_heading(part: &TestNode, depth: usize, styles: Styles) -> String {
    format!("{}{}\n", indent(depth), styles.apply(Style::Heading, &test_title(part)))
}

/// How a test ended, and why; of a batch only what its tests do not say.
#[must_use]
pub fn render_result(part: &TestNode, depth: usize, styles: Styles) -> String {
    let is_batch = !part.children.is_empty();
    if is_batch && part.status == TestStatus::Passed {
        return String::new();
    }
    let tolerated = if matches!(part.status, TestStatus::Tolerated(_)) { "  (allowed to fail)" } else { "" };
    let took = if part.duration_ms < SLOW_TEST_MS {
        String::new()
    } else {
        format!("  ({})", format_duration(part.duration_ms))
    };
    let what = if is_batch { part.name.clone() } else { test_title(part) };
    let depth = if is_batch { depth + 1 } else { depth };
    let (word, style) = test_status_label(&part.status);
    let mut text = format!(
        "{}{}  {what}{tolerated}{took}\n",
        indent(depth),
        styles.apply(style, &format!("{word:LABEL_WIDTH$}"))
    );
    for line in part.status.reason().unwrap_or_default().lines() {
        text.push_str(&format!("{}{:LABEL_WIDTH$}  {line}\n", indent(depth), ""));
    }
    text
}

/// The word for a status, and its colour.
#[must_use]
pub fn test_status_label(status: &TestStatus) -> (&'static str, Style) {
    match status {
        TestStatus::Passed => ("ok", Style::Success),
        TestStatus::Failed(_) => ("FAILED", Style::Error),
        TestStatus::Tolerated(_) => ("failed", Style::Warning),
        TestStatus::Skipped(_) => ("skipped", Style::Warning),
        TestStatus::Errored(_) => ("ERROR", Style::Error),
    }
}

/// `5 passed, 1 failed (allowed to fail), 2 skipped`
#[must_use]
pub fn format_counts(counts: TestCounts) -> String {
    let TestCounts { passed, failed, tolerated, skipped, errored: broken } = counts;
    let mut parts = vec![format!("{passed} passed")];
    for (count, what) in [
        (failed, "failed"),
        (tolerated, "failed (allowed to fail)"),
        (broken, "could not be run"),
        (skipped, "skipped"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.join(", ")
}

fn test_title(part: &TestNode) -> String {
    if part.description.is_empty() {
        part.name.clone()
    } else {
        format!("{}: {}", part.name, part.description)
    }
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth + 1)
}

/// `munge on server:head: munge_validate.apb`
#[must_use]
pub fn test_run_title(cluster: &Cluster, test_run: &TestRun) -> String {
    let what = match test_run.subject {
        TestSubject::Package(package) => package_list(cluster, &[package]),
        TestSubject::Phase(phase) => format!("before {phase}"),
    };
    let file = if test_run.files.is_empty() { String::new() } else { format!(" ({})", test_run.name()) };
    format!("{what} on {}{file}", target_list(cluster, &[test_run.target]))
}
